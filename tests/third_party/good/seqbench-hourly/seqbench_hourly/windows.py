"""Windows of an hourly table, with what each is to forecast."""

import warnings

import numpy as np
from numpy.typing import NDArray

from seqbench import DataError, SequenceSet
from seqbench_hourly.table import Hours

PERIODS = (24, 24 * 7, 24 * 365.25)
"""Hours of a day, a week and a year."""


def windows(hours: Hours, ahead: NDArray[np.int64], look_back: int) -> list[SequenceSet]:
    """Train, validation and test: neither windows nor targets of one reach into another, or touch an hour unknown.

    ahead: the horizons in hours. Columns are in units of their standard deviation in train, and the calendar follows.
    extras: `unit`, that of the first column; `naive`, the mean absolute error in train of saying yesterday's value.
    """
    count, reach = len(hours.values), look_back + int(ahead.max())
    ends = (0, count * 70 // 100, count * 85 // 100, count)
    train = hours.values[: ends[1]]
    with warnings.catch_warnings(action="ignore"):  # NumPy's, of means of nothing: then there are no windows either
        deviations = np.nanstd(train, axis=0)
        unit = np.where(deviations > 0, deviations, 1)
        scaled = ((hours.values - np.nanmean(train, axis=0)) / unit).astype(np.float32)
        naive = float(np.nanmean(np.abs(scaled[24 : ends[1], 0] - scaled[: ends[1] - 24, 0])))
    unknown = np.concatenate([[0], np.cumsum(np.isnan(scaled).any(1))])
    values = np.hstack([np.nan_to_num(scaled), calendar(hours.times)])

    def split(begin: int, end: int) -> SequenceSet:
        starts = np.arange(begin, max(begin, end - reach + 1))
        starts = starts[unknown[starts + reach] == unknown[starts]]
        last, rows = starts + look_back - 1, len(starts)
        extras = {
            "naive": np.full(rows, naive or 1.0),
            "unit": np.full(rows, unit[0]),
            "ahead": np.tile(ahead, (rows, 1)),
        }
        ids = np.datetime_as_string(hours.times[last])
        return SequenceSet(
            values, starts, np.full_like(starts, look_back), scaled[last[:, None] + ahead, 0], ids, extras
        )

    splits = list(map(split, ends, ends[1:]))
    if not all(map(len, splits)):
        raise DataError(
            f"{hours.path} has {count} hours, {unknown[-1]} of them unknown, which leave a split without any window of "
            f"{reach} hours: give a longer table with a row per hour, a smaller look_back or a larger longest_gap."
        )
    return splits


def calendar(times: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Sine and cosine of the place in the day, the week and the year: `float32[hours, 6]`."""
    angles = 2 * np.pi * times.astype(np.int64)[:, None] / np.array(PERIODS)
    return np.hstack([np.sin(angles), np.cos(angles)]).astype(np.float32)
