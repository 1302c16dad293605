"""Records → what MLflow is to hold, as plain values: pure, deterministic, and without MLflow."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seqbench.board import Row
from seqbench.leaderboard import board, latest
from seqbench.records import CellRecord
from seqbench.tracking.view import MAX_TAG, metric_name, row_note

MAX_PARAM, MAX_EXPERIMENT = 6000, 500
"""MLflow's limits in characters."""

STATUSES = {"ok": "FINISHED", "interrupted": "KILLED"}
"""By a record's status, the run's; every other status is FAILED."""

KIND, KEY, SERIES, FINISHED_AT = "seqbench.kind", "seqbench.key", "seqbench.series", "seqbench.finished_at"
MODEL, BASELINE, SEED = "model", "baseline", "seed"


@dataclass(frozen=True)
class Point:
    """One value of a metric. timestamp: milliseconds since 1970 UTC; step: the epoch, 0 for a final value."""

    name: str
    value: float
    timestamp: int
    step: int = 0


@dataclass(frozen=True)
class RunContent:
    """What one MLflow run is to hold. start, end: milliseconds since 1970 UTC; status: one of MLflow's."""

    name: str
    params: Mapping[str, str]
    points: tuple[Point, ...]
    tags: Mapping[str, str]
    status: str
    start: int
    end: int


@dataclass(frozen=True)
class Series:
    """A row of a board with the records of its cells, by seed. is_current: no newer code has the same label."""

    row: Row
    records: tuple[CellRecord, ...]
    is_current: bool

    @property
    def is_baseline(self) -> bool:
        """A baseline is one cell, so its files go into the model-level run itself."""
        return self.row.is_baseline


def series_of(records: Iterable[CellRecord]) -> list[Series]:
    """Every series that ran, those of the boards first; a series that newer code replaced has no rank."""
    groups: dict[str, list[CellRecord]] = {}
    for record in latest(records).values():
        if record.status != "skipped":
            groups.setdefault(record.series, []).append(record)
    members = {name: tuple(sorted(group, key=lambda record: record.seed)) for name, group in groups.items()}
    rows = {row.series: row for row in board(record for group in members.values() for record in group)}
    current = [Series(row, members[name], is_current=True) for name, row in rows.items()]
    replaced = [
        Series(replace(board(group)[0], rank=None, beats_best_baseline=None), group, is_current=False)
        for name, group in members.items()
        if name not in rows
    ]
    return current + replaced


def experiment_name(task_id: str) -> str:
    """The name of a task's experiment."""
    return f"seqbench/{task_id}"[:MAX_EXPERIMENT]


def seed_content(record: CellRecord) -> RunContent:
    """The nested run of one cell: parameters, the history per epoch, results, costs and provenance."""
    tags = {
        **_common_tags(record),
        KIND: SEED,
        KEY: record.key,
        FINISHED_AT: repr(record.finished_at),
        "seqbench.seed": str(record.seed),
        **_failure_tags(record),
    }
    start, end = _milliseconds(record)
    return RunContent(
        name=f"{record.label} seed {record.seed}",
        params=_limited({**_params(record), "seed": record.seed}),
        points=(*_history(record), *_results(record)),
        tags=_limited_tags(tags),
        status=STATUSES.get(record.status, "FAILED"),
        start=start,
        end=end,
    )


def series_content(series: Series, ranked: int) -> RunContent:
    """The model-level run of a series: mean over seeds under each metric's own name, spread, interval, rank, costs.

    ranked: how many rows of the board have a rank.
    """
    row, records = series.row, series.records
    # The built model's own configuration is in the records that got as far.
    first = next((record for record in records if record.status == "ok"), records[0])
    tags = {
        **_common_tags(first),
        KIND: BASELINE if series.is_baseline else MODEL,
        FINISHED_AT: repr(max(record.finished_at for record in records)),
        "seqbench.current": _text(series.is_current),
        "seqbench.rank": "" if row.rank is None else str(row.rank),
        "seqbench.seeds": ",".join(map(str, row.seeds)),
        "seqbench.statuses": json.dumps(dict(row.statuses)),
        "mlflow.note.content": row_note(row, ranked),
        **next((_failure_tags(record) for record in records if record.failure), {"seqbench.failure": ""}),
    }
    if series.is_baseline:
        tags[KEY] = first.key
    end = max(_milliseconds(record)[1] for record in records)
    values = {name: value for name, value in _aggregates(row).items() if value is not None}
    return RunContent(
        name=row.model,
        params=_limited(_params(first)),
        points=tuple(Point(metric_name(name), _number(value), end) for name, value in values.items()),
        tags=_limited_tags(tags),
        status="FINISHED" if row.seeds else STATUSES.get(records[-1].status, "FAILED"),
        start=min(_milliseconds(record)[0] for record in records),
        end=end,
    )


def _aggregates(row: Row) -> dict[str, float | int | None]:
    return {
        **row.metrics,
        f"{row.metric}_sd": row.sd,
        f"{row.metric}_ci_low": row.ci_low,
        f"{row.metric}_ci_high": row.ci_high,
        "rank": row.rank,
        "seeds": len(row.seeds),
        "parameters": row.parameters,
        "macs": row.macs,
        "peak_memory_bytes": row.peak_memory_bytes,
        "train_seconds": row.train_seconds,
    }


def _history(record: CellRecord) -> Iterator[Point]:
    """Each epoch's values at step = epoch, spread over the time of the cell in proportion to the epochs' own."""
    start, end = _milliseconds(record)
    whole = sum(epoch.seconds for epoch in record.history) or 1.0
    passed = 0.0
    for epoch in record.history:
        passed += epoch.seconds
        timestamp = start + round((end - start) * min(passed / whole, 1.0))
        values = {
            "train_loss": epoch.train_loss,
            "validation_loss": epoch.validation_loss,
            f"validation_{record.primary}": epoch.validation_metric,
            "gradient_norm": epoch.gradient_norm,
            "learning_rate": epoch.learning_rate,
            "epoch_seconds": epoch.seconds,
        }
        for name, value in values.items():
            if value is not None:
                yield Point(metric_name(name), _number(value), timestamp, epoch.epoch)


def _results(record: CellRecord) -> Iterator[Point]:
    costs = record.costs
    values = {
        **record.metrics,
        "parameters": costs.parameters,
        "macs": costs.macs,
        "peak_memory_bytes": costs.peak_memory_bytes,
        "prepare_seconds": costs.prepare_seconds,
        "build_seconds": costs.build_seconds,
        "train_seconds": costs.fit_seconds,
        "evaluate_seconds": costs.evaluate_seconds,
        "best_epoch": record.best_epoch,
        "epochs": len(record.history) or None,
    }
    _, end = _milliseconds(record)
    for name, value in values.items():
        if value is not None:
            yield Point(metric_name(name), _number(value), end)


def _params(record: CellRecord) -> dict[str, Any]:
    """What was chosen (`model.*`, `trainer.*`, `task.*`) and what the built model made of it (`built.*`)."""
    groups = {**record.parameters, "built": record.configuration}
    flat = {key: value for group, values in groups.items() for key, value in _flat(group, values)}
    return {"task": record.task, "model": record.model, **flat}


def _flat(prefix: str, values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _flat(f"{prefix}.{key}", value)
    else:
        yield prefix, values


def _common_tags(record: CellRecord) -> dict[str, str]:
    """Whose run it is, and where its numbers come from."""
    provenance, environment = record.provenance, record.environment
    tags = {
        "mlflow.source.name": "seqbench",
        "mlflow.source.type": "LOCAL",
        SERIES: record.series,
        "seqbench.task": record.task,
        "seqbench.source": record.source,
        "seqbench.model": record.model,
        "seqbench.status": record.status,
        "seqbench.data.fingerprint": record.data.get("fingerprint"),
        "seqbench.version": provenance.get("seqbench"),
        "seqbench.location": provenance.get("location"),
        "seqbench.protocol": provenance.get("protocol"),
        "seqbench.core": provenance.get("core"),
        "seqbench.device": environment.get("device"),
        "seqbench.python": environment.get("python"),
        "seqbench.torch": environment.get("torch"),
    }
    for kind in ("model", "task"):
        plugin = provenance.get(kind) or {}
        for fact in ("distribution", "version", "source_hash"):
            tags[f"seqbench.{kind}.{fact}"] = plugin.get(fact)
    return {key: _text(value) for key, value in tags.items() if value is not None}


def _failure_tags(record: CellRecord) -> dict[str, str]:
    failure = record.failure
    return {"seqbench.failure": f"{failure.type}: {failure.message}"} if failure else {}


def _milliseconds(record: CellRecord) -> tuple[int, int]:
    """Start and end; a record without a start (its worker died) starts when it ends."""
    end = math.floor(1000 * record.finished_at)
    return (math.floor(1000 * record.started_at) if record.started_at else end), end


def _limited(values: Mapping[str, Any]) -> dict[str, str]:
    return {metric_name(key): _text(value)[:MAX_PARAM] for key, value in values.items()}


def _limited_tags(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value[:MAX_TAG] for key, value in values.items()}


def _number(value: float) -> float:
    """The value as MLflow stores it: infinity is the largest float, so that what is read back equals what is sent."""
    return max(-sys.float_info.max, min(sys.float_info.max, float(value)))


def _text(value: Any) -> str:
    """Booleans and lists as JSON, so that they read the same in every run; text as it is."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
