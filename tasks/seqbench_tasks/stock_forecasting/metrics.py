"""Scores on the reconstructed close, in the units of the price, from outputs and the facts kept per example.

The errors of a panel are scored series by series, and the score is the mean over the series, each with the same weight
whatever its price and its number of days; directions have no scale and are counted over all series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from seqbench import SequenceSet

NO_CHANGE = 1e-9
"""A forecast nearer to the last close than this fraction of it has no direction (rounding of the scaler)."""


def closes_from_outputs(outputs: NDArray[np.float64], split: SequenceSet) -> NDArray[np.float64]:
    """The forecast closes `float64[N, horizon]` of scaled outputs: log-returns are summed up from the last close."""
    extras = split.extras
    is_level = len(split) > 0 and bool(extras["is_level"][0])
    scale, offset, last = (extras[name][:, None] for name in ("scale", "offset", "last_close"))
    return closes(np.asarray(outputs, dtype=np.float64) * scale + offset, last, is_level=is_level)


def closes(values: NDArray[np.float64], last: NDArray[np.float64], *, is_level: bool) -> NDArray[np.float64]:
    """Closes `float64[N, horizon]` of unscaled outputs, which are closes themselves (`is_level`) or log-returns.

    last: the last close of each window, `float64[N, 1]`.
    """
    if is_level:
        return np.asarray(values)
    # An untrained model may put out anything: beyond e^±50 only infinities would be added.
    return np.asarray(last * np.exp(np.clip(np.cumsum(values, axis=1), -50.0, 50.0)))


def outputs_from_closes(closes: NDArray[np.float64], split: SequenceSet) -> NDArray[np.float64]:
    """The scaled outputs that stand for forecast `closes: float64[N, horizon]`; undoes `closes_from_outputs`."""
    extras = split.extras
    if len(split) and bool(extras["is_level"][0]):
        values = closes
    else:
        values = np.diff(np.log(closes), axis=1, prepend=np.log(extras["last_close"][:, None]))
    return np.asarray((values - extras["offset"][:, None]) / extras["scale"][:, None])


def series_of(split: SequenceSet) -> tuple[NDArray[np.intp], int]:
    """The number of each example's series, from 0, and how many series there are."""
    names = split.extras["series"]
    if not len(names) or bool((names == names[0]).all()):
        return np.zeros(len(names), dtype=np.intp), 1
    found, which = np.unique(names, return_inverse=True)
    return which, len(found)


def by_series(values: NDArray[np.float64], split: SequenceSet) -> NDArray[np.float64]:
    """The mean of `values: float64[N, ...]` over each series' examples: `float64[series]`."""
    which, count = series_of(split)
    if count == 1:
        return np.array([values.mean()])
    rows = values.reshape(len(values), -1).mean(axis=1)
    return np.asarray(np.bincount(which, rows, count) / np.bincount(which, minlength=count))


def mase(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Mean absolute error over that of the naive forecast (the last close) on the same days; below 1 is better.

    After Hyndman & Koehler, "Another look at measures of forecast accuracy", International Journal of Forecasting
    22 (2006), with the naive error taken on the days that are scored instead of on the training days, so that 1 means
    "no better than repeating the last close" whatever the volatility of the period.
    """
    return float((by_series(np.abs(_errors(outputs, split)), split) / by_series(np.abs(_moves(split)), split)).mean())


def scaled_errors(outputs: NDArray[np.float64], split: SequenceSet) -> NDArray[np.float64]:
    """`float64[N]`: each window's mean absolute error over its series' mean naive error, weighted so that every series
    counts the same; their mean is the MASE.
    """
    which, count = series_of(split)
    naive = by_series(np.abs(_moves(split)), split)[which]
    weights = len(which) / (count * np.bincount(which, minlength=count)[which])
    return np.asarray(np.abs(_errors(outputs, split)).mean(axis=1) / naive * weights)


def mae(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Mean absolute error of the close, in the units of the price."""
    return float(by_series(np.abs(_errors(outputs, split)), split).mean())


def rmse(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Root mean squared error of the close, in the units of the price."""
    return float(np.sqrt(by_series(np.square(_errors(outputs, split)), split)).mean())


def skill(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """1 - MSE / MSE(naive): 0 for the last close repeated, 1 for a perfect forecast, negative for a worse one."""
    naive = by_series(np.square(_moves(split)), split)
    return float((1.0 - by_series(np.square(_errors(outputs, split)), split) / naive).mean())


def smape(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """Symmetric mean absolute percentage error, 0 to 200 %, as in the M4 competition (Makridakis et al., 2020)."""
    actual = split.extras["actual"]
    spread = np.abs(actual) + np.abs(closes_from_outputs(outputs, split))
    return float(200.0 * by_series(np.abs(_errors(outputs, split)) / spread, split).mean())


def directional_accuracy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    """How often the forecast is on the right side of the last close, over the days on which the close changed.

    A forecast of no change counts as a coin's toss, one half, so that naive scores 0.5.
    """
    last = split.extras["last_close"][:, None]
    change = split.extras["actual"] - last
    forecast = closes_from_outputs(outputs, split) - last
    forecast = np.where(np.abs(forecast) <= NO_CHANGE * last, 0.0, forecast)
    credit = 0.5 * (1.0 + np.sign(forecast) * np.sign(change))
    return float(credit[change != 0].mean())


def predictions(outputs: NDArray[np.float64], split: SequenceSet) -> Mapping[str, NDArray[Any]]:
    """Columns for the stored predictions: `date` (of the first day ahead), `last_close`, `actual`, `predicted`.

    A panel has `series` before them. `actual` and `predicted` are the first day ahead; with a longer horizon,
    `actual_1`, `predicted_1` and so on follow.
    """
    extras = split.extras
    closes = closes_from_outputs(outputs, split)
    columns = {} if series_of(split)[1] == 1 else {"series": extras["series"]}
    columns |= {
        "date": extras["date"],
        "last_close": extras["last_close"],
        "actual": extras["actual"][:, 0],
        "predicted": closes[:, 0],
    }
    if closes.shape[1] > 1:
        for step in range(closes.shape[1]):
            columns[f"actual_{step + 1}"] = extras["actual"][:, step]
            columns[f"predicted_{step + 1}"] = closes[:, step]
    return columns


def _errors(outputs: NDArray[np.float64], split: SequenceSet) -> NDArray[np.float64]:
    return np.asarray(closes_from_outputs(outputs, split) - split.extras["actual"])


def _moves(split: SequenceSet) -> NDArray[np.float64]:
    """The errors of the naive forecast: `float64[N, horizon]`."""
    return np.asarray(split.extras["actual"] - split.extras["last_close"][:, None])
