"""What an executor is given and what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.plan import Cell
    from seqbench.prepare import Prepared
    from seqbench.records import CellResult, EpochRecord

PILOT_SECONDS = 60.0
"""A pilot that takes longer tells nothing more: its cell is a long one."""


@dataclass(frozen=True)
class PrepareJob:
    """Prepare one task's data.

    origin: the source as it was given, where `location` is what this machine downloaded or unpacked it to.
    """

    task: str
    location: str
    params: Mapping[str, Any]
    key: str
    origin: str = ""

    @classmethod
    def of(cls, cell: Cell) -> PrepareJob:
        """The job that prepares a cell's data."""
        return cls(cell.task, cell.location, cell.task_params, cell.data_key, cell.origin)


@dataclass(frozen=True)
class Limits:
    """What one cell may take. seconds: wall clock of one attempt; memory_bytes: resident, of its worker process."""

    seconds: float | None = None
    memory_bytes: int | None = None

    def of_pilot(self) -> Limits:
        """What a pilot of the cell may take: not much time in any case."""
        return replace(self, seconds=min(PILOT_SECONDS, self.seconds or PILOT_SECONDS))


@dataclass(frozen=True)
class CellJob:
    """Run one cell on one device (`cpu`, `cuda:0`, `mps`).

    prepare: how `prepared` was made, for an executor whose workers do not see this machine's cache.
    checkpoints: the folder of checkpoints of training, empty for none. memory_bytes: what the cell is expected to need
    on its device, None where that is not known. is_alone: no other cell of the run can be under way beside it.
    """

    cell: Cell
    prepared: Prepared
    prepare: PrepareJob
    device: str
    environment: Mapping[str, Any]
    limits: Limits = Limits()
    checkpoints: str = ""
    memory_bytes: int | None = None
    is_alone: bool = False


@dataclass(frozen=True)
class MeasureJob:
    """Take a trained cell's costs again, `repeats` times, on one device.

    weights, predictions: paths of what its run has stored.
    """

    cell: Cell
    prepared: Prepared
    device: str
    weights: str
    predictions: str
    repeats: int


Job = PrepareJob | CellJob | MeasureJob


@dataclass(frozen=True)
class Advance:
    """How far the preparation of a task's data is.

    task: its name. what: what is being done, as the task says. done: how many are done. total: of how many.
    """

    task: str
    what: str
    done: int
    total: int


class LostWorkerError(Exception):
    """The process or the machine that ran a job is gone, and the job with it; it may be tried again."""


class CellTimeoutError(Exception):
    """A cell took longer than its limit and was stopped."""


class CellMemoryError(Exception):
    """A cell took more memory than its limit, or than there was, and was stopped."""


class Executor(Protocol):
    """Runs jobs; `slots` of them at once. is_concurrent: jobs run beside the caller, not within its call.

    A job's future raises what the job raised, or LostWorkerError, CellTimeoutError or CellMemoryError.
    """

    is_concurrent: bool

    @property
    def slots(self) -> int:
        """How many jobs may be in flight; it may change while they run."""

    def prepare(self, job: PrepareJob) -> Future[Prepared]:
        """Start preparing data."""

    def pilot(self, job: CellJob) -> Future[Cost]:
        """Start measuring what a cell will cost, by a few steps of its training."""

    def cell(self, job: CellJob) -> Future[CellResult]:
        """Start a cell."""

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs finished since the last call, each with its cell's key."""

    def advances(self) -> list[Advance]:
        """How far preparations are that said so since the last call."""

    def watch(self) -> None:
        """Look after what is running: called several times a second; stops what is past its limits."""

    def close(self, kill: bool = False) -> None:
        """Stop; `kill` does not wait for what is running."""
