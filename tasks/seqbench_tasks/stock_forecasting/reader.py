"""A file of prices as clean series in time order, with an account of every row left out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqbench import DataError, track
from seqbench_tasks.stock_forecasting.cells import parse_numbers
from seqbench_tasks.stock_forecasting.columns import Columns, find_layout, find_series
from seqbench_tasks.stock_forecasting.days import Dates, on_one_clock, read_dates
from seqbench_tasks.stock_forecasting.rows import Row, as_days, check_bad, good_rows, one_per_day
from seqbench_tasks.stock_forecasting.table import Table, read_table
from seqbench_tasks.stock_forecasting.tickers import by_ticker, while_listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from seqbench_tasks.stock_forecasting.params import StockParams


@dataclass(frozen=True)
class PriceSeries:
    """One price per trading day, oldest first.

    name: the ticker, or the file. days: `datetime64[s][n]`, strictly increasing. price: `float64[n]`, positive: what is
    forecast. columns: name → `float64[n]`: `close` (unadjusted), `open`, `high`, `low`, `volume`, when ohlcv was asked
    for. path: the file, for errors. rows: rows in the file of this series. dropped: one sentence with line and reason
    per row left out. column: the header of the price column. is_named: whether the file itself gives the name. offset:
    the seconds that the clock of `days` is ahead of UTC, None where the file does not tell. warnings: sentences about
    how the file was read.
    """

    name: str
    path: str
    days: NDArray[np.datetime64]
    price: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]
    rows: int
    dropped: tuple[str, ...]
    column: str
    is_named: bool = False
    offset: int | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of trading days."""
        return len(self.price)

    @property
    def is_daily(self) -> bool:
        """Whether no row has a time of day."""
        return bool(np.all(self.days == self.days.astype("datetime64[D]")))

    def day_names(self) -> NDArray[np.str_]:
        """`str[n]`: ISO dates, with the time of day when any row has one."""
        return np.datetime_as_string(self.days, unit="D" if self.is_daily else "s")


def read_prices(path: Path, params: StockParams) -> PriceSeries:
    """Read the price series of a CSV file that has one, or of which the parameters choose one.

    Raises DataError, naming file, line and column, for a file that cannot be used.
    """
    series = read_file(path, params)
    if len(series) != 1:
        raise DataError(f"{path} gives {len(series)} series, {', '.join(item.name for item in series)}: choose one")
    return series[0]


def read_file(path: Path, params: StockParams, *, is_alone: bool = True) -> list[PriceSeries]:
    """Read every price series of a CSV file that the parameters ask for.

    Rows without a date, a price, or a ticker where other rows have one, are bad: up to 5 % are dropped and told, more
    are an error. Rows that repeat a day with the same price are dropped and told.
    is_alone: whether the file has to have every ticker asked for; one of several files need not have any.
    Raises DataError, naming file, line and column, for a file that cannot be used.
    """
    return series_of_table(read_table(path), params, is_alone=is_alone)


def series_of_table(table: Table, params: StockParams, *, is_alone: bool = True) -> list[PriceSeries]:
    """Every price series of a table that the parameters ask for. Raises DataError as `read_file` does."""
    path = Path(table.path)
    layout = find_layout(table)
    parts, lost = by_ticker(table, layout, params, is_alone=is_alone)
    found = [(name, part, columns) for name, part in parts for columns in find_series(part, layout, params)]
    if len(found) > 1 and layout.ticker is not None and params.column and len(found) > len(parts):
        raise DataError(f"{path} has a row per ticker: choose one column, not several, and tickers with ticker")
    dates = read_dates(table, layout, params, found[0][1] if found else table)
    is_wide = layout.ticker is None and any(columns.name for _, _, columns in found)
    series: list[PriceSeries] = []
    bad = [*lost]
    for name, part, columns in track(found, "reading series", len(found)) if len(found) > 1 else found:
        table_of_one = while_listed(part, columns.price) if is_wide else part
        own = name or columns.name or _stem(path)
        one, bad_of_one = _series(table_of_one, columns, dates, params, own)
        series.append(replace(one, is_named=name != "" or is_wide))
        bad += bad_of_one
    if lost:  # whose they are cannot be told: they count among all rows of the file, and are told once
        check_bad(table, bad, params)
        series[:1] = [replace(one, rows=one.rows + len(lost), dropped=(*lost, *one.dropped)) for one in series[:1]]
    return series


def _stem(path: Path) -> str:
    """The file's name without what says that it is a table: `BRK.B.csv.gz` is BRK.B."""
    return re.sub(r"(\.(csv|tsv|txt|dat|data|gz|zip))+$", "", path.name, flags=re.IGNORECASE) or path.name


def _series(
    table: Table, columns: Columns, dates: Dates, params: StockParams, name: str
) -> tuple[PriceSeries, list[str]]:
    """The series, and what is wrong with its bad rows."""
    others = _other_columns(table, columns, params)
    rows, bad = good_rows(table, columns, others, dates, params)
    placed = dates.placed([row.day for row in rows])
    is_moved = placed != [row.day for row in rows]
    days, offset = on_one_clock(placed, is_mixed=dates.is_mixed)
    rows = as_days([row if row.day is day else replace(row, day=day) for row, day in zip(rows, days, strict=True)])
    rows, repeated = one_per_day(rows, table, columns.price)
    values = np.array([row.others for row in rows], dtype=np.float64).reshape(len(rows), len(others))
    series = PriceSeries(
        name=name,
        path=table.path,
        days=np.array([row.day for row in rows], dtype="datetime64[s]"),
        price=np.array([row.price for row in rows], dtype=np.float64),
        columns={key: values[:, position] for position, key in enumerate(others)},
        rows=len(table.rows),
        dropped=(*bad, *repeated),
        column=table.header[columns.price],
        offset=offset,
        warnings=(_of_centuries(table, rows),) if is_moved else (),
    )
    return series, bad


def _of_centuries(table: Table, rows: list[Row]) -> str:
    """A sentence about years of two digits that are not what strptime makes of them."""
    years = f"{rows[0].day:%Y} to {rows[-1].day:%Y}"
    return (
        f"the years of two digits in {Path(table.path).name} are read as {years}, so that no row is dated after today"
    )


def _other_columns(table: Table, columns: Columns, params: StockParams) -> dict[str, int]:
    """Open, high, low, volume and the unadjusted close, when the inputs are made of them."""
    if params.inputs != "ohlcv":
        return {}
    others: dict[str, int] = {
        name: columns.others[name] for name in ("open", "high", "low", "volume") if name in columns.others
    }
    lacking = [name for name in ("open", "high", "low") if name not in others]
    if lacking:
        raise DataError(f"{table.path} has no {lacking[0]} column, which features = ohlcv needs: choose others")
    if "volume" in others and not _has_volume(table.column(others["volume"])):
        del others["volume"]  # an index is often exported with a volume column that has nothing in it
    return {**others, "close": columns.close}


def _has_volume(cells: list[str]) -> bool:
    return len({value for value in parse_numbers(cells) if not math.isnan(value)}) > 1
