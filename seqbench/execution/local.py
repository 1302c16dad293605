"""The executor of this machine: a pool of worker processes, one torch thread each, forked with torch preloaded."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING

from pebble import ProcessPool

from seqbench.execution.channel import EpochInbox, EpochOutbox
from seqbench.registry import Registry, discover

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.execution.jobs import Advance, CellJob, PrepareJob
    from seqbench.prepare import Prepared
    from seqbench.records import CellResult, EpochRecord

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""One process per core beats threads, and results must not depend on how many there are."""


class LocalExecutor:
    """`slots` worker processes; each finds the plugins for itself and runs jobs until told to stop."""

    def __init__(self, slots: int, plugin_files: tuple[str, ...] = ()) -> None:
        self.slots = slots
        self._inbox = EpochInbox()
        with one_thread_environment():
            context = start_method()
            arguments = (plugin_files, self._inbox.address, self._inbox.authkey)
            self._pool = ProcessPool(max_workers=slots, initializer=_start_worker, initargs=arguments, context=context)

    def prepare(self, job: PrepareJob) -> Future[Prepared]:
        """Prepare data in a worker."""
        return self._pool.schedule(_prepare, args=(job,))

    def pilot(self, job: CellJob) -> Future[Cost]:
        """Measure in a worker."""
        return self._pool.schedule(_pilot, args=(job,))

    def cell(self, job: CellJob) -> Future[CellResult]:
        """Run a cell in a worker."""
        return self._pool.schedule(_cell, args=(job,))

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs that workers told of since the last call."""
        return self._inbox.epochs()

    def advances(self) -> list[Advance]:
        """How far preparations are that workers told of since the last call."""
        return self._inbox.advances()

    def watch(self) -> None:
        """Nothing yet."""

    def close(self, kill: bool = False) -> None:
        """Stop the workers; `kill` at once."""
        if kill:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()
        self._inbox.close()


@contextlib.contextmanager
def one_thread_environment() -> Iterator[None]:
    """While inside, processes that are started compute on one thread."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def start_method() -> BaseContext:
    """A forkserver that imports torch once (spawn where there is none), started at once in the background."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["seqbench.execution.preload"])
    ensure_running()
    return context


class _Worker:
    """What a worker process keeps from job to job."""

    registry: Registry
    outbox: EpochOutbox


def _start_worker(plugin_files: tuple[str, ...], address: str | tuple[str, int], authkey: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.registry = discover(plugin_files)
    _Worker.outbox = EpochOutbox(address, authkey)


def _prepare(job: PrepareJob) -> Prepared:
    from seqbench.execution.work import do_prepare

    return do_prepare(job, _Worker.registry, _Worker.outbox.advance)


def _pilot(job: CellJob) -> Cost:
    from seqbench.execution.work import do_pilot

    return do_pilot(job, _Worker.registry)


def _cell(job: CellJob) -> CellResult:
    from seqbench.execution.work import do_cell

    return do_cell(job, _Worker.registry, _Worker.outbox.send)
