"""Preparing data without training: options → each selected task's data, as it would be prepared for a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqbench.benchmark import Options, load
from seqbench.params import validate
from seqbench.plan import Cell
from seqbench.spec import TaskSpec

if TYPE_CHECKING:
    from seqbench.prepare import Prepared


@dataclass(frozen=True)
class Subject:
    """One task's data: what it is made of, and its key in the cache."""

    spec: TaskSpec
    cell: Cell

    @property
    def task_id(self) -> str:
        """`task@source` with what differs from the defaults."""
        return self.cell.task_id

    @property
    def location(self) -> str:
        """The source as `prepare` gets it."""
        return self.cell.location

    @property
    def origin(self) -> str:
        """The source as it was given."""
        return self.cell.origin or self.cell.location

    @property
    def parsed(self) -> Any:
        """The task's parameters as it gets them."""
        return validate(self.spec.params, self.cell.task_params, f"tasks.{self.spec.name}")

    def prepare(self) -> Prepared:
        """Prepare the data in this process, or find it prepared. Raises DataError as the task does."""
        from seqbench.prepare import prepare

        return prepare(self.spec, self.cell.location, self.cell.task_params, self.cell.data_key)


def subjects(options: Options) -> list[Subject]:
    """Each selected task's data. Raises SeqbenchError's kinds for whatever the user can mend."""
    benchmark = load(options)
    first = {cell.task: cell for cell in reversed(benchmark.cells)}
    return [Subject(benchmark.registry.tasks[task], first[task]) for task in benchmark.config.tasks if task in first]
