"""Imported by the forkserver only: a process that loses its run before it is a worker has nothing to tell."""

from __future__ import annotations

import sys
from types import TracebackType


def _told_elsewhere(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The run notices a lost worker by itself, and a run that is gone needs no news of its workers."""
    if not isinstance(error, (OSError, EOFError)):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _told_elsewhere
