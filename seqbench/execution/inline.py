"""The executor that runs everything in this process, one job after the other: for debuggers and profilers."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from threadpoolctl import threadpool_limits

from seqbench.execution.start import WORKER_ENVIRONMENT
from seqbench.registry import Registry

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.execution.jobs import Advance, CellJob, PrepareJob
    from seqbench.prepare import Prepared
    from seqbench.records import CellResult, EpochRecord

T = TypeVar("T")


class InlineExecutor:
    """Jobs run when they are given; nothing is isolated."""

    slots = 1
    is_concurrent = False

    def __init__(self, registry: Registry) -> None:
        os.environ.update(WORKER_ENVIRONMENT)
        threadpool_limits(1)  # for libraries that have read the environment already
        self._registry = registry
        self._epochs: list[tuple[str, EpochRecord]] = []

    def prepare(self, job: PrepareJob) -> Future[Prepared]:
        """Prepare data now."""
        from seqbench.execution.work import do_prepare

        return _done(lambda: do_prepare(job, self._registry))

    def pilot(self, job: CellJob) -> Future[Cost]:
        """Measure now."""
        from seqbench.execution.work import do_pilot

        return _done(lambda: do_pilot(job, self._registry))

    def cell(self, job: CellJob) -> Future[CellResult]:
        """Run a cell now."""
        from seqbench.execution.work import do_cell

        return _done(lambda: do_cell(job, self._registry, lambda key, epoch: self._epochs.append((key, epoch))))

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs finished since the last call."""
        finished, self._epochs = self._epochs, []
        return finished

    def advances(self) -> list[Advance]:
        """None: nothing else happens while data is prepared here."""
        return []

    def watch(self) -> None:
        """Nothing runs beside this process."""

    def close(self, kill: bool = False) -> None:
        """Nothing is left running."""


def _done(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future
