"""Records of cells whose executor gave no result: what befell them, as a status and a reason."""

from __future__ import annotations

import traceback
from dataclasses import replace
from time import time

from seqbench.errors import one_line
from seqbench.execution.jobs import CellMemoryError, CellTimeoutError, LostWorkerError
from seqbench.plan import Cell
from seqbench.records import CellRecord, Failure, blank_record

TRIES = 3
"""How often a job is started whose worker is lost: once, and twice again."""


def failed(cell: Cell, error: BaseException, started_at: float = 0.0, tries: int = 1) -> CellRecord:
    """The record of a cell that an error has ended."""
    text = one_line(error)
    details = ""
    if isinstance(error, CellTimeoutError):
        status = "timeout"
    elif isinstance(error, CellMemoryError):
        status = "oom"
    elif isinstance(error, LostWorkerError):
        status, text = "crashed", text + (f"; it was tried {tries} times" if tries > 1 else "")
    else:
        status, details = "failed", "".join(traceback.format_exception(error))
    failure = Failure(type(error).__name__, text, details)
    return replace(blank_record(cell), status=status, failure=failure, started_at=started_at, finished_at=time())


def interrupted(cell: Cell, started_at: float = 0.0) -> CellRecord:
    """The record of a cell that was running when the run was stopped."""
    failure = Failure("Interrupted", "the run was stopped while this cell was running")
    return replace(blank_record(cell), status="interrupted", failure=failure, started_at=started_at, finished_at=time())
