"""The verbs: every hook that a plugin can implement.

Offers are called for every command, so they must touch no file, no network and no torch.
Observers are called in the parent process only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from seqbench.execution.jobs import Advance
    from seqbench.plan import Cell
    from seqbench.records import CellRecord, EpochRecord
    from seqbench.runs import Run
    from seqbench.spec import ModelSpec, TaskSpec

hookspec = pluggy.HookspecMarker("seqbench")
hookimpl = pluggy.HookimplMarker("seqbench")


@hookspec
def seqbench_models() -> Iterable[ModelSpec]:  # type: ignore[empty-body]
    """Offer models. Called once per process, when plugins are discovered.

    Since interface 1.
    """


@hookspec
def seqbench_tasks() -> Iterable[TaskSpec]:  # type: ignore[empty-body]
    """Offer tasks. Called once per process, when plugins are discovered.

    Since interface 1.
    """


@hookspec
def seqbench_run_started(run: Run, cells: Sequence[Cell]) -> None:
    """Observe the start: called once, before the first of `cells` (those that will be trained) starts.

    Since interface 1.
    """


@hookspec
def seqbench_preparation_advanced(advance: Advance) -> None:
    """Observe a preparation: called in the parent process, a few times a second, where a task tells how far it is.

    Since interface 1.
    """


@hookspec
def seqbench_epoch_finished(cell: Cell, epoch: EpochRecord) -> None:
    """Observe an epoch: called in the parent process shortly after each epoch of each cell.

    Since interface 1.
    """


@hookspec
def seqbench_cell_finished(record: CellRecord) -> None:
    """Observe a cell: called once per finished cell, whatever its status, after its record is on disk.

    Since interface 1.
    """


@hookspec
def seqbench_run_finished(run: Run, records: Sequence[CellRecord]) -> None:
    """Observe the end: called once, with every record of the run's cells, also those from earlier runs.

    Since interface 1.
    """
