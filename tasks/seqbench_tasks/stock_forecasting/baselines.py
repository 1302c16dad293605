"""Forecasts without a network: naive, drift, moving average, autoregression and ridge on the window.

Whatever is chosen (a window, an order, a penalty) is chosen by MASE on validation; without one, on the last fifth of
train, and then fitted again on all of train.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench_tasks.stock_forecasting.metrics import mase, outputs_from_closes, series_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench import Output, SequenceSet

    Predict = Callable[[SequenceSet], NDArray[np.float64]]
    Fit = Callable[[SequenceSet, float], Predict]

MOVING_AVERAGE_DAYS = (2, 3, 5, 10, 20, 30, 60)
AR_ORDERS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 60)
RIDGE_PENALTIES = tuple(float(10.0**power) for power in np.arange(-4.0, 6.5, 0.5))


def naive(_train: SequenceSet, _validation: SequenceSet, output: Output) -> Predict:
    """Every day ahead is the last close: the random walk's best forecast, MASE 1 by definition."""

    def predict(split: SequenceSet) -> NDArray[np.float64]:
        return outputs_from_closes(np.repeat(split.extras["last_close"][:, None], output.size, axis=1), split)

    return predict


def drift(train: SequenceSet, _validation: SequenceSet, output: Output) -> Predict:
    """The last close, growing by the mean log-return of the series' train days: a random walk with drift."""
    first_returns = np.log(train.extras["actual"][:, 0] / train.extras["last_close"])
    names = np.unique(train.extras["series"])
    means = np.array([first_returns[train.extras["series"] == name].mean() for name in names])

    def predict(split: SequenceSet) -> NDArray[np.float64]:
        own = means[np.searchsorted(names, split.extras["series"])]
        growth = np.exp(own[:, None] * np.arange(1, output.size + 1))
        return outputs_from_closes(split.extras["last_close"][:, None] * growth, split)

    return predict


def moving_average(train: SequenceSet, validation: SequenceSet, output: Output) -> Predict:
    """Every day ahead is the mean of the last few closes of the window; how few is chosen."""

    def fit(_: SequenceSet, days: float) -> Predict:
        def predict(split: SequenceSet) -> NDArray[np.float64]:
            mean = past_closes(split)[:, -int(days) :].mean(axis=1)
            return outputs_from_closes(np.repeat(mean[:, None], output.size, axis=1), split)

        return predict

    available = past_closes(train).shape[1]
    return _chosen(fit, [days for days in MOVING_AVERAGE_DAYS if days <= available] or [1], train, validation)


def ar(train: SequenceSet, validation: SequenceSet, output: Output) -> Predict:
    """Log-returns as a linear function of the last `order` log-returns, by least squares, one per day ahead.

    With a window that holds no past return (`look_back = 1` of closes) only the mean return is left, which is drift.
    """
    steps = output.size

    def fit(known: SequenceSet, order: float) -> Predict:
        weights = _weights(known)
        coefficients, *_ = np.linalg.lstsq(
            weights * _lagged_returns(known, int(order)), weights * _future_returns(known), rcond=None
        )

        def predict(split: SequenceSet) -> NDArray[np.float64]:
            returns = _lagged_returns(split, int(order)) @ coefficients
            closes = split.extras["last_close"][:, None] * np.exp(np.cumsum(returns.reshape(-1, steps), axis=1))
            return outputs_from_closes(closes, split)

        return predict

    available = past_closes(train).shape[1] - 1
    return _chosen(fit, [order for order in AR_ORDERS if order <= available] or [0], train, validation)


def ridge(train: SequenceSet, validation: SequenceSet, _output: Output) -> Predict:
    """A linear map from the whole window to the outputs, its squared weights penalised, the intercept free.

    Hoerl & Kennard, "Ridge regression", Technometrics 12 (1970); solved for every penalty from one decomposition.
    """

    def fit(known: SequenceSet, penalty: float) -> Predict:
        x, y = _flat_windows(known), known.targets.astype(np.float64)
        x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
        centred = x - x_mean
        gram = centred.T @ centred + penalty * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (y - y_mean))

        def predict(split: SequenceSet) -> NDArray[np.float64]:
            return np.asarray((_flat_windows(split) - x_mean) @ weights + y_mean)

        return predict

    return _chosen(fit, RIDGE_PENALTIES, train, validation)


def past_closes(split: SequenceSet) -> NDArray[np.float64]:
    """The closes up to each forecast's origin that its window knows, oldest first: `float64[N, days]`.

    `days` is look_back for windows of closes and look_back + 1 for windows of returns, which lead one day further back.
    """
    extras = split.extras
    column = _windows(split)[:, :, 0].astype(np.float64)
    values = column * extras["input_scale"][:, None] + extras["input_offset"][:, None]
    if not len(split) or bool(extras["input_is_level"][0]):
        # The last one is known exactly; the window has it rounded to float32.
        return np.concatenate([values[:, :-1], extras["last_close"][:, None]], axis=1)
    since = np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    before = extras["last_close"][:, None] * np.exp(-since)
    return np.concatenate([before, extras["last_close"][:, None]], axis=1)


def _chosen(fit: Fit, options: Iterable[Any], train: SequenceSet, validation: SequenceSet) -> Predict:
    """`fit(train, option)` for the option with the least MASE on validation, or on the last fifth of train."""
    known, held_out = (train, validation) if len(validation) else _tail_held_out(train)
    best = min(options, key=lambda option: mase(fit(known, option)(held_out), held_out))
    return fit(train, best)


def _tail_held_out(train: SequenceSet) -> tuple[SequenceSet, SequenceSet]:
    """The first and the last days of train, of a panel parted at one date for all series."""
    dates = train.extras["date"]
    is_known = dates < np.sort(dates)[len(train) - max(1, len(train) // 5)]
    return _rows(train, is_known), _rows(train, ~is_known)


def _rows(split: SequenceSet, rows: NDArray[np.bool_]) -> SequenceSet:
    return replace(
        split,
        starts=split.starts[rows],
        lengths=split.lengths[rows],
        targets=split.targets[rows],
        ids=split.ids[rows],
        extras={name: array[rows] for name, array in split.extras.items()},
    )


def _windows(split: SequenceSet) -> NDArray[np.float32]:
    """`[N, look_back, features]`: all windows of a split have one length."""
    length = int(split.lengths[0]) if len(split) else 0
    return np.asarray(split.values[split.starts[:, None] + np.arange(length)])


def _flat_windows(split: SequenceSet) -> NDArray[np.float64]:
    return _windows(split).reshape(len(split), -1).astype(np.float64)


def _lagged_returns(split: SequenceSet, order: int) -> NDArray[np.float64]:
    """The last `order` log-returns before each origin and a column of ones: `float64[N, order + 1]`."""
    returns = np.diff(np.log(past_closes(split)), axis=1)
    ones = np.ones((len(split), 1))
    return np.concatenate([returns[:, returns.shape[1] - order :], ones], axis=1)


def _weights(split: SequenceSet) -> NDArray[np.float64]:
    """`float64[N, 1]`: in a panel, restless series would decide the fit, so each is measured by its own deviation."""
    which, count = series_of(split)
    if count == 1:
        return np.ones((len(split), 1))
    returns = _future_returns(split)[:, 0]
    deviations = np.array([returns[which == number].std() for number in range(count)])
    return np.asarray(1.0 / np.maximum(deviations, 1e-12)[which][:, None])


def _future_returns(split: SequenceSet) -> NDArray[np.float64]:
    closes = np.log(split.extras["actual"])
    return np.diff(closes, axis=1, prepend=np.log(split.extras["last_close"][:, None]))
