"""Records → what MLflow is to hold, as plain values: pure, deterministic, and without MLflow."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from seqbench.records import CellRecord
from seqbench.tracking.names import FINISHED_AT, KEY, KIND, MAX_TAG, ROW_COSTS, SEED, SERIES, metric_name, score_name

MAX_PARAM, MAX_EXPERIMENT = 6000, 500
"""MLflow's limits in characters."""

EXPERIMENT_KIND, MODEL_TRAINING = "mlflow.experimentKind", "custom_model_development"
"""The tag that has MLflow open an experiment under its "Model training", and its value."""

STATUSES = {"ok": "FINISHED", "interrupted": "KILLED"}
"""By a record's status, the run's; every other status is FAILED."""


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


def experiment_name(task_id: str) -> str:
    """The name of a task's experiment."""
    return f"seqbench/{task_id}"[:MAX_EXPERIMENT]


def seed_content(record: CellRecord) -> RunContent:
    """The nested run of one cell: parameters, the history per epoch, results, costs and provenance."""
    tags = {
        **common_tags(record),
        KIND: SEED,
        KEY: record.key,
        FINISHED_AT: repr(record.settled_at),
        "seqbench.seed": str(record.seed),
        **failure_tags(record),
    }
    start, end = milliseconds(record)
    return RunContent(
        name=f"{record.label} seed {record.seed}",
        params=limited({**params_of(record), "seed": record.seed}),
        points=(*_history(record), *_results(record)),
        tags=limited_tags(tags),
        status=STATUSES.get(record.status, "FAILED"),
        start=start,
        end=end,
    )


def _history(record: CellRecord) -> Iterator[Point]:
    """Each epoch's values at step = epoch, spread over the time of the cell in proportion to the epochs' own."""
    start, end = milliseconds(record)
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
                yield Point(metric_name(name), stored(value), timestamp, epoch.epoch)


def _results(record: CellRecord) -> Iterator[Point]:
    costs = record.costs
    values = {
        **{score_name(name): value for name, value in record.metrics.items()},
        **{name: getattr(costs, name) for name in ROW_COSTS if name != "train_seconds"},
        "prepare_seconds": costs.prepare_seconds,
        "build_seconds": costs.build_seconds,
        "train_seconds": costs.fit_seconds,
        "evaluate_seconds": costs.evaluate_seconds,
        "best_epoch": record.best_epoch,
        "epochs": len(record.history) or None,
    }
    _, end = milliseconds(record)
    for name, value in values.items():
        if is_known(value):
            yield Point(name, stored(value), end)


def params_of(record: CellRecord) -> dict[str, Any]:
    """What was chosen (`model.*`, `trainer.*`, `task.*`) and what the built model made of it (`built.*`)."""
    groups = {**record.parameters, "built": record.configuration}
    flat = {key: value for group, values in groups.items() for key, value in _flat(group, values)}
    return {"task": record.task, "model": record.model, "label": record.label, **flat}


def _flat(prefix: str, values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _flat(f"{prefix}.{key}", value)
    else:
        yield prefix, values


def common_tags(record: CellRecord) -> dict[str, str]:
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
    return {key: text_of(value) for key, value in tags.items() if value is not None}


def failure_tags(record: CellRecord) -> dict[str, str]:
    """Why it did not end well, if it did not."""
    failure = record.failure
    return {"seqbench.failure": f"{failure.type}: {failure.message}"} if failure else {}


def milliseconds(record: CellRecord) -> tuple[int, int]:
    """Start and end; a record without a start (its worker died) starts when it ends."""
    end = math.floor(1000 * record.finished_at)
    return (math.floor(1000 * record.started_at) if record.started_at else end), end


def limited(values: Mapping[str, Any]) -> dict[str, str]:
    """Parameters within MLflow's limits."""
    return {metric_name(key): text_of(value)[:MAX_PARAM] for key, value in values.items()}


def limited_tags(values: Mapping[str, str]) -> dict[str, str]:
    """Tags within MLflow's limit."""
    return {key: value[:MAX_TAG] for key, value in values.items()}


def is_known(value: float | None) -> TypeGuard[float]:
    """Is there a value to be shown? What a task calls not a number is none."""
    return value is not None and not math.isnan(value)


def stored(value: float) -> float:
    """The value as MLflow stores it: infinity is the largest float, so that what is read back equals what is sent."""
    return max(-sys.float_info.max, min(sys.float_info.max, float(value)))


def text_of(value: Any) -> str:
    """Booleans and lists as JSON, so that they read the same in every run; text as it is."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
