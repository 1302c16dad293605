"""Runs cells: prepares data first, keeps every slot busy, keeps each result at once, and tells observers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from time import time
from typing import TYPE_CHECKING, Any

from seqbench.errors import DataError
from seqbench.estimates import Estimates, remember
from seqbench.execution.jobs import CellJob, Executor, Limits, LostWorkerError, PrepareJob
from seqbench.failures import TRIES, failed, interrupted
from seqbench.observers import Observers
from seqbench.plan import Cell
from seqbench.records import CellRecord, blank_record
from seqbench.runs import Run
from seqbench.scheduling import Devices, Queue, Ready

if TYPE_CHECKING:
    from seqbench.hardware import Device
    from seqbench.prepare import Prepared

POLL_SECONDS = 0.1
"""How often limits, signals and the display are looked after while nothing ends."""

RESUMABLE = ("interrupted", "timeout")
"""Statuses after which a checkpoint is kept: the cell goes on from there when it runs again."""


@dataclass(frozen=True)
class _Running:
    """A cell in a worker, or about to be."""

    ready: Ready
    device: Device
    started_at: float


@dataclass
class Engine:
    """One pass over cells. `records` holds what finished, in the order of finishing.

    devices: where cells may run. estimates: what cells cost; where nothing is known, a pilot is run first.
    is_stopped: asked several times a second; True ends the run as Ctrl-C does.
    """

    run: Run
    executor: Executor
    observers: Observers
    environment: Mapping[str, Any]
    devices: Devices
    estimates: Estimates = field(default_factory=Estimates)
    limits: Limits = field(default_factory=Limits)
    is_stopped: Callable[[], bool] = lambda: False
    records: list[CellRecord] = field(default_factory=list)
    _queue: Queue = field(default_factory=Queue)
    _waiting: dict[str, list[Cell]] = field(default_factory=dict)
    _unmeasured: dict[str, list[Ready]] = field(default_factory=dict)
    _pilots: deque[Ready] = field(default_factory=deque)
    _preparing: dict[Future[Any], PrepareJob] = field(default_factory=dict)
    _piloting: dict[Future[Any], _Running] = field(default_factory=dict)
    _running: dict[Future[Any], _Running] = field(default_factory=dict)
    _starting: _Running | None = None
    _known: dict[str, Cell] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)

    def execute(self, cells: Sequence[Cell]) -> list[CellRecord]:
        """Run every cell and return their records.

        Raises DataError, before any training, when a source that the user named cannot be used; KeyboardInterrupt
        when the run is stopped, after what was running is recorded as interrupted.
        """
        for cell in cells:
            if cell.skip:
                self._keep(replace(blank_record(cell), finished_at=time()), {})
        todo = [cell for cell in cells if not cell.skip]
        self._known = {cell.key: cell for cell in todo}
        try:
            self._start_preparing(todo)
            while self._is_busy():
                self._fill_slots()
                self._collect()
        except BaseException as error:
            self.executor.close(kill=True)
            if isinstance(error, KeyboardInterrupt):
                self._interrupt()
            raise
        self.executor.close()
        return self.records

    def _is_busy(self) -> bool:
        return bool(self._preparing or self._piloting or self._running or self._pilots or len(self._queue))

    def _start_preparing(self, cells: Sequence[Cell]) -> None:
        """Start preparing each distinct set of data; wait for those of the user, whose mistakes end the run here."""
        theirs: list[Future[Any]] = []
        for cell in cells:
            if cell.data_key not in self._waiting:
                job = PrepareJob.of(cell)
                future = self.executor.prepare(job)
                self._preparing[future] = job
                if cell.location != "builtin":
                    theirs.append(future)
            self._waiting.setdefault(cell.data_key, []).append(cell)
        while theirs:
            done, _ = wait(theirs, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            self._look_after()
            for future in done:
                theirs.remove(future)
                error = future.exception()
                if isinstance(error, DataError):
                    raise error

    def _fill_slots(self) -> None:
        """Start what can start: pilots first, since the order of cells depends on them."""
        while len(self._running) + len(self._piloting) + len(self._preparing) < self.executor.slots:
            if self._pilots and (device := self.devices.room_for(self._pilots[0])):
                self._start(self._pilots.popleft(), device, is_pilot=True)
            elif found := self._queue.take(self.devices):
                self._start(*found)
            else:
                return

    def _start(self, ready: Ready, device: Device, is_pilot: bool = False) -> None:
        self.devices.started(ready, device)
        running = _Running(ready, device, time())
        self._starting = None if is_pilot else running
        job = CellJob(
            cell=ready.cell,
            prepared=ready.prepared,
            prepare=PrepareJob.of(ready.cell),
            device=device.id,
            environment=self.environment,
            limits=self.limits.of_pilot() if is_pilot else self.limits,
            checkpoints=str(self.run.store.checkpoints),
            memory_bytes=ready.cost.memory_bytes if ready.cost else None,
            is_alone=self.executor.slots == 1 or len(self._known) == 1,
        )
        if is_pilot:
            self._piloting[self.executor.pilot(job)] = running
        else:
            self._running[self.executor.cell(job)] = running
        self._starting = None

    def _collect(self) -> None:
        """Wait a moment for something to end; fill its slot before its result is written, so that no worker waits."""
        futures = [*self._preparing, *self._piloting, *self._running]
        done, _ = wait(futures, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        self._look_after()
        outcomes = []
        for future in done:
            if future in self._preparing:
                self._prepared(future, self._preparing.pop(future))
            elif future in self._piloting:
                self._measured(future, self._piloting.pop(future))
            else:
                outcomes += self._finished(future, self._running.pop(future))
        if outcomes and self.executor.is_concurrent and not self.run.config.fail_fast:
            self._fill_slots()
        for record, files in outcomes:
            self._keep(record, files)
        for record, _ in outcomes:
            self._stop_fast(record)

    def _look_after(self) -> None:
        """Enforce limits, hear signals, and pass on to observers what workers told."""
        self.executor.watch()
        for advance in self.executor.advances():
            self.observers.call("seqbench_preparation_advanced", advance=advance)
        for key, epoch in self.executor.epochs():
            self.observers.call("seqbench_epoch_finished", cell=self._known[key], epoch=epoch)
        if self.is_stopped():
            raise KeyboardInterrupt

    def _is_tried_again(self, name: str, error: BaseException | None) -> bool:
        """Is what was lost with its worker to be started once more?"""
        self._tries[name] += 1
        return isinstance(error, LostWorkerError) and self._tries[name] < TRIES

    def _prepared(self, future: Future[Any], job: PrepareJob) -> None:
        error = future.exception()
        if self._is_tried_again(job.key, error):
            self._preparing[self.executor.prepare(job)] = job
            return
        cells = self._waiting.pop(job.key)
        if error is not None:
            for cell in cells:
                self._keep(failed(cell, error, tries=self._tries[job.key]), {})
                self._stop_fast(self.records[-1])
            return
        needs_order = len(self._known) > self.executor.slots > 1
        for cell in cells:
            self._ready(cell, future.result(), needs_order)

    def _ready(self, cell: Cell, prepared: Prepared, needs_order: bool) -> None:
        """Queue the cell, or let it wait for the pilot of its series."""
        ready = Ready(cell, prepared, self.estimates.cost(cell))
        if ready.cost is not None or not cell.is_network or not needs_order:
            self._queue.add(ready)
        elif cell.series in self._unmeasured:
            self._unmeasured[cell.series].append(ready)
        else:
            self._unmeasured[cell.series] = [ready]
            self._pilots.append(ready)

    def _measured(self, future: Future[Any], pilot: _Running) -> None:
        """A pilot that fails says nothing: its cells will tell why."""
        self.devices.ended(pilot.ready, pilot.device)
        series = pilot.ready.cell.series
        if future.exception() is None:
            self.estimates.add(series, future.result())
            remember(series, future.result())
        for ready in self._unmeasured.pop(series):
            self._queue.add(replace(ready, cost=self.estimates.cost(ready.cell)))

    def _finished(self, future: Future[Any], running: _Running) -> list[tuple[CellRecord, Mapping[str, bytes]]]:
        self.devices.ended(running.ready, running.device)
        cell, error = running.ready.cell, future.exception()
        if self._is_tried_again(cell.key, error):
            self._queue.add(running.ready)
            return []
        if error is None:
            result = future.result()
            return [(result.record, result.files)]
        return [(failed(cell, error, running.started_at, self._tries[cell.key]), {})]

    def _keep(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        self.run.store.append(record, files)
        if record.status not in RESUMABLE:
            self.run.store.discard_checkpoint(record.key)
        self.records.append(record)
        self.observers.call("seqbench_cell_finished", record=record)

    def _stop_fast(self, record: CellRecord) -> None:
        if self.run.config.fail_fast and record.status not in ("ok", "skipped"):
            raise FailFastError(record)

    def _interrupt(self) -> None:
        """Record what was running; what ended in this moment has its result."""
        starting = [self._starting] if self._starting else []
        for future, running in [*self._running.items(), *((None, running) for running in starting)]:
            if future is not None and future.done() and future.exception() is None:
                self._keep(future.result().record, future.result().files)
            else:
                self._keep(interrupted(running.ready.cell, running.started_at), {})


class FailFastError(Exception):
    """A cell failed under `--fail-fast`."""

    def __init__(self, record: CellRecord) -> None:
        super().__init__(f"{record.task_id} {record.label} seed {record.seed} ended {record.status}")
        self.record = record
