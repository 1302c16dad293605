"""A file of prices as clean series in time order, with an account of every row left out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqbench import DataError, track
from seqbench_tasks.stock_forecasting.cells import has_decimal_commas, is_missing, parse_dates, parse_numbers
from seqbench_tasks.stock_forecasting.columns import Columns, Layout, find_layout, find_series
from seqbench_tasks.stock_forecasting.params import ALL
from seqbench_tasks.stock_forecasting.table import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from seqbench_tasks.stock_forecasting.params import StockParams

LARGEST_BAD_FRACTION = 0.05
"""More bad rows than this say that the file is not what it is taken for."""
LISTED_ROWS = 10
MIDNIGHT = time()
_COMPACT_TIME = re.compile(r"^(\d{2})(\d{2})(?:\d{2})?$")
"""`093000` or `0930`, as MetaTrader and Finam write it; the seconds are always 00."""


@dataclass(frozen=True)
class PriceSeries:
    """One price per trading day, oldest first.

    name: the ticker, or the file. days: `datetime64[s][n]`, strictly increasing. price: `float64[n]`, positive: what is
    forecast. columns: name → `float64[n]`: `close` (unadjusted), `open`, `high`, `low`, `volume`, when ohlcv was asked
    for. path: the file, for errors. rows: rows in the file of this series. dropped: one sentence with line and reason
    per row left out. column: the header of the price column. is_named: whether the file itself gives the name.
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


@dataclass(frozen=True)
class _Dates:
    """position: of the column. read: by line, the cell with its time of day, and what it says; None for no date."""

    position: int
    read: Mapping[int, tuple[str, datetime | None]]


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

    Rows without a date or a price are bad: up to 5 % are dropped and told, more are an error. Rows that repeat a day
    with the same price are dropped and told.
    is_alone: whether the file has to have every ticker asked for; one of several files need not have any.
    Raises DataError, naming file, line and column, for a file that cannot be used.
    """
    table = read_table(path)
    layout = find_layout(table)
    parts = _by_ticker(table, layout, params, is_alone=is_alone)
    found = [(name, part, columns) for name, part in parts for columns in find_series(part, layout, params)]
    if len(found) > 1 and layout.ticker is not None and params.column and len(found) > len(parts):
        raise DataError(f"{path} has a row per ticker: choose one column, not several, and tickers with ticker")
    dates = _dates(table, layout, params, found[0][1] if found else table)
    is_wide = layout.ticker is None and any(columns.name for _, _, columns in found)
    series = []
    for name, part, columns in track(found, "reading series", len(found)) if len(found) > 1 else found:
        table_of_one = _while_listed(part, columns.price) if is_wide else part
        own = name or columns.name
        series.append(_series(table_of_one, columns, dates, params, own or _stem(path), is_named=name != "" or is_wide))
    return series


def _stem(path: Path) -> str:
    """The file's name without what says that it is a table: `BRK.B.csv.gz` is BRK.B."""
    return re.sub(r"(\.(csv|tsv|txt|dat|data|gz|zip))+$", "", path.name, flags=re.IGNORECASE) or path.name


def _series(
    table: Table, columns: Columns, dates: _Dates, params: StockParams, name: str, *, is_named: bool
) -> PriceSeries:
    others = _other_columns(table, columns, params)
    rows, dropped = _good_rows(table, columns, others, dates, params)
    rows = _as_days(rows)
    rows, repeated = _one_per_day(rows, table, columns.price)
    values = np.array([row.others for row in rows], dtype=np.float64).reshape(len(rows), len(others))
    return PriceSeries(
        name=name,
        path=table.path,
        days=np.array([row.day for row in rows], dtype="datetime64[s]"),
        price=np.array([row.price for row in rows], dtype=np.float64),
        columns={key: values[:, position] for position, key in enumerate(others)},
        rows=len(table.rows),
        dropped=(*dropped, *repeated),
        column=table.header[columns.price],
        is_named=is_named,
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


def _by_ticker(table: Table, layout: Layout, params: StockParams, *, is_alone: bool) -> list[tuple[str, Table]]:
    """The rows of each ticker asked for, of a file with a row per day and ticker."""
    if layout.ticker is None:
        return [("", table)]
    rows: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    spelled: dict[str, str] = {}
    for row, name in zip(table.rows, table.column(layout.ticker), strict=True):
        if name:
            rows.setdefault(spelled.setdefault(name.lower(), name), []).append(row)
    if not rows:
        return [("", table)]
    found = sorted(rows)
    if params.ticker is None and len(found) > 1:
        raise DataError(
            f"{table.path} holds {len(found)} tickers ({_shown(found)}): choose one with ticker, several parted by "
            "commas, or take all with ticker=all"
        )
    wanted = found if params.ticker is None or params.tickers == ALL else params.tickers
    missing = [name for name in wanted if name.lower() not in spelled]
    if missing and is_alone:
        raise DataError(
            f"{table.path} has no rows of ticker '{missing[0]}' in column '{table.header[layout.ticker]}': "
            f"choose one of {_shown(found)}"
        )
    chosen = dict.fromkeys(spelled[name.lower()] for name in wanted if name.lower() in spelled)
    return [(name, Table(table.path, table.header, tuple(rows[name]), table.is_semicolon)) for name in chosen]


def _shown(names: list[str]) -> str:
    return ", ".join(names[:LISTED_ROWS]) + (" ..." if len(names) > LISTED_ROWS else "")


def _while_listed(table: Table, price: int) -> Table:
    """Rows from the first price to the last: beside older tickers, one listed later has no bad rows before that."""
    has_price = [not is_missing(cell) for cell in table.column(price)]
    if not any(has_price):
        raise DataError(f"{table.path} has no price in column '{table.header[price]}': choose another column")
    last = len(has_price) - has_price[::-1].index(True)
    return Table(table.path, table.header, table.rows[has_price.index(True) : last], table.is_semicolon)


def _dates(table: Table, layout: Layout, params: StockParams, calendar: Table) -> _Dates:
    """The date of each line, read by one format for the whole column, which the rows of one series decide."""
    where = f"{table.path}, column '{table.header[layout.date] or '(unnamed)'}',"
    stamps = _stamps(table, layout)
    days = parse_dates(stamps, params.date_format, where, _stamps(calendar, layout))
    read = {line: pair for (line, _), pair in zip(table.rows, zip(stamps, days, strict=True), strict=True)}
    return _Dates(layout.date, read)


def _stamps(table: Table, layout: Layout) -> list[str]:
    stamps = table.column(layout.date)
    if layout.time is None:
        return stamps
    times = [_COMPACT_TIME.sub(r"\1:\2", _padded(cell)) for cell in table.column(layout.time)]
    return [f"{day} {time}".strip() for day, time in zip(stamps, times, strict=True)]


def _padded(cell: str) -> str:
    """A time that a program took for a number has lost its zeros: 93000, or 0."""
    return cell.zfill(4 if len(cell) <= 4 else 6) if cell.isdigit() else cell


def _good_rows(
    table: Table, columns: Columns, others: Mapping[str, int], dates: _Dates, params: StockParams
) -> tuple[list[_Row], list[str]]:
    """The rows with a date and all numbers, and a sentence about each of the rest."""
    positions = {"price": columns.price, **others}
    cells_of = [table.column(position) for position in positions.values()]
    commas = has_decimal_commas([cell for cells in cells_of for cell in cells], is_semicolon=table.is_semicolon)
    numbers = [parse_numbers(cells, decimal_commas=commas) for cells in cells_of]
    good: list[_Row] = []
    bad: list[str] = []
    for index, (line, cells) in enumerate(table.rows):
        values = [column[index] for column in numbers]
        stamp, day = dates.read[line]
        faulty = next(
            (place for place, value in zip(positions.values(), values, strict=True) if math.isnan(value)), None
        )
        if any(cell.strip() for cell in cells[len(table.header) :]):
            # An unquoted thousands comma moves what follows: none of the row's cells can be trusted.
            bad.append(f"line {line}: {len(cells)} cells where the header has {len(table.header)}")
        elif day is None:
            bad.append(_complaint(table, line, dates.position, stamp, "date"))
        elif faulty is not None:
            bad.append(_complaint(table, line, faulty, cells[faulty].strip() if faulty < len(cells) else "", "number"))
        else:
            _check_positive(table, line, values, positions)
            good.append(_Row(line, day, values[0], tuple(values[1:])))
    _check_bad(table, bad, params)
    return good, bad


def _complaint(table: Table, line: int, position: int, cell: str, kind: str) -> str:
    said = f"'{cell}' is no {kind}" if cell else f"no {kind} (the cell is empty)"
    return f"line {line}, column '{table.header[position] or '(unnamed)'}': {said}"


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
    raise DataError(
        f"{table.path} has {len(bad)} bad row{'s' if len(bad) > 1 else ''} out of {len(table.rows)}, {limit}: {listed}"
    )


def _as_days(rows: list[_Row]) -> list[_Row]:
    """Without the time of day, where it tells no two rows apart: Google writes 16:00:00 beside every daily close."""
    if len({row.day.date() for row in rows}) < len({row.day for row in rows}):
        return rows
    return [replace(row, day=row.day.replace(hour=0, minute=0, second=0, microsecond=0)) for row in rows]


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
            day = row.day.isoformat(" ") if row.day.time() != MIDNIGHT else f"{row.day:%Y-%m-%d}"
            raise DataError(
                f"{table.path}, lines {kept[-1].line} and {row.line}, column '{table.header[price]}': "
                f"{day} comes twice, with {kept[-1].price:g} and {row.price:g}: keep one of them"
            )
    return kept, repeated
