"""Scores of single test examples, from stored predictions: what pairs of models are compared on. Needs no plugin."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqbench.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame as Table

    from seqbench.records import Outcome
    from seqbench.spec import TaskData

PREDICTIONS = "predictions.csv"
SCORE = "score"
"""The column with the task's own per-example scores."""

TOLERANCE = 1e-6
"""How near the mean of per-example scores must be to the recorded metric, relative to it."""

SMALLEST = 1e-6
"""A metric nearer to 0 than this is held to the tolerance of this size."""


@dataclass(frozen=True)
class ExampleScores:
    """The per-example scores of one cell, whose mean is its primary metric.

    values: `float64[examples]`; of a forecast `float64[moments]`, one value per moment, in the order of time.
    horizon: steps ahead of a forecast, 0 for classes. test_set: a digest of ids and targets; equal for equal test sets.
    """

    values: NDArray[np.float64]
    horizon: int
    test_set: str


def example_scores(outcome: Outcome, results: Path) -> ExampleScores | None:
    """Of a finished cell in a results folder; None where there are none that average to its primary metric.

    They are the task's own (column `score`), or what they must be when the metric is the share of right answers, the
    log loss, or the mean absolute or squared error of the outputs. Reading never fails: a damaged file gives None.
    """
    table = read_table(results / outcome.folder / PREDICTIONS)
    metric = outcome.metrics.get(outcome.primary)
    scores = None if table is None or metric is None else scores_in(table, metric)
    if table is None or scores is None:
        return None
    horizon = 0 if "target" in table else max(1, _count(table, "output_"))
    values = by_moment(scores, table["date"].to_numpy()) if horizon and "date" in table else scores
    return ExampleScores(values, horizon, _test_set(table))


def read_table(path: Path, more: Collection[str] = ()) -> Table | None:
    """Stored predictions: ids, targets, outputs and scores, and `more` columns where they are; None when damaged."""
    import pandas as pd

    wanted = {"id", "target", "date", SCORE, *more}
    try:
        names = pd.read_csv(path, nrows=0).columns
        chosen = [name for name in names if name in wanted or name.startswith(("target_", "output_"))]
        types = {name: str for name in ("id", "date", *more) if name in chosen}
        table = pd.read_csv(
            path,
            usecols=chosen,
            dtype=types,
            keep_default_na=False,
            na_values={SCORE: [""]},
        )
    except (OSError, ValueError):
        return None
    return table if len(table) and {"id", "output_0"} <= set(table.columns) else None


def outputs_of(table: Table, data: TaskData, path: Path) -> NDArray[np.float64]:
    """`float64[N, output.size]`. Raises DataError unless ids and targets are those of the test split, in its order."""
    test = data.test
    if table["id"].tolist() != [str(name) for name in test.ids.tolist()]:
        raise DataError(
            f"the examples in {path} are not those of the test split as it is prepared now ({len(table)} there, "
            f"{len(test)} here)."
        )
    names = ["target"] if test.targets.ndim == 1 else [f"target_{i}" for i in range(test.targets.shape[1])]
    outputs = [f"output_{index}" for index in range(data.output.size)]
    missing = [name for name in (*names, *outputs) if name not in table]
    if missing or f"output_{data.output.size}" in table:
        raise DataError(f"{path} has not one column per target and output of the task as it is now.")
    targets = table[names].to_numpy(dtype=test.targets.dtype).reshape(test.targets.shape)
    if not np.array_equal(targets, test.targets, equal_nan=test.targets.dtype.kind == "f"):
        raise DataError(f"the targets in {path} are not those of the test split as it is prepared now.")
    return np.ascontiguousarray(table[outputs].to_numpy(dtype=np.float64))


def _count(table: Table, prefix: str) -> int:
    return sum(name.startswith(prefix) for name in table.columns)


def average_to(scores: NDArray[np.float64], metric: float) -> bool:
    """Is their mean the metric, within what sums in another order may differ?"""
    return abs(float(scores.mean()) - metric) <= TOLERANCE * max(abs(metric), SMALLEST)


def scores_in(table: Table, metric: float) -> NDArray[np.float64] | None:
    """`float64[examples]`: the first candidate whose mean is the metric."""
    try:
        for scores in _candidates(table):
            if average_to(scores, metric):
                return scores
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return None


def _candidates(table: Table) -> list[NDArray[np.float64]]:
    outputs = table[[f"output_{index}" for index in range(_count(table, "output_"))]].to_numpy(dtype=np.float64)
    found = [table[SCORE].to_numpy(dtype=np.float64)] if SCORE in table else []
    if "target" in table:
        targets = table["target"].to_numpy(dtype=np.int64)
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        chosen = shifted[np.arange(len(targets)), targets] - np.log(np.exp(shifted).sum(axis=1))
        floor = np.log(np.finfo(np.float64).eps)
        return [*found, (outputs.argmax(axis=1) == targets).astype(np.float64), -np.maximum(chosen, floor), -chosen]
    names = [f"target_{index}" for index in range(_count(table, "target_"))]
    errors = outputs - table[names].to_numpy(dtype=np.float64)
    return [*found, np.abs(errors).mean(axis=1), np.square(errors).mean(axis=1)]


def by_moment(scores: NDArray[np.float64], dates: NDArray[Any]) -> NDArray[np.float64]:
    """One value per moment, in the order of time, whose mean is the mean of the scores.

    Several series of a panel on one day have what moves them all in common: they are one observation.
    """
    import pandas as pd

    when = pd.to_datetime(pd.Series(dates), format="ISO8601", errors="coerce", utc=True)
    keys = dates.astype(str) if bool(when.isna().any()) else when.to_numpy()
    moments, place = np.unique(keys, return_inverse=True)
    sums = np.bincount(place, weights=scores, minlength=len(moments))
    return np.asarray(sums * (len(moments) / len(scores)))


def _test_set(table: Table) -> str:
    targets = [name for name in table.columns if name == "target" or name.startswith("target_")]
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join(table["id"].astype(str)).encode())
    digest.update(np.ascontiguousarray(table[targets].to_numpy(dtype=np.float64)).tobytes())
    return digest.hexdigest()
