"""A file of prices as one clean series in time order, with an account of every row left out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import is_missing, parse_dates, parse_numbers
from seqbench_tasks.stock_forecasting.columns import Columns, find_columns
from seqbench_tasks.stock_forecasting.table import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from seqbench_tasks.stock_forecasting.params import StockParams

LARGEST_BAD_FRACTION = 0.05
"""More bad rows than this say that the file is not what it is taken for."""
LISTED_ROWS = 10
_COMPACT_TIME = re.compile(r"^(\d{2})(\d{2})(?:\d{2})?$")
"""`093000` or `0930`, as MetaTrader and Finam write it; the seconds are always 00."""


@dataclass(frozen=True)
class PriceSeries:
    """One price per trading day, oldest first.

    days: `datetime64[s][n]`, strictly increasing. price: `float64[n]`, positive: what is forecast.
    columns: name → `float64[n]`: `close` (unadjusted), `open`, `high`, `low`, `volume`, when ohlcv was asked for.
    path: the file, for errors.
    rows: rows in the file of this series. dropped: one sentence with line and reason per row left out.
    column: the header of the price column.
    """

    name: str
    path: str
    days: NDArray[np.datetime64]
    price: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]
    rows: int
    dropped: tuple[str, ...]
    column: str

    def __len__(self) -> int:
        """The number of trading days."""
        return len(self.price)

    def day_names(self) -> NDArray[np.str_]:
        """`str[n]`: ISO dates, with the time of day when any row has one."""
        is_daily = bool(np.all(self.days == self.days.astype("datetime64[D]")))
        return np.datetime_as_string(self.days, unit="D" if is_daily else "s")


@dataclass(frozen=True)
class _Row:
    line: int
    day: datetime
    price: float
    others: tuple[float, ...]


def read_prices(path: Path, params: StockParams) -> PriceSeries:
    """Read the price series of a CSV file.

    Rows without a date or a price are bad: up to 5 % are dropped and told, more are an error. Rows that repeat a day
    with the same price are dropped and told.
    Raises DataError, naming file, line and column, for a file that cannot be used.
    """
    table = read_table(path)
    columns = find_columns(table, params)
    table = _of_ticker(table, columns, params)
    if params.column:
        table = _while_listed(table, columns.price)
    wanted = ("open", "high", "low", "volume") if params.inputs == "ohlcv" else ()
    others = {name: columns.others[name] for name in wanted if name in columns.others}
    lacking = [name for name in wanted[:3] if name not in others]
    if lacking:
        raise DataError(f"{table.path} has no {lacking[0]} column, which features = ohlcv needs: choose others")
    if wanted:
        others["close"] = columns.close
    rows, dropped = _good_rows(table, columns, others, params)
    rows, repeated = _one_per_day(rows, table, columns.price)
    values = np.array([row.others for row in rows], dtype=np.float64).reshape(len(rows), len(others))
    return PriceSeries(
        name=params.ticker or params.column or path.name.partition(".")[0],
        path=table.path,
        days=np.array([row.day for row in rows], dtype="datetime64[s]"),
        price=np.array([row.price for row in rows], dtype=np.float64),
        columns={name: values[:, position] for position, name in enumerate(others)},
        rows=len(table.rows),
        dropped=(*dropped, *repeated),
        column=table.header[columns.price],
    )


def _of_ticker(table: Table, columns: Columns, params: StockParams) -> Table:
    """The rows of one ticker, of a file with a row per day and ticker."""
    if columns.ticker is None:
        return table
    tickers = table.column(columns.ticker)
    if params.ticker is None:
        found = sorted(set(tickers))
        if len(found) > 1:
            shown = ", ".join(found[:LISTED_ROWS]) + (" ..." if len(found) > LISTED_ROWS else "")
            raise DataError(f"{table.path} holds {len(found)} tickers ({shown}): choose one with ticker")
        return table
    rows = tuple(
        row for row, name in zip(table.rows, tickers, strict=True) if name.lower() == params.ticker.strip().lower()
    )
    if not rows:
        raise DataError(
            f"{table.path} has no rows of ticker '{params.ticker}' in column '{table.header[columns.ticker]}': "
            f"choose one of {', '.join(sorted(set(tickers))[:LISTED_ROWS])}"
        )
    return Table(table.path, table.header, rows)


def _while_listed(table: Table, price: int) -> Table:
    """Rows from the first price to the last: beside older tickers, one listed later has no bad rows before that."""
    has_price = [not is_missing(cell) for cell in table.column(price)]
    if not any(has_price):
        raise DataError(f"{table.path} has no price in column '{table.header[price]}': choose another column")
    last = len(has_price) - has_price[::-1].index(True)
    return Table(table.path, table.header, table.rows[has_price.index(True) : last])


def _good_rows(
    table: Table, columns: Columns, others: Mapping[str, int], params: StockParams
) -> tuple[list[_Row], list[str]]:
    """The rows with a date and all numbers, and a sentence about each of the rest."""
    stamps = table.column(columns.date)
    if columns.time is not None:
        times = [_COMPACT_TIME.sub(r"\1:\2", cell) for cell in table.column(columns.time)]
        stamps = [f"{day} {time}".strip() for day, time in zip(stamps, times, strict=True)]
    days = parse_dates(stamps, params.date_format, f"{table.path}, column '{table.header[columns.date]}',")
    positions = (columns.price, *others.values())
    numbers = [parse_numbers(table.column(position)) for position in positions]
    good: list[_Row] = []
    bad: list[str] = []
    for index, (line, cells) in enumerate(table.rows):
        day, values = days[index], [column[index] for column in numbers]
        if day is None:
            bad.append(_complaint(table, line, columns.date, stamps[index], "date"))
        elif any(math.isnan(value) for value in values):
            position = positions[next(place for place, value in enumerate(values) if math.isnan(value))]
            cell = cells[position] if position < len(cells) else ""
            bad.append(_complaint(table, line, position, cell.strip(), "number"))
        else:
            _check_positive(table, line, values, dict(zip(("price", *others), positions, strict=True)))
            good.append(_Row(line, day, values[0], tuple(values[1:])))
    _check_bad(table, bad, params)
    return good, bad


def _complaint(table: Table, line: int, position: int, cell: str, kind: str) -> str:
    said = f"'{cell}' is no {kind}" if cell else f"no {kind} (the cell is empty)"
    return f"line {line}, column '{table.header[position]}': {said}"


def _check_positive(table: Table, line: int, values: list[float], positions: dict[str, int]) -> None:
    for (name, position), value in zip(positions.items(), values, strict=True):
        if value <= 0 and not (name == "volume" and value == 0):
            raise DataError(
                f"{table.path}, line {line}, column '{table.header[position]}': {value:g} is not positive, "
                "which a price must be: mend or remove the row"
            )


def _check_bad(table: Table, bad: list[str], params: StockParams) -> None:
    allowed = 0.0 if params.strict else LARGEST_BAD_FRACTION
    if len(bad) <= allowed * len(table.rows):
        return
    listed = "; ".join(bad[:LISTED_ROWS]) + ("; ..." if len(bad) > LISTED_ROWS else "")
    limit = "and strict allows none" if params.strict else f"more than {LARGEST_BAD_FRACTION:.0%}"
    raise DataError(f"{table.path} has {len(bad)} bad rows out of {len(table.rows)}, {limit}: {listed}")


def _one_per_day(rows: list[_Row], table: Table, price: int) -> tuple[list[_Row], list[str]]:
    """The rows, oldest first, each day once.

    Raises DataError when a day comes twice with different prices.
    """
    kept: list[_Row] = []
    repeated: list[str] = []
    for row in sorted(rows, key=lambda item: item.day):
        if not kept or kept[-1].day != row.day:
            kept.append(row)
        elif kept[-1].price == row.price:
            repeated.append(f"line {row.line}: repeats the day and price of line {kept[-1].line}")
        else:
            raise DataError(
                f"{table.path}, lines {kept[-1].line} and {row.line}, column '{table.header[price]}': "
                f"{row.day:%Y-%m-%d} comes twice, with {kept[-1].price:g} and {row.price:g}: keep one of them"
            )
    return kept, repeated


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
