"""Models whose costs are known, and a task on which a single forward pass too many would be seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import Classes, Dense, Input, ModelSpec, Output, SequenceSet, TaskData, TaskSpec, hookimpl

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

TEST = 300


@dataclass(frozen=True)
class Params:
    """milliseconds: that each forward pass takes. megabytes: that one takes while it computes. seed: of nothing."""

    milliseconds: float = 0.0
    megabytes: int = 0


def build(input: Input, output: Output, params: Params) -> nn.Module:
    """A linear model of the mean that counts its passes in a buffer and draws a random number in each."""
    import torch
    from torch import nn

    assert isinstance(input, Dense)
    features = input.features

    class Counting(nn.Module):
        passes: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(features, output.size)
            self.register_buffer("passes", torch.zeros(1))

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            time.sleep(params.milliseconds / 1000)
            self.passes += 1
            torch.rand(1)
            np.random.random()  # noqa: NPY002 - the global generator is what a metric may use, too
            held = torch.ones(params.megabytes << 18)
            scores: torch.Tensor = self.head(x.sum(1) / lengths[:, None]) + held.sum() * 0
            return scores

    return Counting()


def prepare(source: str, params: Any, cache: Path) -> TaskData:
    """Examples of one to nine steps, all values the label's."""
    random = np.random.default_rng(0)

    def split(count: int) -> SequenceSet:
        labels = random.integers(0, 2, count)
        lengths = random.integers(1, 10, count)
        sequences = [
            np.full((length, 2), label, dtype=np.float32) for length, label in zip(lengths, labels, strict=True)
        ]
        return SequenceSet.from_sequences(sequences, labels)

    return TaskData(Dense(2), Classes(("no", "yes")), split(100), split(40), split(TEST))


def drawn(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """What the global generator of NumPy gives next."""
    return float(np.random.random())  # noqa: NPY002 - that is the point


def always(train: SequenceSet, validation: SequenceSet, output: Output) -> Callable[[SequenceSet], NDArray[Any]]:
    """The first class."""
    return lambda split: np.tile([1.0, 0.0], (len(split), 1))


def stubborn(train: SequenceSet, validation: SequenceSet, output: Output) -> Callable[[SequenceSet], NDArray[Any]]:
    """A predictor that knows the whole test split only."""

    def predict(split: SequenceSet) -> NDArray[Any]:
        if len(split) != TEST:
            raise SystemExit("give me all of it")
        return np.tile([1.0, 0.0], (TEST, 1))

    return predict


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    """Offer the model."""
    return [ModelSpec("counting", build, Params, ("dense",))]


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task."""
    return [
        TaskSpec(
            name="drawn",
            prepare=prepare,
            input_kind="dense",
            metrics={"drawn": drawn},
            primary="drawn",
            higher_is_better=True,
            loss="cross_entropy",
            baselines={"always": always, "stubborn": stubborn},
            trainer={"max_epochs": 3, "min_epoch_steps": 5, "patience": 0},
        )
    ]
