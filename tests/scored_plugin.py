"""A task whose metrics another version counts otherwise: `METRICS` in the file says which there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import Classes, Dense, SequenceSet, TaskData, TaskSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

METRICS = ("accuracy",)


def prepare(source: str, params: Any, cache: Path) -> TaskData:
    """Walks whose sign is in their mean; a source is a file with the number that they begin with."""
    random = np.random.default_rng(0 if source == "builtin" else int(Path(source).read_text()))

    def split(count: int) -> SequenceSet:
        labels = random.integers(0, 2, count)
        walks = [(random.normal(size=(5, 2)) + label - 0.5).astype(np.float32) for label in labels]
        return SequenceSet.from_sequences(walks, labels)

    return TaskData(Dense(2), Classes(("low", "high")), split(60), split(20), split(40))


def accuracy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Part of the examples whose highest output is the target."""
    return float((outputs.argmax(1) == split.targets).mean())


def error(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """The other part."""
    return 1.0 - accuracy(outputs, split)


def broken(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """A metric whose author has made a mistake."""
    raise ZeroDivisionError("nothing to divide")


def constant(train: SequenceSet, validation: SequenceSet, output: Any) -> Callable[[SequenceSet], NDArray[np.float64]]:
    """The same for all, in numbers that need all their digits."""
    return lambda split: np.tile(np.array([0.1 + 0.2, 1 / 3]), (len(split), 1))


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task."""
    known = {"accuracy": accuracy, "error": error, "broken": broken}
    return [
        TaskSpec(
            name="scored",
            prepare=prepare,
            input_kind="dense",
            metrics={name: known[name] for name in METRICS},
            primary="accuracy",
            higher_is_better=True,
            loss="cross_entropy",
            baselines={"constant": constant},
            remarks=lambda outputs, split: [f"{len(METRICS)} metrics"],
        )
    ]
