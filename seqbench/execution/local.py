"""The executor of this machine: worker processes, one torch thread each, forked with torch preloaded."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from seqbench.execution.channel import Inbox
from seqbench.execution.jobs import LostWorkerError
from seqbench.execution.slot import Slot, Task
from seqbench.execution.start import start_method, worker_environment

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.execution.jobs import Advance, CellJob, Job, MeasureJob, PrepareJob
    from seqbench.measurements import Taken
    from seqbench.offers import Offer
    from seqbench.prepare import Prepared
    from seqbench.records import CellResult, EpochRecord


class LocalExecutor:
    """`slots` worker processes; each finds the plugins for itself and runs jobs until told to stop."""

    is_concurrent = True

    def __init__(self, slots: int, plugins: tuple[str | Offer, ...] = ()) -> None:
        self.slots = slots
        self._inbox = Inbox()
        self._lock = threading.Lock()
        self._waiting: deque[Task] = deque()
        self._slots = [Slot(number, plugins, self._inbox, self._free) for number in range(slots)]
        self._idle = deque(self._slots)
        self._number = 0
        self._is_closed = False
        with worker_environment():
            start_method()

    def prepare(self, job: PrepareJob) -> Future[Prepared]:
        """Prepare data in a worker."""
        return self._submit(job)

    def pilot(self, job: CellJob) -> Future[Cost]:
        """Measure in a worker."""
        return self._submit(job, is_pilot=True)

    def cell(self, job: CellJob) -> Future[CellResult]:
        """Run a cell in a worker."""
        return self._submit(job)

    def measure(self, job: MeasureJob) -> Future[Taken]:
        """Take a trained cell's costs again in a worker, which is not used again."""
        return self._submit(job)

    def _submit(self, job: Job, is_pilot: bool = False) -> Future[Any]:
        self._number += 1
        task = Task(self._number, job, is_pilot)
        with self._lock:
            self._waiting.append(task)
        self._assign()
        return task.future

    def _assign(self) -> None:
        """Give waiting tasks to idle workers."""
        while True:
            with self._lock:
                if self._is_closed or not (self._waiting and self._idle):
                    return
                slot, task = self._idle.popleft(), self._waiting.popleft()
            slot.run(task)

    def _free(self, slot: Slot) -> None:
        with self._lock:
            # Last in, first out: a worker that runs is warm.
            self._idle.appendleft(slot)
        self._assign()

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs that workers told of since the last call."""
        return self._inbox.epochs()

    def advances(self) -> list[Advance]:
        """How far preparations are that workers told of since the last call."""
        return self._inbox.advances()

    def watch(self) -> None:
        """Stop cells that are past their limits; see which workers are gone."""
        for slot in self._slots:
            slot.watch()

    def close(self, kill: bool = False) -> None:
        """Stop the workers; `kill` at once, and without waiting for their end."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = list(self._waiting), deque()
        for task in waiting:
            task.future.set_exception(LostWorkerError("the executor was closed"))
        for slot in self._slots:
            slot.stop(at_once=kill)
        for slot in self._slots:
            if kill:
                threading.Thread(target=slot.join, daemon=True).start()
            else:
                slot.join()
        self._inbox.close()
