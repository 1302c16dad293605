"""How sure a score is, and whether a forecast is a copy: intervals, the Diebold-Mariano test, the last close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqbench_tasks.stock_forecasting.metrics import (
    NO_CHANGE,
    closes_from_outputs,
    directional_accuracy,
    series_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench import SequenceSet

CONFIDENCE = 0.95
COPY = 0.9
"""A forecast whose changes follow those of the last close this closely is a copy of it."""
LARGEST_STATISTIC = 1e6
"""In place of infinity, for a difference that is the same on all days: records are JSON."""


def directional_accuracy_low(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """The lower end of the exact 95 % binomial interval of the directional accuracy."""
    return _directional_interval(outputs, split)[0]


def directional_accuracy_high(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """The upper end of the exact 95 % binomial interval of the directional accuracy."""
    return _directional_interval(outputs, split)[1]


def _directional_interval(outputs: NDArray[np.float64], split: SequenceSet) -> tuple[float, float]:
    """After Clopper & Pearson, Biometrika 26 (1934), as quantiles of the beta distribution.

    The number of trials is the number of forecast days on which a close changed. Days that several steps of a horizon
    or several series of a panel share count once: what moves one of them moves the others, too.
    """
    from scipy.special import betaincinv  # scipy.stats takes seconds to import

    has_changed = np.any(split.extras["actual"] != split.extras["last_close"][:, None], axis=1)
    trials = len(np.unique(split.extras["date"][has_changed]))
    hits = directional_accuracy(outputs, split) * trials
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return low, high


def dm_statistic(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """The Diebold-Mariano statistic against the naive forecast; negative when the forecast is better.

    See `diebold_mariano`. The loss is the squared error of the close, averaged over the days of the horizon. Of a
    panel, each series' losses are divided by its mean naive loss and averaged by day, so that the test has one number
    per day whatever the series have in common.
    """
    return diebold_mariano(_differences(outputs, split), outputs.shape[1])[0]


def dm_p_value(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """The two-sided p-value of `dm_statistic`; 1 for a forecast that is the naive one."""
    return diebold_mariano(_differences(outputs, split), outputs.shape[1])[1]


def diebold_mariano(differences: NDArray[np.float64], horizon: int) -> tuple[float, float]:
    """Statistic and two-sided p-value of the hypothesis that two forecasts have the same expected loss.

    differences: `float64[T]`, loss of the one minus loss of the other, in the order of time.
    Diebold & Mariano, "Comparing predictive accuracy", JBES 13 (1995), with `horizon - 1` autocovariances, and the
    correction and Student's t with T - 1 degrees of freedom of Harvey, Leybourne & Newbold, "Testing the equality of
    prediction mean squared errors", IJF 13 (1997). Where these autocovariances give no positive variance, they are
    weighted down linearly (Bartlett), which always does.
    """
    from scipy.special import stdtr

    count, mean = len(differences), float(differences.mean()) if len(differences) else 0.0
    lags = min(horizon, count) - 1
    if count < 2 or not np.any(differences != 0):
        return 0.0, 1.0
    centred = differences - mean
    covariances = np.array([centred[lag:] @ centred[: count - lag] / count for lag in range(lags + 1)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    # What rounding leaves of equal numbers is no variance.
    smallest = (1e-12 * float(np.abs(differences).max())) ** 2
    if variance <= smallest:
        variance = covariances[0] + 2 * ((1 - np.arange(1, lags + 1) / (lags + 1)) * covariances[1:]).sum()
    if variance <= smallest:
        return (float(np.sign(mean)) * LARGEST_STATISTIC, 0.0) if mean else (0.0, 1.0)
    correction = max(0.0, (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count)
    statistic = float(np.sqrt(correction) * mean / np.sqrt(variance / count))
    statistic = float(np.clip(statistic, -LARGEST_STATISTIC, LARGEST_STATISTIC))
    return statistic, float(2 * stdtr(count - 1, -abs(statistic)))


def _differences(outputs: NDArray[np.float64], split: SequenceSet) -> NDArray[np.float64]:
    """Loss of the forecast minus that of naive, by day: exactly 0 where the forecast is the naive one."""
    last, actual = split.extras["last_close"][:, None], split.extras["actual"]
    closes = closes_from_outputs(outputs, split)
    closes = np.where(np.abs(closes - last) <= NO_CHANGE * last, last, closes)
    naive = np.square(actual - last).mean(axis=1)
    differences = np.square(actual - closes).mean(axis=1) - naive
    which, count = series_of(split)
    if count > 1:
        differences = differences / (np.bincount(which, naive) / np.bincount(which))[which]
    days, place = np.unique(split.extras["date"], return_inverse=True)
    return np.asarray(np.bincount(place, differences, len(days)) / np.bincount(place, minlength=len(days)))


def lag_copy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """How far the forecast is the last close repeated: 1 for a full copy, about 0 for one that is none.

    The correlation of the forecast's changes from one day to the next with those of the last close that it was made
    from, 0 when negative: the cross-correlation of forecast and series at lag one. Neither a bias nor a forecast whose
    swings are too small hides a copy. Of a horizon it is the first day; of a panel the mean over the series. An honest
    forecast of a price that cannot be forecast is near 1 as well: it is in effect the last close.
    """
    return float(np.maximum(0.0, _followed(outputs, split, of_last=True)).mean())


def lag_copy_warning(outputs: NDArray[np.float64], split: SequenceSet) -> str:
    """A sentence that says so when a forecast is the last close repeated; empty when it is not."""
    copied = lag_copy(outputs, split)
    foreseen = float(_followed(outputs, split, of_last=False).mean())
    if copied < COPY or foreseen >= copied:
        return ""
    return (
        f"the forecast is the last close repeated: its changes from day to day follow those of the last close "
        f"(correlation {copied:.2f}), not those of the close that it forecasts (correlation {foreseen:.2f})"
    )


def remarks(outputs: NDArray[np.float64], split: SequenceSet) -> list[str]:
    """What a reader of the scores should know of the forecast."""
    return [sentence for sentence in (lag_copy_warning(outputs, split),) if sentence]


def _followed(outputs: NDArray[np.float64], split: SequenceSet, *, of_last: bool) -> NDArray[np.float64]:
    """By series, the correlation of the forecast's changes with those of the last or of the actual close."""
    forecast = closes_from_outputs(outputs, split)[:, 0]
    last, actual = split.extras["last_close"], split.extras["actual"][:, 0]
    which, count = series_of(split)
    found = np.zeros(count)
    for number in range(count):
        rows = np.flatnonzero(which == number)
        rows = rows[np.argsort(split.extras["date"][rows], kind="stable")]
        is_copy = bool(np.all(np.abs(forecast[rows] - last[rows]) <= NO_CHANGE * last[rows]))
        if is_copy and of_last:
            found[number] = 1.0
        else:
            found[number] = _correlation(np.diff(forecast[rows]), np.diff((last if of_last else actual)[rows]))
    return found


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """0 where either does not vary: what stands still follows nothing."""
    if len(one) < 2:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt(one @ one) * np.sqrt(other @ other))
    return float(np.clip(one @ other / size, -1.0, 1.0)) if size > 0 and np.isfinite(size) else 0.0
