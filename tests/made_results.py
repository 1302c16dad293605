"""Results folders of made-up records, written through the real store: what tests of pages read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench.records import CellRecord, Costs, EpochRecord, Failure
from seqbench.store import Store

LABELS = ("down", "left", "off", "right", "up")
SKILLS = {"gru": 0.86, "lstm": 0.85, "rnn": 0.62, "majority": 0.2}
BASELINES = ("majority",)
ENVIRONMENT = {
    "cores": 8,
    "cpu": "A Processor",
    "device": "cpu",
    "devices": [{"id": "cpu", "memory_bytes": 2**34, "name": "A Processor"}],
    "memory_bytes": 2**34,
    "numpy": "2.0.0",
    "python": "3.12.1",
    "system": "Linux-6.1",
    "torch": "2.11.0",
}
Change = Callable[[CellRecord], CellRecord]


def a_record(task: str, label: str, seed: int, **changed: Any) -> CellRecord:
    """A finished cell of a classification task."""
    model = label.partition("[")[0]
    is_baseline = model in BASELINES
    series = hashlib.sha256(f"{task} {label}".encode()).hexdigest()
    key = hashlib.sha256(f"{series} {seed}".encode()).hexdigest()
    generator = np.random.default_rng(int(key[:8], 16))
    score = float(np.mean(_right(SKILLS.get(model, 0.5), seed)))
    known: dict[str, Any] = {
        "key": key,
        "series": series,
        "task": task,
        "source": "builtin",
        "task_id": f"{task}@builtin",
        "model": model,
        "label": label,
        "is_baseline": is_baseline,
        "seed": seed,
        "status": "ok",
        "primary": "accuracy",
        "higher_is_better": True,
        "metrics": {"accuracy": score, "log_loss": 1 - score},
        "costs": _costs(score, is_baseline),
        "folder": f"cells/{key[:24]}",
        "started_at": 1_700_000_000.0 + seed,
        "finished_at": 1_700_000_100.0 + seed,
        "device_kind": "cpu",
        "history": () if is_baseline else tuple(_history(score, 8 + seed % 3, generator)),
        "best_epoch": None if is_baseline else 6,
        "output": {"kind": "classes", "labels": list(LABELS)},
        "configuration": {} if is_baseline else {"hidden_size": 32},
        "parameters": {"model": {"dropout": 0.0}, "task": {"look_back": 30}, "trainer": {"max_epochs": 12}},
        "environment": ENVIRONMENT,
        "provenance": {"seqbench": "0.1.0", "protocol": 1, "location": "builtin"},
        "data": {"fingerprint": "f" * 64, "sizes": [800, 100, 200], "notes": {"warnings": []}},
    }
    return CellRecord(**{**known, **changed})


def _right(skill: float, seed: int, count: int = 60) -> NDArray[np.bool_]:
    """Which of the test examples a model of that skill gets right."""
    return np.random.default_rng(seed).random(count) < skill


def _costs(score: float, is_baseline: bool) -> Costs:
    if is_baseline:
        return Costs(fit_seconds=0.001, peak_memory_bytes=2**28, alone=False)
    return Costs(
        parameters=int(1e5 * score),
        macs=int(1e6 * score),
        peak_memory_bytes=int(2**29 * score),
        fit_seconds=10 * score,
        examples_per_second=1000.0,
        latency_p50_ms=score,
        latency_p95_ms=2 * score,
        batch_latency_p50_ms=9 * score,
        batch_latency_p95_ms=12 * score,
        batch_size=64,
        alone=False,
    )


def _history(score: float, epochs: int, generator: np.random.Generator) -> Iterator[EpochRecord]:
    for epoch in range(1, epochs + 1):
        loss = 2.0 / epoch + 0.05 * float(generator.random())
        metric = score * (1 - 0.5 / epoch)
        yield EpochRecord(epoch, loss, loss * 1.1, metric, 1.0, 0.001, 0.5)


def predictions(record: CellRecord) -> bytes:
    """A classifier's stored predictions; a wrong answer is the next class."""
    size = len(record.output["labels"])
    right = _right(SKILLS.get(record.model, 0.5), record.seed)
    targets = np.arange(len(right)) % size
    answers = np.where(right, targets, (targets + 1) % size)
    lines = [",".join(["id", "target", *(f"output_{place}" for place in range(size))])]
    for place, (target, answer) in enumerate(zip(targets, answers, strict=True)):
        outputs = ["1.0" if one == answer else "0.0" for one in range(size)]
        lines.append(",".join([f"e{place}", str(target), *outputs]))
    return ("\n".join(lines) + "\n").encode()


def forecasts(record: CellRecord, count: int = 300) -> bytes:
    """A forecaster's stored predictions: a walk, and tomorrow's close with an error of its own."""
    generator = np.random.default_rng(7)
    close = 100 + np.cumsum(generator.standard_normal(count + 1))
    error = 0.3 * np.random.default_rng(len(record.label)).standard_normal(count)
    days = np.datetime64("2020-01-01") + np.arange(count)
    rows = [
        f"{day},{actual / 100:.5f},{(actual + miss) / 100:.5f},{day},{last:.4f},{actual:.4f},{actual + miss:.4f}"
        for day, last, actual, miss in zip(days, close, close[1:], error, strict=False)
    ]
    return "\n".join(["id,target_0,output_0,date,last_close,actual,predicted", *rows, ""]).encode()


def failed(record: CellRecord, message: str = "no such layer", traceback: str = "Traceback ...") -> CellRecord:
    """The same cell, without a result."""
    failure = Failure("ValueError", message, traceback)
    return replace(record, status="failed", metrics={}, history=(), best_epoch=None, failure=failure, costs=Costs())


def forecasting(record: CellRecord) -> CellRecord:
    """The same cell of a forecasting task, where lower is better."""
    score = 1.0 + 0.01 * len(record.label) + 0.001 * record.seed
    output = {"kind": "forecast", "values": 1}
    return replace(record, primary="mase", higher_is_better=False, metrics={"mase": score, "mae": score}, output=output)


def write_results(
    folder: Path,
    tasks: Sequence[str] = ("words", "reviews"),
    models: Sequence[str] = ("gru", "lstm", "rnn", "majority"),
    seeds: int = 3,
    change: Change | None = None,
    with_predictions: bool = True,
) -> Path:
    """A results folder with a cell for every task, model and seed; gives the folder."""
    store = Store(folder)
    store.create()
    for task in tasks:
        for model in models:
            for seed in range(1 if model in BASELINES else seeds):
                record = a_record(task, model, seed)
                record = change(record) if change else record
                store.append(record, _files(record) if with_predictions else {})
    return folder


def _files(record: CellRecord) -> dict[str, bytes]:
    if record.status != "ok":
        return {}
    made = predictions if record.output["kind"] == "classes" else forecasts
    return {"predictions.csv": made(record)}
