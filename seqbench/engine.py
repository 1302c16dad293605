"""Runs cells: prepares data first, keeps every slot busy, keeps each result at once, and tells observers."""

from __future__ import annotations

import heapq
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from itertools import count
from time import time
from typing import TYPE_CHECKING, Any

from seqbench.errors import DataError
from seqbench.execution.jobs import (
    CellJob,
    CellMemoryError,
    CellTimeoutError,
    Executor,
    LostWorkerError,
    PrepareJob,
)
from seqbench.observers import Observers
from seqbench.plan import Cell
from seqbench.records import CellRecord, Failure, blank_record
from seqbench.run import Run

if TYPE_CHECKING:
    from seqbench.prepare import Prepared

ATTEMPTS = 3
"""How often a cell is tried whose worker or machine was lost."""
POLL_SECONDS = 0.2
"""How often the display is told of epochs while nothing else happens."""


@dataclass
class Engine:
    """One pass over cells. `records` holds what finished, in the order of finishing."""

    run: Run
    executor: Executor
    observers: Observers
    environment: Mapping[str, Any]
    records: list[CellRecord] = field(default_factory=list)
    _ready: list[tuple[float, int, Cell, Prepared]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _waiting: dict[str, list[Cell]] = field(default_factory=dict)
    _preparing: dict[Future[Any], PrepareJob] = field(default_factory=dict)
    _running: dict[Future[Any], CellJob] = field(default_factory=dict)
    _known: dict[str, Cell] = field(default_factory=dict)
    _load: Counter[str] = field(default_factory=Counter)
    _lost: Counter[str] = field(default_factory=Counter)

    def execute(self, cells: Sequence[Cell]) -> list[CellRecord]:
        """Run every cell and return their records.

        Raises DataError, before any training, when a source that the user named cannot be used; KeyboardInterrupt
        passes through after what was running is recorded as interrupted.
        """
        for cell in cells:
            if cell.skip:
                self._keep(replace(blank_record(cell), finished_at=time()), {})
        todo = [cell for cell in cells if not cell.skip]
        self._known = {cell.key: cell for cell in todo}
        try:
            self._start_preparing(todo)
            while self._preparing or self._running or self._ready:
                self._fill_slots()
                self._collect()
        except BaseException as error:
            self.executor.close(kill=True)
            if isinstance(error, KeyboardInterrupt):
                self._interrupt()
            raise
        self.executor.close()
        return self.records

    def _start_preparing(self, cells: Sequence[Cell]) -> None:
        """Start preparing each distinct set of data; wait for those of the user, whose mistakes end the run here."""
        theirs: list[Future[Any]] = []
        for cell in cells:
            if cell.data_key not in self._waiting:
                job = PrepareJob(cell.task, cell.location, cell.task_params, cell.data_key, cell.origin)
                future = self.executor.prepare(job)
                self._preparing[future] = job
                if cell.location != "builtin":
                    theirs.append(future)
            self._waiting.setdefault(cell.data_key, []).append(cell)
        while theirs:
            done, _ = wait(theirs, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            self._tell()
            for future in done:
                theirs.remove(future)
                error = future.exception()
                if isinstance(error, DataError):
                    raise error

    def _fill_slots(self) -> None:
        while self._ready and len(self._running) + len(self._preparing) < self.executor.slots:
            _, _, cell, prepared = heapq.heappop(self._ready)
            source = PrepareJob(cell.task, cell.location, cell.task_params, cell.data_key, cell.origin)
            job = CellJob(cell, prepared, source, self._device(cell), self.environment)
            self._load[job.device] += 1
            self._running[self.executor.cell(job)] = job

    def _collect(self) -> None:
        self.executor.watch()
        done, _ = wait([*self._preparing, *self._running], timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        self._tell()
        for future in done:
            if future in self._preparing:
                self._prepared(future, self._preparing.pop(future))
            else:
                self._finished(future, self._running.pop(future))

    def _tell(self) -> None:
        """Pass on to observers what workers told."""
        for advance in self.executor.advances():
            self.observers.call("seqbench_preparation_advanced", advance=advance)
        for key, epoch in self.executor.epochs():
            self.observers.call("seqbench_epoch_finished", cell=self._known[key], epoch=epoch)

    def _prepared(self, future: Future[Any], job: PrepareJob) -> None:
        cells = self._waiting.pop(job.key)
        error = future.exception()
        if error is not None:
            for cell in cells:
                self._keep(_failed(cell, error), {})
            return
        prepared = future.result()
        for cell in cells:
            work = float(cell.trainer.get("max_epochs", 0)) * prepared.steps
            heapq.heappush(self._ready, (-work, next(self._order), cell, prepared))

    def _device(self, cell: Cell) -> str:
        if cell.is_baseline:
            return "cpu"
        return min(self.run.devices, key=lambda name: self._load[name])

    def _finished(self, future: Future[Any], job: CellJob) -> None:
        self._load[job.device] -= 1
        error = future.exception()
        if error is None:
            result = future.result()
            self._keep(result.record, result.files)
        elif isinstance(error, LostWorkerError) and self._lost[job.cell.key] < ATTEMPTS - 1:
            self._lost[job.cell.key] += 1
            heapq.heappush(self._ready, (0.0, next(self._order), job.cell, job.prepared))
        else:
            self._keep(_failed(job.cell, error), {})

    def _keep(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        self.run.store.append(record, files)
        self.records.append(record)
        self.observers.call("seqbench_cell_finished", record=record)
        if self.run.config.fail_fast and record.status not in ("ok", "skipped"):
            raise FailFastError(record)

    def _interrupt(self) -> None:
        for job in self._running.values():
            failure = Failure("Interrupted", "the run was interrupted while this cell was running")
            record = replace(blank_record(job.cell), status="interrupted", failure=failure, finished_at=time())
            self._keep(record, {})


class FailFastError(Exception):
    """A cell failed under `--fail-fast`."""

    def __init__(self, record: CellRecord) -> None:
        super().__init__(f"{record.task_id} {record.label} seed {record.seed} ended {record.status}")
        self.record = record


def _failed(cell: Cell, error: BaseException) -> CellRecord:
    """The record of a cell whose worker gave no result."""
    from pebble import ProcessExpired

    text = " ".join(str(error).split())
    details = "".join(traceback.format_exception(error))
    kinds = {CellTimeoutError: "timeout", CellMemoryError: "oom", ProcessExpired: "crashed", LostWorkerError: "crashed"}
    status = next((status for kind, status in kinds.items() if isinstance(error, kind)), "failed")
    failure = Failure(type(error).__name__, text or "the worker process died", details)
    return replace(blank_record(cell), status=status, failure=failure, finished_at=time())
