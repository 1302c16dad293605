"""The process that logs to MLflow while training goes on: it may wait, fail or hang, and the run is not harmed.

A process and not a thread: MLflow's imports, database and plots take seconds of processor time that would hold the
parent's interpreter lock, and a call that hangs can only be ended with its process. It runs at a low priority.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench.records import CellRecord
from seqbench.tracking.address import reason

if TYPE_CHECKING:
    from ctypes import c_double

    from seqbench.tracking.tracker import Tracker

log = logging.getLogger("seqbench")

NICENESS = 10
RETRY_SECONDS = 20.0
"""How long an MLflow that failed during the run is left alone."""

STUBBORN_SECONDS = 3.0
"""For how long the end of a run tries again what failed at once, a server that is just being started again.

One that was never there in the whole run is not waited for.
"""

START_SECONDS = 60.0
"""How long MLflow's imports may take on a busy machine."""


@dataclass(frozen=True)
class Assignment:
    """Where to log, and whose records. plugin_files: plugins that are not installed, which made some of them."""

    tracking_uri: str
    results: Path
    plugin_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finish:
    """No more records will come: bring these tasks up to date."""

    tasks: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """How it ended. failure: why MLflow is not up to date, if it is not; warnings: a sentence each."""

    failure: str | None
    warnings: tuple[str, ...]


def follow(assignment: Assignment, records: Connection, answer: Connection, deadline: c_double) -> None:
    """Log each record that comes through `records`, and after a `Finish` send one `Answer`.

    deadline: set to when this process should have shown a sign of life again, in seconds of the monotonic clock.
    Returns without an answer when the run is no more.
    """
    _step_back()
    warnings = _Collected()
    log.handlers[:], log.propagate = [warnings], False
    logger = _Logger(assignment, deadline)
    try:
        finish = logger.until_finish(records)
    except EOFError:
        return
    failure = logger.finish(finish.tasks)
    answer.send(Answer(failure, tuple(warnings.messages)))


def _step_back() -> None:
    """Let training win the processor, and keep what MLflow's libraries print off the terminal."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


class _Collected(logging.Handler):
    """Warnings, kept until somebody can tell them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@dataclass
class _Logger:
    assignment: Assignment
    deadline: c_double
    _waiting: deque[CellRecord] = field(default_factory=deque)
    _tracker: Tracker | None = None
    _failed_at: float | None = None
    _was_reached: bool = False

    def until_finish(self, records: Connection) -> Finish:
        """Log records as they come; those that could not be logged wait for the next attempt."""
        self._attempt()
        while True:
            if records.poll(RETRY_SECONDS if self._waiting else None):
                message = records.recv()
                if isinstance(message, Finish):
                    return message
                self._waiting.append(message)
            if self._failed_at is None or time.monotonic() > self._failed_at + RETRY_SECONDS:
                self._attempt()

    def finish(self, tasks: frozenset[str]) -> str | None:
        """Write all there is of the tasks. Returns why that is not possible, None when all is there."""
        from seqbench.analysis import read_boards
        from seqbench.store import Store
        from seqbench.tracking.reach import check
        from seqbench.tracking.registered import register
        from seqbench.tracking.tracker import BOARD_SECONDS

        store = Store(self.assignment.results)
        records = [record for record in store.records() if record.task_id in tasks]
        end = time.monotonic() + STUBBORN_SECONDS
        while True:
            try:
                check(self.assignment.tracking_uri)
                tracker = self._connected()
                self._allow(BOARD_SECONDS)
                boards = read_boards(store)
                for problem in tracker.sync(records, boards):
                    log.warning("%s", problem)
                wanted = [board for board in boards if board.task in tasks]
                register(tracker, self.assignment.results, self.assignment.plugin_files, wanted, records)
                return None
            except Exception as error:
                self._tracker = None
                if not self._was_reached or time.monotonic() > end:
                    return reason(error)
                time.sleep(1)

    def _attempt(self) -> None:
        try:
            tracker = self._connected()
            while self._waiting:
                tracker.log_cell(self._waiting[0])
                self._waiting.popleft()
            self._failed_at = None
        except Exception:  # the records are on disk, and there will be another attempt
            self._tracker, self._failed_at = None, time.monotonic()

    def _connected(self) -> Tracker:
        if self._tracker is None:
            self._allow(START_SECONDS)
            from seqbench.tracking.tracker import Tracker

            tracker = Tracker(self.assignment.tracking_uri, self.assignment.results, draws_at_once, self._allow)
            tracker.connect()
            self._tracker, self._was_reached = tracker, True
        return self._tracker

    def _allow(self, seconds: float) -> None:
        self.deadline.value = time.monotonic() + seconds


DRAWN_SECONDS = 30.0
"""A cell that took so long has its plots drawn during the run: that takes 0.3 s of processor time, one per cent."""


def draws_at_once(record: CellRecord) -> bool:
    """Are the record's plots drawn during the run? Those of short cells would cost more than all the rest of logging.

    They are left to `seqbench sync`, which `seqbench ui` calls.
    """
    return record.started_at > 0 and record.finished_at - record.started_at >= DRAWN_SECONDS
