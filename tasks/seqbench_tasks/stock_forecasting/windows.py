"""Look-back windows over price series: chronological splits, scalers of train, slices of one flat buffer.

Examples belong to the split that all their target days are in. The *inputs* of the first validation and test windows
reach back into the days before their split, as they would for somebody forecasting on that morning; never the other
way: nothing from after a forecast's origin is in its input, and no target day is in two splits.

A panel of several series has one calendar, all days of all series, and is cut at two dates of it: were each series cut
at its own fraction, the train days of one would tell what happened on the test days of another. Windows never cross
series, and each series has a scaler of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import DataError, Dense, Forecast, SequenceSet, TaskData
from seqbench_tasks.stock_forecasting.notes import notes_of
from seqbench_tasks.stock_forecasting.served import raw_examples_of, state_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench_tasks.stock_forecasting.params import StockParams
    from seqbench_tasks.stock_forecasting.reader import PriceSeries

FEWEST_TARGET_DAYS = 30
"""A split needs look_back and this many days more: a mean absolute error over fewer says nothing."""
SPLIT_NAMES = ("train", "validation", "test")
LARGEST_SHORT_FRACTION = 0.05
"""In a panel, more series too short for a split than this say that the splits are wrong for it."""


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
class Scaled:
    """Every day of a series, scaled. Column 0 of `inputs` is always made of the price that is forecast."""

    series: PriceSeries
    bounds: tuple[int, int, int, int]  # the first day of train, validation and test, and the end
    inputs: NDArray[np.float32]  # [days, features]; rows before first_day are unused
    targets: NDArray[np.float32]  # [days]
    input_scalers: tuple[Scaler, ...]  # one per feature
    target_scaler: Scaler
    first_day: int  # 1 where a day needs the one before it

    @property
    def input_scaler(self) -> Scaler:
        """That of column 0."""
        return self.input_scalers[0]

    def first_targets(self, params: StockParams, place: int) -> NDArray[np.int64]:
        """The first target day of each example of a split (0 train, 1 validation, 2 test)."""
        begin, end = self.bounds[place : place + 2]
        first = max(begin, params.look_back + self.first_day)
        return np.arange(first, max(begin, end - params.horizon + 1), dtype=np.int64)


def make_windows(panel: Sequence[PriceSeries], params: StockParams) -> TaskData:
    """Windows of `look_back` days with the next `horizon` days as targets, in three splits.

    Raises DataError when a split is too short or a price never changes.
    """
    cuts = cut_days(panel, params)
    fit, short = _long_enough(panel, cuts, params)
    is_panel = len(panel) > 1
    has_volume = all("volume" in series.columns for series, _ in fit)
    scaled = [_scale(series, params, bounds, has_volume=has_volume) for series, bounds in fit]
    splits = [_joined([_split(one, params, place, is_panel=is_panel) for one in scaled]) for place in range(3)]
    return TaskData(
        input=Dense(scaled[0].inputs.shape[1]),
        output=Forecast(params.horizon),
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        notes=notes_of(scaled, params, splits, short),
        state=state_of(scaled, params, has_volume=has_volume),
        raw_examples=raw_examples_of(scaled, params, splits[2]),
    )


def cut_days(panel: Sequence[PriceSeries], params: StockParams) -> tuple[np.datetime64, np.datetime64]:
    """The first day of validation and of test, the same for every series; the day after the last for none."""
    if params.split_dates is not None:
        first, second = (np.datetime64(day, "s") for day in params.split_dates)
        return first, second
    calendar = np.unique(np.concatenate([series.days for series in panel]))
    days = np.append(calendar, calendar[-1:] + np.timedelta64(1, "s"))
    train, validation, _ = params.splits
    return days[round(len(calendar) * train)], days[round(len(calendar) * (train + validation))]


def _long_enough(
    panel: Sequence[PriceSeries], cuts: tuple[np.datetime64, np.datetime64], params: StockParams
) -> tuple[list[tuple[PriceSeries, tuple[int, int, int, int]]], list[str]]:
    """The series with enough days in every split, with the bounds of these, and a sentence about each other one.

    Raises DataError when that leaves out more than 5 % of them, or any when strict.
    """
    fit: list[tuple[PriceSeries, tuple[int, int, int, int]]] = []
    short: list[str] = []
    for series in panel:
        first, second = (int(place) for place in np.searchsorted(series.days, np.array(cuts)))
        bounds = (0, first, second, len(series))
        problem = _too_short(series, bounds, params, is_panel=len(panel) > 1)
        if problem:
            short.append(problem)
        else:
            fit.append((series, bounds))
    if len(short) > (0 if params.strict else LARGEST_SHORT_FRACTION) * len(panel):
        advice = "give a longer series, a shorter look_back or other splits"
        if len(panel) > 1:
            advice = (
                f"{len(short)} of {len(panel)} series are too short: choose others with ticker or column, a shorter "
                "look_back or other splits (split_dates, say)"
            )
        raise DataError(f"{short[0]}: {advice}")
    return fit, [f"{problem}: it was left out" for problem in short]


def _too_short(series: PriceSeries, bounds: tuple[int, int, int, int], params: StockParams, *, is_panel: bool) -> str:
    needed = params.look_back + FEWEST_TARGET_DAYS + params.horizon - 1
    for place, name in enumerate(SPLIT_NAMES):
        days = bounds[place + 1] - bounds[place]
        is_left_out = name == "validation" and days == 0 and (params.split_dates is not None or params.splits[1] == 0)
        if days < needed and not is_left_out:
            who = f"'{series.name}' of {series.path}" if is_panel else series.path
            return (
                f"{who} has {len(series)} usable rows, of which {days} are {name}, fewer than the {needed} that "
                f"look_back = {params.look_back} and {FEWEST_TARGET_DAYS} target days need"
            )
    return ""


def _scale(series: PriceSeries, params: StockParams, bounds: tuple[int, int, int, int], *, has_volume: bool) -> Scaled:
    train_end = bounds[1]
    columns = features_of(series, params, has_volume=has_volume)
    returns = _log_returns(series.price)
    target = series.price if params.target == "close" else returns
    first_day = days_before(params)
    scalers = [_fit(column[first_day:train_end], series, name, params) for name, column in columns.items()]
    first_target = 0 if params.target == "close" else 1
    target_scaler = _fit(target[first_target:train_end], series, params.target, params)
    inputs = [scaler.apply(column) for scaler, column in zip(scalers, columns.values(), strict=True)]
    return Scaled(
        series,
        bounds,
        np.stack(inputs, axis=1).astype(np.float32),
        target_scaler.apply(target).astype(np.float32),
        tuple(scalers),
        target_scaler,
        first_day,
    )


def _fit(values: NDArray[np.float64], series: PriceSeries, name: str, params: StockParams) -> Scaler:
    scaler = Scaler.fit(values, params.scaler)
    if not scaler.scale > 0:
        raise DataError(
            f"the {name} of {series.path} ('{series.name}') never changes in train: give a series that is traded"
        )
    return scaler


def days_before(params: StockParams) -> int:
    """Days that a window needs beside its own: 1 where features are made of a day and the one before it."""
    return 0 if params.inputs == "close" else 1


def features_of(series: PriceSeries, params: StockParams, *, has_volume: bool) -> dict[str, NDArray[np.float64]]:
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
        if has_volume:
            features["volume"] = np.diff(np.log1p(series.columns["volume"]), prepend=0.0)
    return features


def _log_returns(price: NDArray[np.float64]) -> NDArray[np.float64]:
    """`log(price[t] / price[t - 1])`, 0 for the first day, which has none and is never used."""
    return np.diff(np.log(price), prepend=np.log(price[:1]))


def _split(scaled: Scaled, params: StockParams, place: int, *, is_panel: bool) -> SequenceSet:
    """The examples of a series whose target days all lie in the split; the buffer holds no day after them."""
    series, look_back, horizon = scaled.series, params.look_back, params.horizon
    begin, end = scaled.bounds[place : place + 2]
    first = scaled.first_targets(params, place)
    days = first[:, None] + np.arange(horizon)
    count = len(first)
    origin = int(first[0]) - look_back if count else begin
    names = series.day_names()
    constants: dict[str, tuple[float | bool | str, Any]] = {
        "scale": (scaled.target_scaler.scale, np.float64),
        "offset": (scaled.target_scaler.offset, np.float64),
        "is_level": (params.target == "close", np.bool_),
        "input_scale": (scaled.input_scaler.scale, np.float64),
        "input_offset": (scaled.input_scaler.offset, np.float64),
        "input_is_level": (params.inputs == "close", np.bool_),
        "series": (series.name, f"<U{len(series.name)}"),
    }
    if count and not np.any(series.price[days] != series.price[first - 1][:, None]):
        raise DataError(
            f"the price of {series.path} ('{series.name}') never changes in {SPLIT_NAMES[place]}: give a series that "
            "is traded"
        )
    return SequenceSet(
        values=scaled.inputs[origin:end] if count else scaled.inputs[:0],
        starts=first - look_back - origin,
        lengths=np.full(count, look_back, dtype=np.int64),
        targets=scaled.targets[days],
        ids=np.array([f"{series.name} {day}" for day in names[first]], dtype=np.str_) if is_panel else names[first],
        extras={
            "date": names[first],
            "origin": names[first - 1],
            "window_start": names[first - look_back],
            "last_close": series.price[first - 1],
            "actual": series.price[days],
            **{name: np.full(count, value, dtype=kind) for name, (value, kind) in constants.items()},
        },
    )


def _joined(parts: Sequence[SequenceSet]) -> SequenceSet:
    """The examples of all series in one split, series after series."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(len(part.values) for part in parts[:-1])])
    return SequenceSet(
        values=np.concatenate([part.values for part in parts]),
        starts=np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        lengths=np.concatenate([part.lengths for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
        ids=np.concatenate([part.ids for part in parts]),
        extras={name: np.concatenate([part.extras[name] for part in parts]) for name in parts[0].extras},
    )
