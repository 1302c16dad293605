"""What MLflow holds of a task, as plain values, each cell and each series once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seqbench.tracking.names import FINISHED_AT, KEY, KIND, SEED, SERIES
from seqbench.tracking.projection import RunContent

if TYPE_CHECKING:
    from mlflow.entities import Run

ENDED = ("FINISHED", "FAILED", "KILLED")


@dataclass
class Held:
    """A run as MLflow holds it. metrics: the latest value of each."""

    id: str
    status: str = "RUNNING"
    end: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Held:
        """From MLflow's own object."""
        data = run.data
        return cls(run.info.run_id, run.info.status, run.info.end_time, data.params, data.metrics, data.tags)

    def has_ended_with(self, content: RunContent) -> bool:
        """Is this, or a newer result of the same cell, already held as a whole?"""
        return self.has_ended and self.finished_at >= float(content.tags[FINISHED_AT])

    @property
    def has_ended(self) -> bool:
        """Was it written as a whole?"""
        return self.status in ENDED

    @property
    def finished_at(self) -> float:
        """When the newest record that went in had ended: seconds since 1970 UTC."""
        return float(self.tags.get(FINISHED_AT, "0"))


@dataclass
class Experiment:
    """A task's experiment: its runs by cell key (nested ones) and by series (model-level ones)."""

    id: str
    tags: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, Held] = field(default_factory=dict)
    models: dict[str, Held] = field(default_factory=dict)


def without_doubles(experiment: str, tags: dict[str, str], runs: Iterable[Held]) -> tuple[Experiment, list[str]]:
    """The experiment with one run per cell and per series, and the ids of the runs that are too many.

    Two writers that do not know of each other (two results folders, a call that was tried again because its answer was
    lost) can make doubles. Of those the one that was written as a whole stays, then the newer result, then the
    one with the smaller id, whoever looks.
    """
    found, doubles = Experiment(experiment, tags), []
    for held in sorted(runs, key=lambda held: (not held.has_ended, -held.finished_at, held.id)):
        kind = held.tags.get(KIND)
        if kind is not None:
            group, name = (found.seeds, KEY) if kind == SEED else (found.models, SERIES)
            if group.setdefault(held.tags.get(name, ""), held) is not held:
                doubles.append(held.id)
    return found, doubles
