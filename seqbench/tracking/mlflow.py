"""MLflow as an observer: a process beside the run logs finished cells while training goes on.

This module is imported by every `seqbench` command, so what it needs is imported inside.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqbench.children import interrupts_held, program_hidden
from seqbench.hookspecs import hookimpl
from seqbench.tracking.address import without_password

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from seqbench.records import CellRecord
    from seqbench.runs import Run
    from seqbench.tracking.background import Answer, Finish

log = logging.getLogger("seqbench")

PATIENCE_SECONDS = 15.0
"""How long the end of a run waits for a sign of life from MLflow."""


class BackgroundLog:
    """Logs a run's cells in a process of its own. Nothing that MLflow does or fails to do reaches the training."""

    def __init__(self, run: Run) -> None:
        from multiprocessing import get_context

        from seqbench.tracking.background import Assignment, follow

        self._run = run
        context = get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        self._answer, answering = context.Pipe(duplex=False)
        self._deadline = context.RawValue("d", 0.0)
        assignment = Assignment(run.tracking_uri, run.results, run.plugin_files)
        arguments = (assignment, receiver, answering, self._deadline)
        self._process = context.Process(target=follow, args=arguments, name="seqbench-mlflow", daemon=True)
        with interrupts_held(), program_hidden():
            self._process.start()
        receiver.close()
        answering.close()
        self._finished: queue.SimpleQueue[CellRecord | Finish] = queue.SimpleQueue()
        # A pipe that nobody empties blocks who writes to it, and that must not be the run.
        threading.Thread(target=self._pass_on, args=(sender,), name="seqbench-mlflow", daemon=True).start()

    def _pass_on(self, sender: Connection) -> None:
        with contextlib.suppress(OSError):  # the process is no more: `finish` says so
            while True:
                sender.send(self._finished.get())

    def add(self, record: CellRecord) -> None:
        """Log this record when there is time."""
        self._finished.put(record)

    def finish(self, records: Sequence[CellRecord]) -> None:
        """Write what the records show as a whole, wait while that goes on, and warn once about what is not there."""
        from seqbench.tracking.background import Finish

        self._finished.put(Finish(frozenset(record.task_id for record in records)))
        answer = self._wait()
        for warning in answer.warnings:
            log.warning("%s", warning)
        if answer.failure:
            self._warn(answer.failure)

    def _wait(self) -> Answer:
        """The process's answer; it is ended when it shows no sign of life for too long."""
        from seqbench.tracking.background import Answer

        begin = time.monotonic()
        try:
            while (left := max(begin + PATIENCE_SECONDS, self._deadline.value) - time.monotonic()) > 0:
                if self._answer.poll(left):
                    answer: Answer = self._answer.recv()
                    self._process.join(PATIENCE_SECONDS)
                    return answer
            return Answer(f"no answer for {time.monotonic() - begin:.0f} s", ())
        except EOFError:
            self._process.join(PATIENCE_SECONDS)
            return Answer(f"the process that logs ended with exit code {self._process.exitcode}", ())
        finally:
            self._process.kill()

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
    """Start the process, so that MLflow is ready when the first cell is."""
    _Current.log = BackgroundLog(run)


@hookimpl
def seqbench_cell_finished(record: CellRecord) -> None:
    """Hand the record to the process."""
    if _Current.log is not None:
        _Current.log.add(record)


@hookimpl
def seqbench_run_finished(run: Run, records: Sequence[CellRecord]) -> None:
    """Let the process write means and ranks, and wait for it."""
    current, _Current.log = _Current.log or BackgroundLog(run), None
    current.finish(records)
