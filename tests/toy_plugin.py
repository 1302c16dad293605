"""A plugin in one file, small enough to train in a blink: a task whose answer is in the mean, and models for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import seqbench
from seqbench import Classes, Dense, Input, ModelSpec, Output, SequenceSet, TaskData, TaskSpec, hookimpl

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn


@dataclass(frozen=True)
class Params:
    """hidden_size: of the recurrent layer. parameter_budget: unused, but a well-known name that tasks may set."""

    hidden_size: int = 16
    parameter_budget: int = 1000


def build_gru(input: Input, output: Output, params: Params) -> nn.Module:
    """A GRU with a linear head on its last state."""
    import torch
    from torch import nn

    assert isinstance(input, Dense)
    features = input.features

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = nn.GRU(features, params.hidden_size, batch_first=True)
            self.head = nn.Linear(params.hidden_size, output.size)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            states, _ = self.recurrent(x)
            last: torch.Tensor = self.head(states[torch.arange(len(lengths)), lengths - 1])
            return last

    return Last()


def build_broken(input: Input, output: Output, params: Params) -> nn.Module:
    """A model whose author has made a mistake."""
    raise RuntimeError("this model is broken on purpose")


def build_deadly(input: Input, output: Output, params: Params) -> nn.Module:
    """A model that takes its process with it."""
    os._exit(3)


def build_diverging(input: Input, output: Output, params: Params) -> nn.Module:
    """A model whose loss is never a number."""
    import torch
    from torch import nn

    class Diverging(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(output.size))

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return (self.weight * torch.nan).expand(len(lengths), -1)

    return Diverging()


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    """Offer the models."""
    return [
        ModelSpec("toy_gru", build_gru, Params, ("dense",), "a GRU"),
        ModelSpec("toy_broken", build_broken, Params, (Dense,), "raises"),
        ModelSpec("toy_deadly", build_deadly, Params, ("dense",), "exits"),
        ModelSpec("toy_diverging", build_diverging, Params, ("dense",), "gives NaN"),
        ModelSpec("toy_reader", build_broken, Params, ("tokens",), "takes tokens only"),
    ]


@dataclass(frozen=True)
class ToyParams:
    """examples: in train. shift: how far apart the classes are."""

    examples: int = 300
    shift: float = 1.0


def prepare(source: str, params: ToyParams, cache: Path) -> TaskData:
    """Random walks around one of two means; the source `broken` is refused."""
    if "broken" in source:
        raise seqbench.DataError(f"{source} line 3 has no label: give every line one.")
    random = np.random.default_rng(0)

    def split(count: int) -> SequenceSet:
        labels = random.integers(0, 2, count)
        lengths = random.integers(4, 12, count)
        sequences = [
            (random.normal(size=(length, 3)) + params.shift * (label - 0.5)).astype(np.float32)
            for label, length in zip(labels, lengths, strict=True)
        ]
        return SequenceSet.from_sequences(sequences, labels)

    return TaskData(Dense(3), Classes(("low", "high")), split(params.examples), split(100), split(200))


def accuracy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Part of the examples whose highest output is the target."""
    return float((outputs.argmax(1) == split.targets).mean())


def majority(
    train: SequenceSet, validation: SequenceSet, output: Output
) -> Callable[[SequenceSet], NDArray[np.float64]]:
    """The most frequent label of train, always."""
    counts = np.bincount(train.targets, minlength=output.size).astype(np.float64)

    def predict(split: SequenceSet) -> NDArray[Any]:
        return np.tile(counts, (len(split), 1))

    return predict


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task."""
    return [
        TaskSpec(
            name="toy",
            prepare=prepare,
            input_kind="dense",
            metrics={"accuracy": accuracy},
            primary="accuracy",
            higher_is_better=True,
            loss="cross_entropy",
            params=ToyParams,
            baselines={"majority": majority},
            trainer={"max_epochs": 4, "learning_rate": 1e-2},
            model_defaults={"hidden_size": 8},
            remarks=lambda outputs, split: [f"{len(split)} were looked at"],
        )
    ]
