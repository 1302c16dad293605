"""A task of a handful of examples and a model of one number: a cell is nothing but what surrounds a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import Classes, Dense, Input, ModelSpec, Output, SequenceSet, TaskData, TaskSpec, hookimpl

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

EXAMPLES = 8


def build(input: Input, output: Output, params: Any) -> torch.nn.Module:
    """The same score for every example."""
    import torch

    class Constant(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.score * torch.ones(len(lengths), output.size)

    return Constant()


def prepare(source: str, params: Any, cache: Path) -> TaskData:
    """Three splits of the same few examples."""
    import numpy as np

    sequences = [np.full((2, 1), number, dtype=np.float32) for number in range(EXAMPLES)]
    split = SequenceSet.from_sequences(sequences, np.arange(EXAMPLES) % 2)
    return TaskData(Dense(1), Classes(("even", "odd")), split, split, split)


def accuracy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """The share of labels that are hit."""
    return float((outputs.argmax(1) == split.targets).mean())


@hookimpl
def seqbench_models() -> Sequence[ModelSpec]:
    """Offer the model."""
    return [ModelSpec("empty", build)]


@hookimpl
def seqbench_tasks() -> Sequence[TaskSpec]:
    """Offer the task: one epoch of one step."""
    return [
        TaskSpec(
            "nothing",
            prepare,
            "dense",
            {"accuracy": accuracy},
            "accuracy",
            higher_is_better=True,
            loss="cross_entropy",
            trainer={"max_epochs": 1, "batch_size": EXAMPLES},
        )
    ]
