"""Results folders made without training: records with stored predictions of models of a known quality."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from seqbench.records import CellRecord, Costs
from seqbench.store import Store

LABELS = ("no", "yes")


def classified(
    results: Path, quality: Mapping[str, float], seeds: int = 3, examples: int = 300, task: str = "toy"
) -> Store:
    """Models that are right with a chance of `quality`; one called `majority` is a baseline and always says `no`."""
    store = Store(results)
    store.create()
    generator = np.random.default_rng(zlib.crc32(task.encode()))
    targets = generator.integers(0, 2, examples)
    hard = generator.normal(0, 0.15, examples)
    for model, chance in quality.items():
        is_baseline = model == "majority"
        for seed in range(1 if is_baseline else seeds):
            right = generator.random(examples) < chance + hard
            answers = np.zeros(examples, dtype=int) if is_baseline else np.where(right, targets, 1 - targets)
            lines = ["id,target,output_0,output_1,text"]
            lines += [
                f"test:{number},{target},{-answer}.5,{answer}.5,text number {number}"
                for number, (target, answer) in enumerate(zip(targets.tolist(), answers.tolist(), strict=True))
            ]
            record = made(task, model, seed, "accuracy", float((answers == targets).mean()), is_baseline=is_baseline)
            store.append(record, {"predictions.csv": ("\n".join(lines) + "\n").encode()})
    return store


def forecast(results: Path, sizes: Mapping[str, float], days: int = 250, task: str = "closes") -> Store:
    """Models whose errors have these sizes, three seeds each; the metric is the mean of the column `score`."""
    store = Store(results)
    store.create()
    generator = np.random.default_rng(1)
    dates = np.datetime64("2020-01-01") + np.arange(days)
    common = np.abs(generator.normal(1, 0.4, days))
    for model, size in sizes.items():
        for seed in range(3):
            scores = size * common * np.abs(generator.normal(1, 0.1, days))
            lines = ["id,target_0,output_0,score,date"]
            lines += [
                f"{date},1.0,{1 + score!r},{score!r},{date}" for date, score in zip(dates, scores.tolist(), strict=True)
            ]
            record = made(task, model, seed, "error", float(scores.mean()), higher_is_better=False)
            store.append(record, {"predictions.csv": ("\n".join(lines) + "\n").encode()})
    return store


def made(
    task: str,
    model: str,
    seed: int,
    metric: str,
    value: float,
    *,
    is_baseline: bool = False,
    higher_is_better: bool = True,
    labels: Sequence[str] = LABELS,
) -> CellRecord:
    """A finished cell's record."""
    return CellRecord(
        key=f"{task}-{model}-{seed}".ljust(64, "0"),
        series=f"{task}-{model}".ljust(64, "0"),
        task=task,
        source="builtin",
        task_id=f"{task}@builtin",
        model=model,
        label=model,
        is_baseline=is_baseline,
        seed=seed,
        status="ok",
        primary=metric,
        higher_is_better=higher_is_better,
        metrics={metric: value},
        costs=Costs(parameters=None if is_baseline else 1000 + len(model), fit_seconds=1.0 + seed, alone=False),
        folder=f"cells/{task}-{model}-{seed}",
        started_at=1.0,
        finished_at=2.0 + seed,
        device_kind="cpu",
        output={"kind": "classes", "labels": list(labels)},
    )
