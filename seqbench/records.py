"""What is kept of a cell: its record, which stands alone, and its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from sys import intern
from typing import TYPE_CHECKING, Any, Self

from seqbench.version import __version__

if TYPE_CHECKING:
    from seqbench.plan import Cell

SCHEMA = 1
"""The number of this format of records; a results folder with a higher one is refused."""

STATUSES = ("ok", "failed", "diverged", "oom", "timeout", "crashed", "skipped", "interrupted")


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch of training.

    epoch: its number, from 1. train_loss: mean loss per example with dropout and augmentation on.
    validation_loss, validation_metric: with the weights at the epoch's end; None where the task has no validation
    split. gradient_norm: mean over the steps of the 2-norm before clipping. learning_rate: of the last step.
    seconds: wall clock of training, without validation.
    """

    epoch: int
    train_loss: float
    validation_loss: float | None
    validation_metric: float | None
    gradient_norm: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What a cell cost; None is what was not measured (a baseline has no parameters to count, say).

    parameters: trainable numbers. macs: multiply-accumulates of one forward pass of one example of median length.
    peak_memory_bytes: of the worker process while it ran the cell (CPU), or held of the device (CUDA).
    prepare_seconds, build_seconds, evaluate_seconds: wall clock of each part alone.
    fit_seconds: wall clock of training, with the validation after each epoch.
    examples_per_second: of training. latency_p50_ms, latency_p95_ms: milliseconds of one forward pass of one example of
    median length; batch_latency_p50_ms, batch_latency_p95_ms: of a batch of `batch_size` test examples. batch_size: how
    many these were. alone: False when other cells ran beside.
    """

    parameters: int | None = None
    macs: int | None = None
    peak_memory_bytes: int | None = None
    prepare_seconds: float = 0.0
    build_seconds: float = 0.0
    fit_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    examples_per_second: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    batch_latency_p50_ms: float | None = None
    batch_latency_p95_ms: float | None = None
    batch_size: int | None = None
    alone: bool | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cell is not `ok`.

    type: of the exception. message: in one line. traceback: where there is one, else empty.
    """

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a board, a plan and an estimate need of one finished cell; a tenth of its record.

    key: SHA-256 of what decides the result. series: the same without the seed, so seeds of one row share it.
    task: its name; source: what the board calls it; task_id: `task@source` with the parameters that differ from the
    defaults. model: its name; label: the name with the parameters that differ from the defaults.
    is_baseline: is it one of the task's baselines? seed: 0 for a baseline.
    status: `ok`, `failed`, `diverged`, `oom`, `timeout`, `crashed`, `skipped` or `interrupted`.
    primary: the metric that ranks; higher_is_better: is more of it better? metrics: by name, on the test split.
    costs: what it cost. failure: why it is not `ok`, or None.
    started_at, finished_at: seconds since 1970 UTC. folder: of the cell's files, relative to the results folder.
    device_kind: `cpu`, `cuda` or `mps`; empty in records of before it was kept.
    sizes: examples of the three splits; empty where no data was loaded. It is read from `data`, and not written.
    """

    key: str
    series: str
    task: str
    source: str
    task_id: str
    model: str
    label: str
    is_baseline: bool
    seed: int
    status: str
    primary: str
    higher_is_better: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    costs: Costs = field(default_factory=Costs)
    failure: Failure | None = None
    folder: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    device_kind: str = ""
    sizes: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The outcome (or record) from `CellRecord.to_json`'s values; fields that this version does not know are
        left out.

        Raises TypeError, ValueError or KeyError when the values are not a record.
        """
        return cls(**cls._known(values))

    @classmethod
    def _known(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor's arguments. Names that many records share are one string in memory."""
        known = {name: _shared(values[name]) for name in cls.__dataclass_fields__ if name in values}
        known["metrics"] = {intern(name): value for name, value in values.get("metrics", {}).items()}
        known["costs"] = Costs(**_of(Costs, values.get("costs", {})))
        failure = values.get("failure")
        known["failure"] = Failure(**_of(Failure, failure)) if failure else None
        known["sizes"] = sizes_of(values.get("data"))
        return known


@dataclass(frozen=True, slots=True)
class CellRecord(Outcome):
    """Everything that a board, a page or a tracker needs of one finished cell, without any plugin.

    history: every epoch, in order. best_epoch: the one whose weights came back, or None.
    output: `{"kind": "classes", "labels": [...]}` or `{"kind": "forecast", "values": n}`.
    remarks: what the task says of the test predictions, in sentences.
    configuration: what the built model said of itself (its resolved hidden size, say).
    parameters: every one in force, of the model, the trainer and the task. environment: the machine and the versions.
    provenance: versions and hashes of the source code that decides the result. data: fingerprint, sizes of the splits,
    and what preparing found. schema: the number of this format.
    """

    history: tuple[EpochRecord, ...] = ()
    best_epoch: int | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """The record as JSON-able values."""
        values = asdict(self)
        del values["sizes"]  # they are in `data`
        return values

    @property
    def is_network(self) -> bool:
        """Was it trained by the harness's trainer? Baselines and models that fit themselves were not."""
        return not self.is_baseline and bool(self.parameters.get("trainer"))

    @property
    def settled_at(self) -> float:
        """When it last said something new: seconds since 1970 UTC, of its end or of the last time it was rescored."""
        rescored = self.provenance.get("rescored")
        at = rescored.get("at") if isinstance(rescored, Mapping) else None
        return max(self.finished_at, float(at)) if isinstance(at, (int, float)) else self.finished_at

    def reproducible(self) -> dict[str, Any]:
        """What every run of this cell on this machine has in common, bit for bit: all but what is measured."""
        values = self.to_json()
        for name in ("started_at", "finished_at"):
            del values[name]
        values["costs"] = {name: value for name, value in values["costs"].items() if name in ("parameters", "macs")}
        values["history"] = [
            {name: value for name, value in epoch.items() if name != "seconds"} for epoch in values["history"]
        ]
        return values

    @classmethod
    def _known(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        known = super(CellRecord, cls)._known(values)
        known["history"] = tuple(EpochRecord(**_of(EpochRecord, epoch)) for epoch in values.get("history", ()))
        known["remarks"] = tuple(values.get("remarks", ()))
        return known


def sizes_of(data: Any) -> tuple[int, ...]:
    """How many examples a record's `data` says that the splits have; empty where it does not."""
    sizes = data.get("sizes") if isinstance(data, Mapping) else None
    return tuple(sizes) if isinstance(sizes, (list, tuple)) else ()


def _of(noun: type[Costs | Failure | EpochRecord], values: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's arguments: what another version has put in besides is left out."""
    return {name: _shared(values[name]) for name in noun.__dataclass_fields__ if name in values}


def _shared(value: Any) -> Any:
    return intern(value) if type(value) is str else value


@dataclass(frozen=True)
class CellResult:
    """What a worker gives back: the record, and the content of the cell's files by name."""

    record: CellRecord
    files: Mapping[str, bytes] = field(default_factory=dict)


def blank_record(cell: Cell) -> CellRecord:
    """The record of a cell that has not run: who it is, and nothing measured."""
    return CellRecord(
        key=cell.key,
        series=cell.series,
        task=cell.task,
        source=cell.source,
        task_id=cell.task_id,
        model=cell.model,
        label=cell.label,
        is_baseline=cell.is_baseline,
        seed=cell.seed,
        status="skipped" if cell.skip else "failed",
        primary=cell.primary,
        higher_is_better=cell.higher_is_better,
        parameters={"model": cell.model_params, "trainer": cell.trainer, "task": cell.task_params},
        provenance={**cell.provenance, "seqbench": __version__, "location": cell.origin or cell.location},
        failure=Failure("Skipped", cell.skip) if cell.skip else None,
        folder=f"cells/{cell.folder}",
        device_kind=cell.device_kind,
    )


def validated_by(record: CellRecord) -> str:
    """The metric that the record's epochs have of the validation split: the primary one when it was trained."""
    note = record.provenance.get("rescored")
    return str(note.get("validated_by", record.primary)) if isinstance(note, Mapping) else record.primary
