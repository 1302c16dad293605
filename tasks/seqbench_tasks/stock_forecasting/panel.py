"""A source as one or several price series: a file, a folder or pattern of files, a file with several tickers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from seqbench import DataError, expand, track, walk_files
from seqbench_tasks.stock_forecasting.names import normalise
from seqbench_tasks.stock_forecasting.params import ALL, StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries, read_file
from seqbench_tasks.stock_forecasting.rows import LISTED_ROWS

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zip")
LESS_LIKELY_ENDINGS = (".txt", ".txt.gz", ".dat", ".data")
"""What files of prices in a folder end in; the latter only where there is none of the former (a read-me, say)."""


def read_panel(source: str, params: StockParams) -> tuple[PriceSeries, ...]:
    """Every series of the source, by name.

    source: `"builtin"` (the S&P 500 of the package arch, daily, 1999-2018), or a file, folder or glob pattern.
    Raises DataError, naming file, line and column, for what cannot be used.
    """
    if source == "builtin":
        return (replace(read_file(builtin_path(), params)[0], name="S&P 500"),)
    files = _files(expand(source), source)
    if len(files) == 1:
        series = read_file(files[0], params)
        return _of_one_file(series, params)
    found = [
        item
        for path in track(files, "reading files of prices", len(files))
        for item in read_file(path, params, is_alone=False)
    ]
    return _asked_for(_joined(_on_one_clock(_short_names(found))), source, params)


def _files(paths: Sequence[Path], source: str) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_file():
            found.append(path)
            continue
        inside = [file for file in walk_files(path) if not file.name.startswith((".", "_"))]
        tables = [file for file in inside if file.name.lower().endswith(ENDINGS)]
        found += tables or [file for file in inside if file.name.lower().endswith(LESS_LIKELY_ENDINGS)]
    if not found:
        raise DataError(f"{source} holds no CSV files: give a file of prices, or a folder or pattern of such files")
    return found


def _of_one_file(series: list[PriceSeries], params: StockParams) -> tuple[PriceSeries, ...]:
    """The file's series; a ticker asked for of a file without tickers must be in the file's name."""
    if params.ticker and params.tickers != ALL and not any(item.is_named for item in series):
        only = series[0]
        if len(params.tickers) > 1 or not _is_called(only, params.tickers[0]):
            raise DataError(
                f"{only.path} has no ticker column and no close column of ticker '{params.tickers[0]}': "
                "leave ticker out, or give a file with tickers"
            )
        return (replace(only, name=params.tickers[0]),)
    return tuple(sorted(series, key=lambda item: item.name))


def _is_called(series: PriceSeries, ticker: str) -> bool:
    """Whether a series has that name, or a file's name has it as a part: AAPL of `AAPL_2012-2017_yahoo`."""
    if normalise(series.name) == normalise(ticker):
        return True
    return not series.is_named and ticker.lower() in re.split(r"[\s_,()]+", Path(series.path).name.lower())


def _short_names(found: list[PriceSeries]) -> list[PriceSeries]:
    """Series named after their files, without what all these names begin and end with: AAPL, of `AAPL_2012_yahoo`."""
    parts = [re.split(r"[\s_]+", item.name) for item in found if not item.is_named]
    if len(parts) < 2:
        return found
    shortest = min(map(len, parts)) - 1
    tail = next((n for n in range(shortest, 0, -1) if len({tuple(part[-n:]) for part in parts}) == 1), 0)
    left = shortest - tail
    head = next((n for n in range(left, 0, -1) if len({tuple(part[:n]) for part in parts}) == 1), 0)
    short = iter(["_".join(part[head : len(part) - tail]) for part in parts])
    renamed = [item if item.is_named else replace(item, name=next(short)) for item in found]
    # Files of one name in several folders are told apart by the folders.
    names = [item.name for item in renamed if not item.is_named]
    return [
        replace(item, name=f"{Path(item.path).parent.name} {item.name}")
        if not item.is_named and names.count(item.name) > 1
        else item
        for item in renamed
    ]


def _on_one_clock(found: list[PriceSeries]) -> list[PriceSeries]:
    """Series in UTC where the clocks of files with times of day differ: a file of January and one of July, say."""
    offsets = [None if item.is_daily else item.offset for item in found]
    if len(set(offsets) - {None}) < 2:
        return found
    return [
        item if offset is None else replace(item, days=item.days - np.timedelta64(offset, "s"), offset=0)
        for item, offset in zip(found, offsets, strict=True)
    ]


def _joined(found: list[PriceSeries]) -> list[PriceSeries]:
    """Each name once: what several files have of one ticker (a file per year, say) is one series."""
    by_name: dict[str, list[PriceSeries]] = {}
    for item in found:
        by_name.setdefault(item.name, []).append(item)
    return [_one(by_name[name]) if len(by_name[name]) > 1 else by_name[name][0] for name in sorted(by_name)]


def _one(pieces: list[PriceSeries]) -> PriceSeries:
    if not all(piece.is_named for piece in pieces):
        listed = " and ".join(piece.path for piece in pieces[:2])
        raise DataError(f"{listed} both give a series called '{pieces[0].name}': give the files different names")
    days = np.concatenate([piece.days for piece in pieces])
    price = np.concatenate([piece.price for piece in pieces])
    order = np.argsort(days, kind="stable")
    is_again = np.concatenate([[False], np.diff(days[order]) == np.timedelta64(0, "s")])
    differs = is_again & np.concatenate([[False], np.diff(price[order]) != 0])
    if differs.any():
        day = days[order][differs][0]
        raise DataError(
            f"{pieces[0].path} and the other files with '{pieces[0].name}' have different prices on {day}: "
            "keep one of them"
        )
    kept = order[~is_again]
    files = np.repeat([Path(piece.path).name for piece in pieces], [len(piece) for piece in pieces])
    names = np.datetime_as_string(days, unit="D" if all(piece.is_daily for piece in pieces) else "s")
    repeated = [
        f"{files[again]}, {names[again]}: repeats the day and price of {files[before]}"
        for before, again in pairwise(order)
        if days[before] == days[again]
    ]
    shared = set.intersection(*(set(piece.columns) for piece in pieces))
    return replace(
        pieces[0],
        days=days[kept],
        price=price[kept],
        columns={name: np.concatenate([piece.columns[name] for piece in pieces])[kept] for name in sorted(shared)},
        rows=sum(piece.rows for piece in pieces),
        warnings=tuple(sentence for piece in pieces for sentence in piece.warnings),
        dropped=(*(f"{Path(piece.path).name}, {reason}" for piece in pieces for reason in piece.dropped), *repeated),
    )


def _asked_for(series: list[PriceSeries], source: str, params: StockParams) -> tuple[PriceSeries, ...]:
    if params.ticker is None or params.tickers == ALL:
        return tuple(series)
    chosen: dict[str, PriceSeries] = {}
    for ticker in params.tickers:
        fit = [item for item in series if _is_called(item, ticker)]
        if not fit:
            names = ", ".join(item.name for item in series[:LISTED_ROWS]) + (
                " ..." if len(series) > LISTED_ROWS else ""
            )
            there = f"choose of {names}" if names else "none of the tickers asked for is there"
            raise DataError(f"no file of {source} has ticker '{ticker}': {there}")
        chosen.update((item.name, item) for item in fit)
    return tuple(chosen[name] for name in sorted(chosen))


def builtin_path() -> Path:
    """The S&P 500 of the `arch` package, `arch.data.sp500`: daily, 1999-2018, Yahoo's columns, gzipped.

    Found beside the package without importing it, which would take seconds.
    """
    from importlib.util import find_spec

    spec: Any = find_spec("arch")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "sp500" / "sp500.csv.gz"
        if path.is_file():
            return path
    raise DataError("the embedded S&P 500 of the package arch is not installed: pip install arch, or give a CSV file")
