"""Look-back windows over one price series: chronological splits, scalers of train, slices of one flat buffer.

Examples belong to the split that all their target days are in. The *inputs* of the first validation and test windows
reach back into the days before their split, as they would for somebody forecasting on that morning; never the other
way: nothing from after a forecast's origin is in its input, and no target day is in two splits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import DataError, Dense, Forecast, SequenceSet, TaskData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench_tasks.stock_forecasting.params import StockParams
    from seqbench_tasks.stock_forecasting.reader import PriceSeries

FEWEST_TARGET_DAYS = 30
"""A split needs look_back and this many days more: a mean absolute error over fewer says nothing."""
SPLIT_NAMES = ("train", "validation", "test")
LISTED_DROPPED = 100


@dataclass(frozen=True)
class Scaler:
    """`scaled = (value - offset) / scale`."""

    offset: float
    scale: float

    @classmethod
    def fit(cls, values: NDArray[np.float64], kind: str) -> Scaler:
        """Zero mean and unit deviation (`standard`) or 0 to 1 (`minmax`) over `values: float64[days]`."""
        if kind == "standard":
            return cls(float(values.mean()), float(values.std()))
        return cls(float(values.min()), float(values.max() - values.min()))

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values in units of the scaler."""
        return (values - self.offset) / self.scale


@dataclass(frozen=True)
class _Scaled:
    """Every day of the series, scaled. Column 0 of `inputs` is always made of the price that is forecast."""

    inputs: NDArray[np.float32]  # [days, features]; rows before first_day are unused
    targets: NDArray[np.float32]  # [days]
    input_scaler: Scaler  # of column 0
    target_scaler: Scaler
    first_day: int  # 1 where a day needs the one before it


def make_windows(series: PriceSeries, params: StockParams) -> TaskData:
    """Windows of `look_back` days with the next `horizon` days as targets, in three splits.

    Raises DataError when a split is too short or a price never changes.
    """
    bounds = _bounds(series, params)
    scaled = _scale(series, params, bounds[1])
    splits = [_split(series, scaled, params, *bounds[place : place + 2]) for place in range(3)]
    for name, split in zip(SPLIT_NAMES, splits, strict=True):
        if len(split) and not np.any(split.extras["actual"] != split.extras["last_close"][:, None]):
            raise DataError(f"the price of {series.path} never changes in {name}: give a series that is traded")
    return TaskData(
        input=Dense(scaled.inputs.shape[1]),
        output=Forecast(params.horizon),
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        notes=_notes(series, params, scaled, bounds),
    )


def _bounds(series: PriceSeries, params: StockParams) -> tuple[int, int, int, int]:
    """The first day of train, validation and test, and the end."""
    count = len(series)
    if params.split_dates is not None:
        first, second = (int(np.searchsorted(series.days, np.datetime64(day, "s"))) for day in params.split_dates)
    else:
        train, validation, _ = params.splits
        first, second = round(count * train), round(count * (train + validation))
    bounds = (0, first, second, count)
    needed = params.look_back + FEWEST_TARGET_DAYS + params.horizon - 1
    for place, name in enumerate(SPLIT_NAMES):
        days = bounds[place + 1] - bounds[place]
        is_left_out = name == "validation" and days == 0 and (params.split_dates is not None or params.splits[1] == 0)
        if days < needed and not is_left_out:
            raise DataError(
                f"{series.path} has {count} usable rows, of which {days} are {name}, fewer than the {needed} that "
                f"look_back = {params.look_back} and {FEWEST_TARGET_DAYS} target days need: give a longer series, a "
                "shorter look_back or other splits"
            )
    return bounds


def _scale(series: PriceSeries, params: StockParams, train_end: int) -> _Scaled:
    columns = _features(series, params)
    returns = _log_returns(series.price)
    target = series.price if params.target == "close" else returns
    first_day = 0 if params.inputs == "close" else 1
    scalers = [_fit(column[first_day:train_end], series, name, params) for name, column in columns.items()]
    first_target = 0 if params.target == "close" else 1
    target_scaler = _fit(target[first_target:train_end], series, params.target, params)
    inputs = [scaler.apply(column) for scaler, column in zip(scalers, columns.values(), strict=True)]
    return _Scaled(
        np.stack(inputs, axis=1).astype(np.float32),
        target_scaler.apply(target).astype(np.float32),
        scalers[0],
        target_scaler,
        first_day,
    )


def _fit(values: NDArray[np.float64], series: PriceSeries, name: str, params: StockParams) -> Scaler:
    scaler = Scaler.fit(values, params.scaler)
    if not scaler.scale > 0:
        raise DataError(f"the {name} of {series.path} never changes in train: give a series that is traded")
    return scaler


def _features(series: PriceSeries, params: StockParams) -> dict[str, NDArray[np.float64]]:
    """The inputs per day before scaling, the price's own first.

    ohlcv is given as log-ratios (to the same day's unadjusted close; volume to the day before), so that a price far
    above the train range is no stranger, and dividends and splits in an adjusted price do no harm.
    """
    if params.inputs == "close":
        return {"close": series.price}
    features = {"return": _log_returns(series.price)}
    if params.inputs == "ohlcv":
        close = series.columns["close"]
        features.update({name: np.log(series.columns[name] / close) for name in ("open", "high", "low")})
        if "volume" in series.columns:
            features["volume"] = np.diff(np.log1p(series.columns["volume"]), prepend=0.0)
    return features


def _log_returns(price: NDArray[np.float64]) -> NDArray[np.float64]:
    """`log(price[t] / price[t - 1])`, 0 for the first day, which has none and is never used."""
    return np.diff(np.log(price), prepend=np.log(price[:1]))


def _split(series: PriceSeries, scaled: _Scaled, params: StockParams, begin: int, end: int) -> SequenceSet:
    """The examples whose target days all lie in `begin <= day < end`; the buffer holds no day after them."""
    look_back, horizon = params.look_back, params.horizon
    first = np.arange(max(begin, look_back + scaled.first_day), max(begin, end - horizon + 1), dtype=np.int64)
    days = first[:, None] + np.arange(horizon)
    count = len(first)
    origin = int(first[0]) - look_back if count else begin
    names = series.day_names()[first]
    constants: dict[str, tuple[float | bool, Any]] = {
        "scale": (scaled.target_scaler.scale, np.float64),
        "offset": (scaled.target_scaler.offset, np.float64),
        "is_level": (params.target == "close", np.bool_),
        "input_scale": (scaled.input_scaler.scale, np.float64),
        "input_offset": (scaled.input_scaler.offset, np.float64),
        "input_is_level": (params.inputs == "close", np.bool_),
    }
    return SequenceSet(
        values=scaled.inputs[origin:end] if count else scaled.inputs[:0],
        starts=first - look_back - origin,
        lengths=np.full(count, look_back, dtype=np.int64),
        targets=scaled.targets[days],
        ids=names,
        extras={
            "date": names,
            "last_close": series.price[first - 1],
            "actual": series.price[days],
            **{name: np.full(count, value, dtype=kind) for name, (value, kind) in constants.items()},
        },
    )


def _notes(
    series: PriceSeries, params: StockParams, scaled: _Scaled, bounds: tuple[int, int, int, int]
) -> dict[str, Any]:
    names = series.day_names()
    ranges = {
        name: [str(names[begin]), str(names[end - 1])] if end > begin else []
        for name, begin, end in zip(SPLIT_NAMES, bounds, bounds[1:], strict=False)
    }
    target, inputs = scaled.target_scaler, scaled.input_scaler
    return {
        "series": series.name,
        "price_column": series.column,
        "rows_read": series.rows,
        "rows_dropped": len(series.dropped),
        "dropped": list(series.dropped[:LISTED_DROPPED]),
        "trading_days": len(series),
        "date_ranges": ranges,
        "target": params.target,
        "features": params.inputs,
        "scaler": {
            "kind": params.scaler,
            "target": {"offset": target.offset, "scale": target.scale},
            "input": {"offset": inputs.offset, "scale": inputs.scale},
        },
    }
