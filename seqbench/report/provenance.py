"""How everything was run, as records tell it: commands, dates, machines, versions, data, parameters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seqbench.records import CellRecord
from seqbench.report.commands import commands
from seqbench.report.names import cut

MOST_ROWS = 300
MOST_CHARACTERS = 700
"""Of a text that comes from a record; more says nothing to a reader."""
GIBIBYTE = 2.0**30


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with what was installed on it, and how many cells ran there."""

    cells: int
    device: str
    hardware: str
    system: str
    versions: str


@dataclass(frozen=True, slots=True)
class Data:
    """A task's data. fingerprint: of the prepared data; examples: of train, validation and test."""

    task: str
    location: str
    fingerprint: str
    examples: str
    dates: str
    plugin: str
    settings: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What rows were trained with. rows: their labels; text: parameters and values."""

    task: str
    rows: str
    plugin: str
    text: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """How everything was run. period: from the first start to the last end, UTC; training: seconds of fitting."""

    period: str
    training: float
    cells: tuple[tuple[str, int], ...]
    seqbench: tuple[str, ...]
    commands: tuple[str, ...]
    machines: tuple[Machine, ...]
    data: tuple[Data, ...]
    models: tuple[Setting, ...]
    protocols: tuple[Setting, ...]


def provenance(records: Sequence[CellRecord]) -> Provenance:
    """Of the latest records of a results folder."""
    ran = [record for record in records if record.finished_at]
    begin = min((record.started_at or record.finished_at for record in ran), default=0.0)
    end = max((record.finished_at for record in ran), default=0.0)
    return Provenance(
        period=_period(begin, end) if ran else "not recorded",
        training=sum(record.costs.fit_seconds for record in records),
        cells=tuple(
            sorted(Counter(record.status for record in records).items(), key=lambda item: (item[0] != "ok", item))
        ),
        seqbench=tuple(sorted({_version(record) for record in records})),
        commands=tuple(commands(records)),
        machines=tuple(_machines(records)),
        data=tuple(_data(records))[:MOST_ROWS],
        models=tuple(_settings(records, _of_model))[:MOST_ROWS],
        protocols=tuple(_settings(records, _of_trainer))[:MOST_ROWS],
    )


def _period(begin: float, end: float) -> str:
    first, last = moment(begin), moment(end)
    day, _, time = last.partition(" ")
    return f"{first} to {time if time and first.startswith(day) else last} UTC"


def moment(seconds: float) -> str:
    """A point in time, to the minute."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "an unknown time"


def _version(record: CellRecord) -> str:
    return f"seqbench {record.provenance.get('seqbench', '?')}, protocol {record.provenance.get('protocol', '?')}"


def _machines(records: Iterable[CellRecord]) -> Iterable[Machine]:
    """Each distinct machine, the one with most cells first."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for record in records:
        values = record.environment
        if not values:
            continue
        memory = values.get("memory_bytes")
        size = f", {float(memory) / GIBIBYTE:.0f} GiB" if isinstance(memory, (int, float)) else ""
        hardware = f"{values.get('cpu', 'unknown CPU')}, {values.get('cores', '?')} cores{size}"
        others = [
            f"{device.get('id')} {device.get('name')}"
            for device in values.get("devices", ())
            if isinstance(device, dict) and device.get("id") != "cpu"
        ]
        known = ("device", "cpu", "cores", "memory_bytes", "devices", "system", "determinism")
        versions = ", ".join(
            f"{name} {value}" for name, value in sorted(values.items()) if name not in known and isinstance(value, str)
        )
        key = (str(values.get("device", "?")), "; ".join([hardware, *others]), str(values.get("system", "?")), versions)
        found[key] += 1
    return [Machine(count, *key) for key, count in found.most_common(MOST_ROWS)]


def _data(records: Iterable[CellRecord]) -> Iterable[Data]:
    """Each distinct set of data of each task, with what its tasks remarked."""
    found: dict[tuple[str, str], list[CellRecord]] = {}
    for record in records:
        if record.data:
            found.setdefault((record.task_id, str(record.data.get("fingerprint", ""))), []).append(record)
    for (task, fingerprint), group in sorted(found.items()):
        first = group[0]
        notes = first.data.get("notes")
        notes = notes if isinstance(notes, dict) else {}
        yield Data(
            task=task,
            location=str(first.provenance.get("location", first.source)),
            fingerprint=fingerprint,
            examples=_sizes(first.data.get("sizes")),
            dates=_dates(notes.get("date_ranges")),
            plugin=_plugin(first.provenance.get("task")),
            settings=flat(first.parameters.get("task")),
            remarks=tuple(
                cut(str(text), MOST_CHARACTERS) for name in ("dropped", "warnings") for text in _texts(notes.get(name))
            ),
        )


def _sizes(sizes: Any) -> str:
    if not isinstance(sizes, (list, tuple)) or len(sizes) != 3:
        return ""
    return " / ".join(f"{size:,}" if isinstance(size, int) else str(size) for size in sizes)


def _dates(ranges: Any) -> str:
    if not isinstance(ranges, dict):
        return ""
    names = [name for name in ("train", "validation", "test") if name in ranges]
    return "; ".join(f"{name} {' to '.join(map(str, _texts(ranges[name])))}" for name in names)


def _texts(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else () if value is None else (value,)


def _plugin(identity: Any) -> str:
    """Distribution and version that code came from, and the beginning of its source's hash."""
    if not isinstance(identity, dict):
        return ""
    name = f"{identity.get('distribution', '')} {identity.get('version', '')}".strip()
    source = str(identity.get("source_hash", ""))[:12]
    return f"{name}, source {source}" if source else name


def _of_model(record: CellRecord) -> tuple[str, str]:
    configured = {**_table(record.parameters.get("model")), **record.configuration}
    return _plugin(record.provenance.get("model")), flat(configured)


def _of_trainer(record: CellRecord) -> tuple[str, str]:
    return "", flat(record.parameters.get("trainer"))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _settings(records: Iterable[CellRecord], of: Callable[[CellRecord], tuple[str, str]]) -> Iterable[Setting]:
    """Rows of a task that share their settings, together; baselines have none."""
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for record in records:
        plugin, text = of(record)
        if not record.is_baseline and text:
            found.setdefault((record.task_id, plugin, text), {})[record.label] = None
    return [
        Setting(task, cut(", ".join(labels), MOST_CHARACTERS), plugin, text)
        for (task, plugin, text), labels in sorted(found.items())
    ]


def flat(values: Any) -> str:
    """Parameters as `name=value`, in alphabetical order."""
    if not isinstance(values, dict):
        return ""
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return cut(", ".join(f"{name}={value}" for name, value in sorted(shown.items())), MOST_CHARACTERS)
