"""What the benchopt benchmark's parts share within a process: the grid's cells and their data, read once."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from cases import Case, cases
from peers.usual_script import Data

SEEDS = os.environ.get("GRID_SEEDS", "0,1,2")


@cache
def grid() -> dict[str, Case]:
    """The default grid's cells by `task/model/seed`."""
    return {f"{case.cell.task}/{case.cell.model}/{case.cell.seed}": case for case in cases({"seeds": SEEDS})}


@cache
def data_of(task: str) -> Data:
    """A task's data as datasets of tensors."""
    return Data.of(next(case for case in grid().values() if case.cell.task == task))


@cache
def epochs() -> dict[str, int]:
    """How many epochs each cell is to train: those that seqbench trained it."""
    found: dict[str, int] = json.loads(Path(os.environ["GRID_EPOCHS"]).read_text(encoding="utf-8"))
    return found
