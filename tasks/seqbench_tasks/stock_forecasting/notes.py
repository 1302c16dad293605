"""What preparation found, as JSON-able facts, and as one paragraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench_tasks.stock_forecasting.oddities import oddities

if TYPE_CHECKING:
    from seqbench import SequenceSet, TaskData
    from seqbench_tasks.stock_forecasting.params import StockParams
    from seqbench_tasks.stock_forecasting.windows import Scaled

SPLIT_NAMES = ("train", "validation", "test")
LISTED_DROPPED = 100
LISTED_SERIES = 10
DAY = 86_400
STEPS = (
    ("minutes", 60, 60),
    ("hours", 3600, 3600),
    ("weeks", 6 * DAY, 8 * DAY),
    ("months", 28 * DAY, 31 * DAY),
    ("quarters", 89 * DAY, 92 * DAY),
    ("years", 365 * DAY, 366 * DAY),
)
"""What rows are called, whose median step is of so many seconds, from and to."""


def notes_of(
    panel: Sequence[Scaled], params: StockParams, splits: Sequence[SequenceSet], short: Sequence[str]
) -> dict[str, Any]:
    """The facts: series, rows, what was dropped and why, the first and last target day of each split, scalers."""
    first = panel[0]
    dropped = [_with_file(one, reason) for one in panel for reason in one.series.dropped]
    notes: dict[str, Any] = {
        "series": _names([one.series.name for one in panel]),
        "price_column": first.series.column if len({one.series.column for one in panel}) == 1 else "one per series",
        "rows_read": sum(one.series.rows for one in panel),
        "rows_dropped": len(dropped),
        "dropped": dropped[:LISTED_DROPPED],
        "warnings": [*short, *_warnings(panel, params)],
        "trading_days": sum(len(one.series) for one in panel),
        "rows_are": _unit(panel),
        "date_ranges": {name: _range(panel, place) for place, name in enumerate(SPLIT_NAMES)},
        "target": params.target,
        "features": params.inputs,
        "scaler": {"kind": params.scaler, **_scalers(first)},
    }
    if len(panel) > 1:
        notes["scaler"] = {"kind": params.scaler, "series": {one.series.name: _scalers(one) for one in panel}}
        notes["panel"] = {one.series.name: _of_series(one) for one in panel}
    return notes


def _with_file(one: Scaled, reason: str) -> str:
    return reason if not reason.startswith("line ") else f"{Path(one.series.path).name}, {reason}"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:LISTED_SERIES])
    return shown if len(names) <= LISTED_SERIES else f"{shown} and {len(names) - LISTED_SERIES} more"


def _warnings(panel: Sequence[Scaled], params: StockParams) -> list[str]:
    odd = oddities([one.series for one in panel])
    if params.inputs != "ohlcv" or panel[0].inputs.shape[1] == 5:
        return odd
    return [*odd, "there is no volume (in every series), so it is no input: features = ohlcv gives four numbers a day"]


def _unit(panel: Sequence[Scaled]) -> str:
    """What a row is of, by the median step: trading days, weeks, hours; `rows` where it is nothing with a name."""
    days = [one.series.days for one in panel]
    step = int(np.median(np.concatenate([np.diff(each) for each in days]).astype(np.int64)))
    if step == DAY:
        # 1970 began on a Thursday: (days since + 3) modulo 7 is 5 on Saturday and 6 on Sunday.
        weekday = (np.concatenate(days).astype("datetime64[D]").astype(np.int64) + 3) % 7
        return "days" if np.mean(weekday >= 5) > 0.2 else "trading days"
    return next((name for name, least, most in STEPS if least <= step <= most), "rows")


def _range(panel: Sequence[Scaled], place: int) -> list[str]:
    ends = [
        (str(names[begin]), str(names[end - 1]))
        for names, (begin, end) in ((one.series.day_names(), one.bounds[place : place + 2]) for one in panel)
        if end > begin
    ]
    return [min(begin for begin, _ in ends), max(end for _, end in ends)] if ends else []


def _scalers(one: Scaled) -> dict[str, Any]:
    pairs = {"target": one.target_scaler, "input": one.input_scaler}
    return {name: {"offset": scaler.offset, "scale": scaler.scale} for name, scaler in pairs.items()}


def _of_series(one: Scaled) -> dict[str, Any]:
    names = one.series.day_names()
    return {
        "file": Path(one.series.path).name,
        "price_column": one.series.column,
        "days": len(one.series),
        "first": str(names[0]),
        "last": str(names[-1]),
        "dropped": len(one.series.dropped),
    }


def describe(data: TaskData) -> str:
    """One paragraph: the series, its splits with their dates, what was dropped, and the scaler."""
    notes = data.notes
    sizes = {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    ranges = ", ".join(
        f"{name} {size} ({notes['date_ranges'][name][0]} to {notes['date_ranges'][name][1]})" if size else f"no {name}"
        for name, size in sizes.items()
    )
    count, rows = len(notes.get("panel", (1,))), notes["rows_dropped"]
    who = (
        f"{notes['series']}: "
        if count == 1
        else f"A panel of {count} series ({notes['series']}), cut at common dates: "
    )
    what = f"{notes['trading_days']} " + (notes["rows_are"] if count == 1 else f"rows of {count} series")
    dropped = f" {rows} row{'s were' if rows > 1 else ' was'} dropped: {notes['dropped'][0]}." if rows else ""
    warned = "".join(f" {sentence[:1].upper()}{sentence[1:]}." for sentence in notes["warnings"][:3])
    return (
        f"{who}{what} from {notes['rows_read']} read, price column "
        f"'{notes['price_column']}'.{dropped}{warned} Forecasts by split: {ranges}. Inputs: {notes['features']}, "
        f"target: {notes['target']}; {_of_scaler(notes['scaler'])}."
    )


def _of_scaler(scaler: Mapping[str, Any]) -> str:
    if "series" in scaler:
        return f"a {scaler['kind']} scaler per series, fitted on its train days"
    target = scaler["target"]
    return f"{scaler['kind']} scaler fitted on train (offset {target['offset']:.6g}, scale {target['scale']:.6g})"


def show(data: TaskData, split: SequenceSet, index: int) -> str:
    """One example as a person reads it: what the window ends with, and what came next."""
    extras = split.extras
    last, actual = float(extras["last_close"][index]), [float(price) for price in extras["actual"][index]]
    who = f"{extras['series'][index]}, " if "panel" in data.notes else ""
    days = int(split.lengths[index])
    window = f"{days} {data.notes['rows_are']} {extras['window_start'][index]} to {extras['origin'][index]}"
    following = ", ".join(f"{price:g} ({100 * (price / last - 1):+.2f} %)" for price in actual)
    steps = "next close" if len(actual) == 1 else f"next {len(actual)} closes"
    return f"{who}window of {window}; last close {last:g}; {steps}, from {extras['date'][index]} on: {following}"
