"""How worker processes are started: one thread each, from a server that has imported torch."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from multiprocessing.context import BaseContext

from seqbench.children import interrupts_held, stderr_closed

WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # A plugin that goes through a set of strings does so in one order.
    "PYTHONHASHSEED": "0",
    # cuBLAS keeps its order of addition only with a workspace of its own.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""What every worker has: one process per core beats threads, and results must not depend on how many there are."""

_ENVIRONMENT_LOCK = threading.Lock()


@contextlib.contextmanager
def worker_environment() -> Iterator[None]:
    """While inside, processes that are started have the environment of a worker."""
    with _ENVIRONMENT_LOCK:
        before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
        os.environ.update(WORKER_ENVIRONMENT)
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
    from multiprocessing import resource_tracker
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["seqbench.execution.quiet", "seqbench.execution.preload"])
    with interrupts_held():
        with stderr_closed():  # Python's tracker tells there of each semaphore that a killed worker has left
            resource_tracker.ensure_running()
        ensure_running()
    return context
