"""A plugin in one file whose task takes raw inputs: is the mean of some numbers above zero? And two models for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import (
    Classes,
    DataError,
    Dense,
    Input,
    ModelSpec,
    NoParams,
    Output,
    SequenceSet,
    Serving,
    TaskData,
    TaskSpec,
    hookimpl,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn


def build_sighted(input: Input, output: Output, params: Any) -> nn.Module:
    """A linear layer on the mean: all that it takes."""
    import torch
    from torch import nn

    class Sighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(1, output.size)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.head(x.sum(1) / lengths[:, None])
            return found

    return Sighted()


def build_blind(input: Input, output: Output, params: Any) -> nn.Module:
    """The same answer to everything."""
    import torch
    from torch import nn

    class Blind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(output.size))

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return x.new_zeros((len(lengths), output.size)) + self.bias

    return Blind()


def prepare(source: str, params: Any, cache: Path) -> TaskData:
    """Numbers around a mean of either sign, in units of a scale that is train's own."""
    random = np.random.default_rng(0)
    scale = 7.0

    def split(name: str, count: int) -> tuple[SequenceSet, list[str]]:
        means = random.choice([-1.0, 1.0], count)
        raw = [
            " ".join(f"{value:.3f}" for value in scale * (mean + random.normal(size=random.integers(2, 9))))
            for mean in means
        ]
        sequences = [np.array(text.split(), dtype=np.float32)[:, None] / np.float32(scale) for text in raw]
        ids = [f"{name}-{number}" for number in range(count)]
        return SequenceSet.from_sequences(sequences, (means > 0).astype(np.int64), ids), raw

    test, texts = split("test", 200)
    return TaskData(
        Dense(1),
        Classes(("below", "above")),
        split("train", 300)[0],
        split("validation", 100)[0],
        test,
        state={"scale": scale},
        raw_examples=dict(zip(map(str, test.ids[:2]), texts, strict=False)),
    )


def encoder(state: Mapping[str, Any]) -> Callable[[Any], NDArray[np.float32]]:
    """`encode("1.5 -2") -> float32[2, 1]`."""

    def encode(raw: Any) -> NDArray[np.float32]:
        try:
            return np.array(str(raw).split(), dtype=np.float32)[:, None] / np.float32(state["scale"])
        except ValueError:
            raise DataError(f"'{raw}' has something other than numbers: part numbers by spaces.") from None

    return encode


def accuracy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Part of the examples whose highest output is the target."""
    return float((outputs.argmax(1) == split.targets).mean())


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    """Offer the models."""
    return [
        ModelSpec("sighted", build_sighted, NoParams, ("dense",), "sees the mean"),
        ModelSpec("blind", build_blind, NoParams, ("dense",), "sees nothing"),
    ]


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task."""
    return [
        TaskSpec(
            name="sign",
            prepare=prepare,
            input_kind="dense",
            metrics={"accuracy": accuracy},
            primary="accuracy",
            higher_is_better=True,
            loss="cross_entropy",
            trainer={"max_epochs": 2, "learning_rate": 0.1},
            serving=Serving("numbers", encoder, about="numbers parted by spaces"),
        )
    ]
