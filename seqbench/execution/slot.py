"""One worker process in a pool of its own: what befalls it touches no other, and it is replaced when it is lost.

Workers of one pool share pipes and locks, which a process that is killed at the wrong moment leaves broken; so each has
its own, and they are thrown away together.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pebble import ProcessPool

from seqbench.children import program_hidden
from seqbench.errors import one_line
from seqbench.execution.channel import Inbox
from seqbench.execution.jobs import (
    CellJob,
    CellMemoryError,
    CellTimeoutError,
    Job,
    Limits,
    LostWorkerError,
)
from seqbench.execution.start import start_method, worker_environment
from seqbench.execution.worker import Reply, Start, run_job, start_worker
from seqbench.offers import Offer

GONE_SECONDS = 1.0
"""How long the pool is given to tell of a process that has ended."""
START_SECONDS = 600.0
"""How long a worker may take to start, on however busy a machine: PyTorch is imported, plugins are found."""


class _Pool(ProcessPool):
    """A pool that does not replace its worker: a new one must have new pipes and locks."""

    def end(self) -> None:
        """Take no more tasks, and end the worker when `join` is called."""
        self.stop()  # type: ignore[no-untyped-call]

    def start_no_more(self) -> None:
        """Call after the first task is scheduled, which starts the worker."""
        self._pool_manager.worker_manager.workers_number = 0


@dataclass
class Task:
    """A job that is waiting or running, and the future that its giver holds."""

    number: int
    job: Job
    is_pilot: bool = False
    future: Future[Any] = field(default_factory=Future)
    oom_kills: int = 0
    gone_since: float | None = None
    given_at: float = 0.0
    reason: Exception | None = None

    @property
    def limits(self) -> Limits:
        """What it may take."""
        return self.job.limits if isinstance(self.job, CellJob) else Limits()


class Slot:
    """A place for one worker. `on_free` is called, in some thread, when it can take the next task."""

    def __init__(
        self, number: int, plugins: tuple[str | Offer, ...], inbox: Inbox, on_free: Callable[[Slot], None]
    ) -> None:
        self._number, self._plugins, self._inbox, self._on_free = number, plugins, inbox, on_free
        self._generation = 0
        self._pool: _Pool | None = None
        self._lock = threading.Lock()
        self._task: Task | None = None

    @property
    def name(self) -> str:
        """Of the worker that is in this place now."""
        return f"{self._number}.{self._generation}"

    def run(self, task: Task) -> None:
        """Give the worker a task; one at a time."""
        task.oom_kills, task.given_at = _oom_kills(), time.monotonic()
        with self._lock:
            self._task = task
        try:
            pool = self._pool = self._pool or self._new_pool()
            with program_hidden():
                inner = pool.schedule(run_job, args=(task.number, task.job, task.is_pilot))
            pool.start_no_more()
        except (RuntimeError, OSError) as error:  # the pool is broken, or the system gives no process
            self._lost(task, LostWorkerError(f"its worker process could not be started ({error})"))
            return
        inner.add_done_callback(lambda done: self._finished(task, done))

    def _new_pool(self) -> _Pool:
        self._generation += 1
        start = Start(self.name, self._plugins, self._inbox.address, self._inbox.authkey)
        with worker_environment():
            return _Pool(max_workers=1, initializer=start_worker, initargs=(start,), context=start_method())

    def _finished(self, task: Task, inner: Future[Reply]) -> None:
        error = inner.exception() if not inner.cancelled() else LostWorkerError("it was cancelled")
        if error is not None:
            self._lost(task, task.reason or _reason_of(error, task))
            return
        reply = inner.result()
        if reply.trouble is not None:
            told = reply.trouble.error()
            self._end(task, reply.is_tired, lambda: task.future.set_exception(told))
        else:
            value = pickle.loads(reply.value)  # noqa: S301 - our own worker's bytes
            self._end(task, reply.is_tired, lambda: task.future.set_result(value))

    def _lost(self, task: Task, error: Exception) -> None:
        self._end(task, True, lambda: task.future.set_exception(error))

    def _end(self, task: Task, is_spent: bool, settle: Callable[[], None]) -> None:
        """Whoever is first settles the task, with its result or its loss. is_spent: the worker is not used again."""
        with self._lock:
            if self._task is not task:
                return
            self._task = None
            if is_spent:
                self._discard()
        self._inbox.forget(task.number)
        settle()
        self._on_free(self)

    def watch(self) -> None:
        """Stop what is past its limits; see what is gone without a word."""
        with self._lock:
            task = self._task
        if task is None:
            return
        begun = self._inbox.begun(task.number)
        if begun is None:
            pid = self._inbox.pid(self.name)
            if pid is not None and not psutil.pid_exists(pid):
                self._miss(task)
            elif time.monotonic() - task.given_at > START_SECONDS:
                self._lost(task, LostWorkerError(f"its worker process did not start within {START_SECONDS:.0f} s"))
            return
        pid, since = begun
        if not psutil.pid_exists(pid):
            self._miss(task)
            return
        limits = task.limits
        if limits.seconds is not None and time.monotonic() - since > limits.seconds:
            text = f"it was stopped after its limit of {limits.seconds:g} s (--cell-timeout)"
            self._kill(task, pid, CellTimeoutError(text))
        elif limits.memory_bytes is not None and _held_bytes(pid) > limits.memory_bytes:
            megabytes = limits.memory_bytes // 1_000_000
            self._kill(task, pid, CellMemoryError(f"it took more than its limit of {megabytes} MB (--cell-memory)"))

    def _miss(self, task: Task) -> None:
        """The process is gone: the pool tells of it in a moment, unless it ended with status 0."""
        task.gone_since = task.gone_since or time.monotonic()
        if time.monotonic() - task.gone_since > GONE_SECONDS:
            self._lost(task, task.reason or LostWorkerError("its worker process exited with status 0"))

    def _kill(self, task: Task, pid: int, reason: Exception) -> None:
        with self._lock:
            if self._task is task:  # it may have ended in this moment, and the worker begun the next
                task.reason = task.reason or reason
                kill(pid)

    def stop(self, at_once: bool) -> None:
        """End the worker; `at_once` whatever it is doing. Does not wait."""
        pid, pool = self._inbox.pid(self.name), self._pool
        if at_once and pid is not None:
            kill(pid)
        if pool is not None:
            pool.end()

    def join(self) -> None:
        """Wait until the worker has ended."""
        pool = self._pool
        if pool is not None:
            _joined(pool)

    def _discard(self) -> None:
        """Leave the pool to its end; the next task starts a new one."""
        pool, pid, self._pool = self._pool, self._inbox.pid(self.name), None
        if pool is not None:
            if pid is not None:
                kill(pid)  # it may be alive after all: a forkserver that was killed took its news with it
            pool.end()
            threading.Thread(target=_joined, args=(pool,), daemon=True).start()


def _held_bytes(pid: int) -> int:
    """Resident memory of a process; 0 when it has just gone."""
    with suppress(psutil.NoSuchProcess):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _joined(pool: ProcessPool) -> None:
    with suppress(Exception):
        pool.join()


def kill(pid: int) -> None:
    """End a worker and what it has started, at once."""
    for target in (getattr(os, "killpg", None), os.kill):
        with suppress(OSError):
            if target is not None and pid > 0:
                target(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _reason_of(error: BaseException, task: Task) -> Exception:
    """What is known of why a process died."""
    code = getattr(error, "exitcode", None)
    if code is None:
        return LostWorkerError(f"its worker process died ({one_line(error)})")
    if code == -signal.SIGKILL and _oom_kills() > task.oom_kills:
        return CellMemoryError("the system killed its worker process because memory was short")
    if code < 0:
        return LostWorkerError(f"its worker process was killed by signal {-code} ({_signal_name(-code)})")
    return LostWorkerError(f"its worker process exited with status {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _oom_kills() -> int:
    """How many processes the system has killed for memory so far."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except (OSError, StopIteration):
        return 0
