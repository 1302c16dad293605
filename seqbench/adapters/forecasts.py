"""Scores of forecasts against the naive one, naive baselines, and checks that nothing was seen before its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench.adapters.scores import absolute_errors, mae, mean, real, rmse, scaled
from seqbench.spec import Output, TaskData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.adapters.windows import Windowed
    from seqbench.sequences import SequenceSet
    from seqbench.spec import Baseline, Metric, Predictor

    Outputs = NDArray[np.float64]


def scaled_errors(outputs: Outputs, split: SequenceSet) -> Outputs:
    """`float64[N]`: each window's mean absolute error over its series' mean naive error, weighted so that every series
    counts the same; their mean is the MASE.
    """
    _, which, counts = np.unique(split.extras["series"], return_inverse=True, return_counts=True)
    moves = np.abs(split.extras["actual"] - split.extras["last"][:, None]).mean(axis=1)
    naive = np.bincount(which, moves) / counts
    weights = len(which) / (len(counts) * counts)
    return np.asarray(absolute_errors(outputs, split) / naive[which] * weights[which])


def mase(outputs: Outputs, split: SequenceSet) -> float:
    """Mean absolute error over that of the last value repeated, on the same windows, mean over series; 1 is no better.

    After Hyndman & Koehler, "Another look at measures of forecast accuracy", International Journal of Forecasting 22
    (2006), with the naive error taken where the scores are.
    """
    return float(scaled_errors(outputs, split).mean())


def mae_at(place: int, outputs: Outputs, split: SequenceSet) -> float:
    """Mean absolute error at one horizon, by its place among them."""
    return float(np.abs(real(outputs, split)[:, place] - split.extras["actual"][:, place]).mean())


SCORES: Mapping[str, Callable[[Outputs, SequenceSet], Outputs]] = {"mase": scaled_errors, "mae": absolute_errors}


def metrics(horizons: Sequence[int]) -> dict[str, Metric]:
    """By name; with several horizons the error at each is among them."""
    found: dict[str, Metric] = {"mase": mase, "mae": mae, "rmse": rmse}
    if len(horizons) > 1:
        found |= {f"mae_h{step}": partial(mae_at, place) for place, step in enumerate(horizons)}
    return found


def naive(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """The window's last value, at every horizon."""
    return lambda split: scaled(np.repeat(split.extras["last"][:, None], output.size, axis=1), split)


def seasonal_naive(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """The last known value at the same place of the season; without a season, the last value."""
    if "seasonal" not in train.extras:
        return naive(train, validation, output)
    return lambda split: scaled(split.extras["seasonal"], split)


def baselines(*, has_season: bool) -> dict[str, Baseline]:
    """Of tasks of windows."""
    found: dict[str, Baseline] = {"naive": naive, "mean": mean}
    return {**found, "seasonal_naive": seasonal_naive} if has_season else found


def moments_are_in_one_split(data: TaskData) -> str:
    """No moment that is forecast is in two splits, and they follow each other."""
    from seqbench.adapters.windows import earliest, latest

    splits = [split for split in (data.train, data.validation, data.test) if len(split)]
    for one, other in pairwise(splits):
        (until, last), (since, first) = latest(one), earliest(other)
        if until >= since:
            return f"forecasts of one split reach to {last}, those of the next begin at {first}"
    return ""


def future_changes_no_training(table: Any, where: str, shape: Windowed, params: Any, who: str) -> str:
    """With every value after train's last moment another, the training windows are the same."""
    from seqbench.adapters.tables import times_of
    from seqbench.adapters.windows import cuts_of, series_in, windowed

    before = windowed(table, where, shape, params, who).train
    cut = cuts_of(series_in(table, where, shape), params, who)[0]
    times = times_of(table, shape.time, where)
    if shape.time is None and shape.group is not None:
        times = table.groupby(shape.group).cumcount().to_numpy()
    changed = table.copy()
    later = np.flatnonzero(times >= cut)
    noise = np.random.default_rng(0).normal(size=(len(later), len(shape.inputs)))
    for place, column in enumerate(shape.inputs):
        cells = np.array(changed[column], dtype=np.float64)
        cells[later] = cells[later] * 3 + noise[:, place] + 1
        changed[column] = cells
    after = windowed(changed, where, shape, params, who).train
    same = all(
        np.array_equal(getattr(before, name), getattr(after, name)) for name in ("values", "starts", "targets", "ids")
    )
    return "" if same else "training windows change with values that come after them"
