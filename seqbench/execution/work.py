"""What a worker does with a job; the same code whether the worker is a process or this one."""

from __future__ import annotations

from collections.abc import Callable

from seqbench.cell import run_cell
from seqbench.execution.jobs import CellJob, PrepareJob
from seqbench.prepare import Prepared, prepare
from seqbench.records import CellResult, EpochRecord
from seqbench.registry import Registry


def do_prepare(job: PrepareJob, registry: Registry) -> Prepared:
    """Prepare a task's data, or find it prepared."""
    return prepare(registry.tasks[job.task], job.location, job.params, job.key)


def do_cell(job: CellJob, registry: Registry, on_epoch: Callable[[str, EpochRecord], None]) -> CellResult:
    """Run a cell, telling of each epoch with the cell's key."""

    def tell(epoch: EpochRecord) -> None:
        on_epoch(job.cell.key, epoch)

    return run_cell(job.cell, registry, job.prepared, job.device, job.environment, tell)
