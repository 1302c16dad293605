"""What an executor is given and what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from seqbench.plan import Cell
    from seqbench.prepare import Prepared
    from seqbench.records import CellResult, EpochRecord


@dataclass(frozen=True)
class PrepareJob:
    """Prepare one task's data."""

    task: str
    location: str
    params: Mapping[str, Any]
    key: str


@dataclass(frozen=True)
class CellJob:
    """Run one cell on one device (`cpu`, `cuda:0`, `mps`)."""

    cell: Cell
    prepared: Prepared
    device: str
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Advance:
    """How far the preparation of a task's data is: `done` of `total`, and what is being done."""

    task: str
    what: str
    done: int
    total: int


class Executor(Protocol):
    """Runs jobs; `slots` of them at once."""

    slots: int

    def prepare(self, job: PrepareJob) -> Future[Prepared]:
        """Start preparing data."""

    def cell(self, job: CellJob) -> Future[CellResult]:
        """Start a cell."""

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs finished since the last call, each with its cell's key."""

    def advances(self) -> list[Advance]:
        """How far preparations are that said so since the last call."""

    def close(self, kill: bool = False) -> None:
        """Stop; `kill` does not wait for what is running."""
