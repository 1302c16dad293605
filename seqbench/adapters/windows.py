"""Look-back windows over the rows of series: chronological splits, scalers of train, slices of one buffer.

A window belongs to the split that all rows it forecasts are in. What it looks back at may reach into the split before,
as it would for somebody who forecasts at that moment; never the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench.adapters.assembling import SPLITS, deviation
from seqbench.adapters.splitting import parts_of
from seqbench.adapters.tables import names_of_times, numbers_of, times_of
from seqbench.errors import DataError
from seqbench.sequences import SequenceSet
from seqbench.spec import Dense, Forecast, TaskData


@dataclass(frozen=True)
class Windowed:
    """Which columns are what, and how many rows ahead is forecast."""

    values: tuple[str, ...]
    target: str
    time: str | None
    group: str | None
    horizons: tuple[int, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of a window, the target first."""
        return tuple(dict.fromkeys((self.target, *self.values)))


@dataclass(frozen=True)
class Series:
    """One series. inputs: float64[rows, features], filled; target: float64[rows], NaN where missing."""

    name: str
    times: NDArray[Any]
    time_names: NDArray[np.str_]
    inputs: NDArray[np.float64]
    target: NDArray[np.float64]
    filled: int

    def __len__(self) -> int:
        """Its rows."""
        return len(self.times)


def windowed(table: Any, where: str, shape: Windowed, params: Any, who: str) -> TaskData:
    """The task's data. Raises DataError with one sentence for a table that cannot be used."""
    panel = series_in(table, where, shape)
    cuts = cuts_of(panel, params, who)
    parts: list[list[SequenceSet]] = []
    left_out: list[str] = []
    for series in panel:
        bounds = (0, *np.searchsorted(series.times, cuts).tolist(), len(series))
        made = [_split(series, bounds, place, shape, params, is_panel=shape.group is not None) for place in range(3)]
        problem = _problem(series, made, where, shape, params)
        if problem:
            left_out.append(problem)
        else:
            parts.append(made)
    if not parts:
        raise DataError(f"{left_out[0]}; give a longer series, a smaller look_back, shorter horizons or other parts.")
    sets = [_joined([made[place] for made in parts]) for place in range(3)]
    notes = {
        "split": "split by time",
        "series": len(parts),
        "rows": len(table),
        "date_ranges": {
            name: [earliest(one)[1], latest(one)[1]] for name, one in zip(SPLITS, sets, strict=True) if len(one)
        },
        "dropped": [f"{problem}: it was left out" for problem in left_out],
        "warnings": _warnings(panel, shape),
    }
    return TaskData(Dense(len(shape.inputs)), Forecast(len(shape.horizons)), sets[0], sets[1], sets[2], notes)


def earliest(split: SequenceSet) -> tuple[Any, str]:
    """The first moment that is forecast, and its name: names of different series do not sort as moments do."""
    place = int(split.extras["moment"][:, 0].argmin())
    return split.extras["moment"][place, 0], str(split.extras["date"][place])


def latest(split: SequenceSet) -> tuple[Any, str]:
    """The last moment that is forecast, and its name."""
    place = int(split.extras["moment"][:, 1].argmax())
    return split.extras["moment"][place, 1], str(split.extras["until"][place])


def series_in(table: Any, where: str, shape: Windowed) -> list[Series]:
    """The series of a table, by name, each in the order of time. Raises DataError for cells that cannot be used."""
    times = times_of(table, shape.time, where)
    columns = np.stack([numbers_of(table, column, where) for column in shape.inputs], axis=1)
    if shape.group is None:
        groups: dict[Any, NDArray[np.int64]] = {"": np.arange(len(table))}
    else:
        groups = dict(sorted(table.groupby(shape.group, sort=True).indices.items(), key=lambda item: str(item[0])))
    found = []
    for name, rows in groups.items():
        ordered = rows[np.argsort(times[rows], kind="stable")]
        if shape.time is not None:
            _check_times(times[ordered], str(name), where, shape)
        moments = times[ordered] if shape.time is not None else np.arange(len(ordered), dtype=np.float64)
        made = _filled(str(name), moments, columns[ordered])
        if made is not None:
            found.append(made)
    if not found:
        raise DataError(f"{where} has no row with a value in each of {', '.join(shape.inputs)}: give a table that has.")
    return found


def _check_times(times: NDArray[Any], name: str, where: str, shape: Windowed) -> None:
    doubled = np.flatnonzero(times[1:] == times[:-1])
    if len(doubled):
        who = f" in '{name}'" if name else ""
        advice = "drop one" if shape.group else "drop one, or say with group= which series a row belongs to"
        raise DataError(f"{where}: '{shape.time}' {times[doubled[0]]} occurs twice{who}: {advice}.")


def _filled(name: str, times: NDArray[Any], columns: NDArray[np.float64]) -> Series | None:
    """The series from its first row without a gap on, each gap in its inputs filled with the value before it."""
    is_there = np.isfinite(columns)
    has_begun = np.logical_or.accumulate(is_there, axis=0).all(axis=1)
    if not has_begun.any():
        return None
    first = int(has_begun.argmax())
    places = np.maximum.accumulate(np.where(is_there, np.arange(len(columns))[:, None], 0), axis=0)
    inputs = np.take_along_axis(columns, places, axis=0)[first:]
    missing = int((~is_there[first:]).sum())
    return Series(name, times[first:], names_of_times(times[first:]), inputs, columns[first:, 0], missing)


def cuts_of(panel: Sequence[Series], params: Any, who: str) -> NDArray[Any]:
    """The first moment of validation and of test, the same for all series, as parts of all moments that there are."""
    validation, test = parts_of(params, who)
    calendar = np.unique(np.concatenate([series.times for series in panel]))
    last = len(calendar) - 1
    return calendar[[min(round(len(calendar) * part), last) for part in (1 - validation - test, 1 - test)]]


def _split(
    series: Series, bounds: Sequence[int], place: int, shape: Windowed, params: Any, *, is_panel: bool
) -> SequenceSet:
    """The windows of a series whose forecasts all lie in the split; the buffer holds no row after their last input."""
    horizons = np.array(shape.horizons)
    begin, end = bounds[place : place + 2]
    first = max(begin - int(horizons.min()), params.look_back - 1)
    origins = np.arange(first, end - int(horizons.max()), params.stride, dtype=np.int64)
    ahead = origins[:, None] + horizons
    actual = series.target[ahead] if len(origins) else np.zeros((0, len(horizons)))
    is_known = np.isfinite(actual).all(axis=1)
    origins, ahead, actual = origins[is_known], ahead[is_known], actual[is_known]
    start = int(origins[0]) - params.look_back + 1 if len(origins) else 0
    stop = int(origins[-1]) + 1 if len(origins) else 0
    offset, scale = _scaler(series, bounds[1], horizons, params)
    last = series.inputs[origins, 0]
    offsets = offset + last[:, None] if params.predict == "change" else np.tile(offset, (len(origins), 1))
    mean, spread = series.inputs[: max(bounds[1], 1)].mean(axis=0), deviation(series.inputs[: max(bounds[1], 1)])
    ends = np.stack([ahead.min(axis=1), ahead.max(axis=1)], axis=1)
    dates = series.time_names[ends[:, 0]]
    moments = series.times.view(np.int64) if series.times.dtype.kind == "M" else series.times  # ns, or a number
    extras = {
        "actual": actual,
        "offset": offsets,
        "scale": np.tile(scale, (len(origins), 1)),
        "last": last,
        "date": dates,
        "until": series.time_names[ends[:, 1]],
        "moment": moments[ends],
        "series": np.full(len(origins), series.name, dtype=f"<U{max(1, len(series.name))}"),
    }
    if params.season is not None:
        back = -(-horizons // params.season) * params.season
        extras["seasonal"] = series.inputs[np.maximum(ahead - back, 0), 0]
    return SequenceSet(
        values=((series.inputs[start:stop] - mean) / spread).astype(np.float32),
        starts=origins - params.look_back + 1 - start,
        lengths=np.full(len(origins), params.look_back, dtype=np.int64),
        targets=((actual - offsets) / scale).astype(np.float32),
        ids=np.array([f"{series.name} {date}" for date in dates], dtype=np.str_) if is_panel else dates,
        extras=extras,
    )


def _scaler(
    series: Series, train_end: int, horizons: NDArray[np.int64], params: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is added to and multiplied with outputs, per horizon, from train alone."""
    known = series.inputs[: max(train_end, 1), 0]
    if params.predict == "level":
        size = len(horizons)
        return np.full(size, known.mean()), np.repeat(deviation(known[:, None]), size)
    changes = [known[step:] - known[:-step] if step < len(known) else np.zeros(1) for step in horizons.tolist()]
    return np.array([one.mean() for one in changes]), np.array([deviation(one[:, None])[0] for one in changes])


def _problem(series: Series, made: Sequence[SequenceSet], where: str, shape: Windowed, params: Any) -> str:
    """Why a series is of no use; empty where it is."""
    who = f"'{series.name}' of {where}" if series.name else where
    for name, split in zip(SPLITS, made, strict=True):
        if not len(split) and (name != "validation" or params.validation_part > 0):
            return (
                f"{who} has {len(series)} rows, too few for look_back = {params.look_back} and horizons up to "
                f"{max(shape.horizons)}: no window is left for {name}"
            )
        if len(split) and not np.abs(split.extras["actual"] - split.extras["last"][:, None]).any():
            return f"'{shape.target}' of {who} never changes in {name}: no score can be relative to the naive forecast"
    return ""


def _warnings(panel: Sequence[Series], shape: Windowed) -> list[str]:
    told = []
    filled, cells = sum(series.filled for series in panel), sum(series.inputs.size for series in panel)
    if filled:
        told.append(f"{filled} of {cells} values were missing and were filled with the one before")
    if shape.time is not None:
        steps = np.concatenate([np.diff(series.times) for series in panel])
        kinds, counts = np.unique(steps, return_counts=True)
        if len(kinds) > 1:
            odd = int(counts.sum() - counts.max())
            told.append(f"{odd} of {len(steps)} steps of '{shape.time}' are longer or shorter than the usual one")
    return told


def _joined(parts: Sequence[SequenceSet]) -> SequenceSet:
    """The windows of all series, series after series."""
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
