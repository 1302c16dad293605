"""What a worker does with a job; the same code whether the worker is a process or this one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from seqbench.cell import run_cell
from seqbench.estimates import Cost
from seqbench.execution.jobs import Advance, CellJob, MeasureJob, PrepareJob
from seqbench.measurements import Taken
from seqbench.measuring import run_measurement
from seqbench.pilot import run_pilot
from seqbench.prepare import Prepared, prepare
from seqbench.progress import listening
from seqbench.records import CellResult, EpochRecord
from seqbench.registry import Registry

TELL_SECONDS = 0.2
"""How often a preparation tells how far it is, at most."""


def do_prepare(job: PrepareJob, registry: Registry, on_advance: Callable[[Advance], None] = lambda _: None) -> Prepared:
    """Prepare a task's data, or find it prepared, telling now and then how far it is."""
    told = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > TELL_SECONDS or done == total:
            told = now
            on_advance(Advance(job.task, what, int(done), int(total)))

    with listening(tell):
        return prepare(registry.tasks[job.task], job.location, job.params, job.key)


def do_pilot(job: CellJob, registry: Registry) -> Cost:
    """Measure what a cell will cost."""
    return run_pilot(job.cell, registry, job.prepared, job.device)


def do_cell(job: CellJob, registry: Registry, on_epoch: Callable[[str, EpochRecord], None]) -> CellResult:
    """Run a cell, telling of each epoch with the cell's key."""

    def tell(epoch: EpochRecord) -> None:
        on_epoch(job.cell.key, epoch)

    cell, prepared, device = job.cell, job.prepared, job.device
    return run_cell(cell, registry, prepared, device, job.environment, tell, job.checkpoints, job.is_alone)


def do_measure(job: MeasureJob, registry: Registry) -> Taken:
    """Take a trained cell's costs again."""
    weights, predictions = Path(job.weights), Path(job.predictions)
    return run_measurement(job.cell, registry, job.prepared, job.device, weights, predictions, job.repeats)
