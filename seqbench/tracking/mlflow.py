"""MLflow as an observer: a thread imports it, sets up its database and logs finished cells while training goes on.

This module is imported by every `seqbench` command, so what it needs is imported inside.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqbench.hookspecs import hookimpl
from seqbench.tracking.address import reason, without_password

if TYPE_CHECKING:
    from seqbench.records import CellRecord
    from seqbench.run import Run

log = logging.getLogger("seqbench")

PATIENCE_SECONDS = 120.0
"""How long the end of a run waits for MLflow at least; a second more per record."""


class BackgroundLog:
    """Logs a run's cells in a thread of its own. Nothing that MLflow does or fails to do reaches the training."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._finished: queue.SimpleQueue[CellRecord | None] = queue.SimpleQueue()
        self._last: Sequence[CellRecord] = ()
        self._problems: list[str] = []
        self._thread = threading.Thread(target=self._work, name="seqbench-mlflow", daemon=True)
        self._thread.start()

    def add(self, record: CellRecord) -> None:
        """Log this record when there is time."""
        self._finished.put(record)

    def finish(self, records: Sequence[CellRecord]) -> None:
        """Write what the records show as a whole, wait until it is there, and warn once about what is not."""
        self._last = records
        self._finished.put(None)
        patience = PATIENCE_SECONDS + len(records)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._warn(f"it did not finish within {patience:.0f} s")
        for problem in self._problems:
            log.warning("%s", problem)

    def _work(self) -> None:
        from seqbench.tracking.tracker import Tracker

        tracker = Tracker(self._run.tracking_uri, self._run.results)
        try:
            tracker.connect()
            while (record := self._finished.get()) is not None:
                tracker.log_cell(record)
        except Exception as error:  # it may be back by the end: until then the records wait on disk
            log.debug("MLflow failed during the run: %s", error)
            while self._finished.get() is not None:
                pass
            tracker = Tracker(self._run.tracking_uri, self._run.results)
        try:
            tasks = {record.task_id for record in self._last}
            records = [record for record in self._run.store.records() if record.task_id in tasks]
            self._problems = tracker.sync(records)
        except Exception as error:
            self._warn(reason(error))

    def _warn(self, why: str) -> None:
        log.warning(
            "MLflow at %s is not up to date (%s): the results are safe in %s; see that MLflow can be reached or choose "
            "another --tracking-uri, and call `seqbench sync`.",
            without_password(self._run.tracking_uri),
            why,
            self._run.results,
        )


class _Current:
    """The run that is going on in this process."""

    log: BackgroundLog | None = None


@hookimpl
def seqbench_run_started(run: Run) -> None:
    """Start the thread, so that MLflow is ready when the first cell is."""
    _Current.log = BackgroundLog(run)


@hookimpl
def seqbench_cell_finished(record: CellRecord) -> None:
    """Hand the record to the thread."""
    if _Current.log is not None:
        _Current.log.add(record)


@hookimpl
def seqbench_run_finished(run: Run, records: Sequence[CellRecord]) -> None:
    """Let the thread write means and ranks, and wait for it."""
    current, _Current.log = _Current.log or BackgroundLog(run), None
    current.finish(records)
