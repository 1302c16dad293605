"""What runs inside a worker process: its start, one job after the other, and when it is better replaced."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from seqbench.execution.channel import Outbox
from seqbench.execution.jobs import CellJob, Job, MeasureJob, PrepareJob
from seqbench.execution.trouble import Trouble
from seqbench.hardware import own_bytes
from seqbench.offers import Offer
from seqbench.registry import Registry, discover

LEAK_BYTES = 512 << 20
"""A worker that holds this much more after a cell than after its first is replaced."""
TRIM_BYTES = 32 << 20
"""Growth after which freed memory is given back to the system."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Start:
    """What a worker is told at its start. name: of this worker, unique in the run."""

    name: str
    plugins: tuple[str | Offer, ...]
    address: str | tuple[str, int]
    authkey: bytes


@dataclass(frozen=True)
class Reply:
    """A job's result, pickled, or what it raised; and whether the worker should be replaced before the next."""

    value: bytes = b""
    trouble: Trouble | None = None
    is_tired: bool = False


class _Worker:
    """What a worker process keeps from job to job."""

    registry: Registry
    outbox: Outbox
    threads: int
    first_bytes: int | None = None
    trimmed_bytes: int = 0


def start_worker(start: Start) -> None:
    """Make this process a worker: die with the run, die first when memory is short, and find the plugins."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_the_run()
    sys.excepthook = sys.__excepthook__
    try:
        _Worker.outbox = Outbox(start.address, start.authkey)
    except (OSError, EOFError):  # the run is gone
        os._exit(1)
    _Worker.outbox.hello(start.name)
    _Worker.registry = discover(start.plugins)
    _Worker.threads = threading.active_count()


def _die_with_the_run() -> None:
    """A group of its own, so that Ctrl-C reaches the run only and a plugin's own processes can be ended with it."""
    if hasattr(os, "setpgid"):
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
    if sys.platform == "linux":
        # The forkserver is the parent, and it ends when the run does, however that ends.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def run_job(number: int, job: Job, is_pilot: bool) -> Reply:
    """Do one job. number: of the job, so that the run knows when it began and in which process.

    Whatever the job raises, and a result that cannot be sent, is told as text: the run needs no class of a plugin.
    """
    _Worker.outbox.begin(number)
    try:
        value, is_tired = _done(job, is_pilot)
        return Reply(pickle.dumps(value), is_tired=is_tired)
    except BaseException as error:
        return Reply(trouble=Trouble.of(error), is_tired=True)


def _done(job: Job, is_pilot: bool) -> tuple[Any, bool]:
    """The job's result, and whether it has left something behind."""
    from seqbench.execution.work import do_cell, do_measure, do_pilot, do_prepare

    worker = _Worker
    if isinstance(job, PrepareJob):
        return do_prepare(job, worker.registry, worker.outbox.advance), False
    if isinstance(job, MeasureJob):
        return do_measure(job, worker.registry), True
    with _limited_memory(job):
        if is_pilot:
            return do_pilot(job, worker.registry), _is_tired()
        result = do_cell(job, worker.registry, worker.outbox.send)
    return result, result.record.status in ("failed", "oom") or _is_tired()


@contextlib.contextmanager
def _limited_memory(job: CellJob) -> Iterator[None]:
    """While inside, an allocation past the cell's limit fails at once, where the system can refuse it."""
    if job.limits.memory_bytes is None or not job.device.startswith("cpu") or sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    room = max(0, job.limits.memory_bytes - psutil.Process().memory_info().rss)
    wanted = own_bytes("VmData") + room
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _is_tired() -> bool:
    """Has a cell left threads behind, or memory that is not given back?"""
    worker = _Worker
    if threading.active_count() > worker.threads:
        return True
    held = psutil.Process().memory_info().rss
    if held > worker.trimmed_bytes + TRIM_BYTES:
        gc.collect()
        if sys.platform == "linux":
            with contextlib.suppress(AttributeError, OSError):
                ctypes.CDLL(None).malloc_trim(0)
        held = worker.trimmed_bytes = psutil.Process().memory_info().rss
    if worker.first_bytes is None:
        worker.first_bytes = held
    return held > worker.first_bytes + LEAK_BYTES
