"""What processes that a run starts must not take over from it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

_PROGRAM_LOCK = threading.Lock()


@contextlib.contextmanager
def program_hidden() -> Iterator[None]:
    """A process that is started inside does not run the program again that started it, as Python has it by default.

    So a script may call `seqbench.run` without `if __name__ == "__main__":`; what it made comes by value.
    """
    with _PROGRAM_LOCK:
        program = sys.modules["__main__"]
        kept = {name: getattr(program, name) for name in ("__file__", "__spec__") if hasattr(program, name)}
        for name in kept:
            setattr(program, name, None)
        try:
            yield
        finally:
            for name, value in kept.items():
                setattr(program, name, value)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """A process that is started inside never hears of Ctrl-C, which a terminal sends to all: it ends with the run."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def stderr_closed() -> Iterator[None]:
    """Nothing that is done inside, be it by C++ code, reaches standard error, nor does a process started inside."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
