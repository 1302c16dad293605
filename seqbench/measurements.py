"""Costs that were taken again, alone on a machine: `measurements.jsonl` in a results folder, one line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from seqbench.errors import FullError, StoreError
from seqbench.records import Costs
from seqbench.store import Store, append_line, as_line, is_intact

MEASUREMENTS = "measurements.jsonl"
MEASURED = (
    "examples_per_second",
    "latency_p50_ms",
    "latency_p95_ms",
    "batch_latency_p50_ms",
    "batch_latency_p95_ms",
    "peak_memory_bytes",
)
"""The costs of a record that a measurement takes again, by the names they have in `seqbench.records.Costs`."""
WHOLE = ("peak_memory_bytes", "batch_size")
"""Those of a measurement's values that are whole numbers in a record."""
BUSY_PERCENT = 15.0
"""A machine that does more than this before a measurement disturbs it: percent of all its cores, or of its GPU."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one cell's model costs when nothing runs beside it, over several repeats.

    key: the cell's. values: by cost (MEASURED), the mean over repeats; `batch_size` says of how many examples a batch
    was. spread: by cost, the standard deviation over repeats; empty for a single one. measured_at: seconds since 1970
    UTC. environment: the hardware, `device`, `device_kind`, `trained_on` (the kind of device of the record), versions,
    and `load_percent`: how busy the machine was just before. remarks: what a reader should know, in sentences.
    """

    key: str
    values: Mapping[str, float]
    spread: Mapping[str, float]
    repeats: int
    measured_at: float
    environment: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The measurement from `to_json`'s values; what this version does not know is left out.

        Raises TypeError, ValueError, KeyError or AttributeError when they are none.
        """
        return cls(
            key=str(values["key"]),
            values={str(name): float(value) for name, value in values["values"].items()},
            spread={str(name): float(value) for name, value in values["spread"].items()},
            repeats=int(values["repeats"]),
            measured_at=float(values["measured_at"]),
            environment=dict(values["environment"]),
            remarks=tuple(map(str, values.get("remarks", ()))),
        )

    def to_json(self) -> dict[str, Any]:
        """The measurement as JSON-able values."""
        return asdict(self)

    @property
    def place(self) -> tuple[str, str]:
        """The cell's key and the kind of device: of several the last one counts."""
        return self.key, str(self.environment.get("device_kind"))

    @property
    def was_alone(self) -> bool:
        """Was the machine idle before it?"""
        return float(self.environment.get("load_percent") or 0.0) <= BUSY_PERCENT

    @property
    def is_for_boards(self) -> bool:
        """Was it taken on the kind of device that the cell was trained on, so that a board can compare it?"""
        return bool(self.environment.get("device_kind") == self.environment.get("trained_on"))

    def costs(self, of_run: Costs) -> Costs:
        """The costs of a record with those that were measured in their place, marked as taken alone (or not)."""
        measured: dict[str, Any] = {
            name: int(value) if name in WHOLE else value
            for name, value in self.values.items()
            if name in MEASURED or name in WHOLE
        }
        return replace(of_run, **measured, alone=self.was_alone)


@dataclass(frozen=True)
class Taken:
    """What a worker measured. repeats: of each, the costs by their names in seqbench.records.Costs.

    batch_size: examples in the batch. deviation: the largest difference between the test outputs of the loaded model
    and the stored ones, relative to the largest stored one; None where none are stored.
    """

    repeats: tuple[Mapping[str, float], ...]
    batch_size: int
    deviation: float | None


def read(folder: Path, warnings: list[str] | None = None) -> dict[str, Measurement]:
    """By the cell's key, the last measurement that a board can use; none where nothing was measured.

    warnings: is given a sentence per line that had to be left out. Raises StoreError when the file cannot be read.
    """
    return {key: found for (key, kind), found in read_all(folder, warnings).items() if found.is_for_boards}


def read_all(folder: Path, warnings: list[str] | None = None) -> dict[tuple[str, str], Measurement]:
    """By the cell's key and the kind of device, the last measurement. As `read` otherwise."""
    return {measurement.place: measurement for _, measurement in measured_lines(folder, warnings)}


def measured_lines(folder: Path, warnings: list[str] | None = None) -> list[tuple[bytes, Measurement]]:
    """Every measurement in the order of writing, each after the line that says it. As `read` otherwise."""
    path = folder / MEASUREMENTS
    found: list[tuple[bytes, Measurement]] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                measurement = parsed(line)
                if measurement is not None:
                    found.append((line.rstrip(b"\n") + b"\n", measurement))
                elif warnings is not None:
                    warnings.append(f"{path} line {number} is torn or was altered: it is left out; measure again")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}.") from None
    return found


def parsed(line: bytes) -> Measurement | None:
    """The measurement that a line says; None where it is torn or was altered."""
    if not is_intact(line):
        return None
    try:
        return Measurement.from_json(json.loads(line))
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        return None


def append(store: Store, measurement: Measurement) -> None:
    """Keep a measurement; it is on disk when this returns. Raises FullError when the disk refuses."""
    adopt(store, as_line(measurement.to_json()))


def adopt(store: Store, line: bytes) -> None:
    """As `append`, of a measurement's line as another folder had it."""
    try:
        with store.lock():
            append_line(store.folder / MEASUREMENTS, line)
    except OSError as error:
        raise FullError(
            f"cannot write to {store.folder}: {error.strerror}; what was measured before is kept."
        ) from None
