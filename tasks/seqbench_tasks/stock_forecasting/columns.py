"""Which columns of a price table hold the date, the price and the rest, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import parse_dates
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.table import DATE_NAMES, TIME_NAMES, Table, names_a_date, normalise

ADJUSTED_NAMES = ("adjclose", "adjustedclose", "closeadj", "adjcloseprice", "adjustedclosingprice", "adjusted")
CLOSE_NAMES = ("close", "closelast", "closeprice", "closingprice", "lastclose", "price", "last", "lastprice")
TICKER_NAMES = ("ticker", "symbol", "name", "stock")
SUFFIXES = (*ADJUSTED_NAMES[:3], "adjusted", "close")
"""What may follow a ticker in one column's name (`AAPL.Close`); the longer first."""
OTHER_NAMES = {"open": ("open", "openprice"), "high": ("high", "highprice"), "low": ("low", "lowprice"),
               "volume": ("volume", "vol", "shares", "tickvol")}  # fmt: skip
PROBE_ROWS = 40


@dataclass(frozen=True)
class Columns:
    """Positions in a table's rows.

    price: what is forecast. close: the unadjusted close beside an adjusted price, else the same.
    others: of open, high, low, volume, those that were found. time, ticker: None when there is no such column.
    """

    date: int
    price: int
    close: int
    others: dict[str, int]
    time: int | None = None
    ticker: int | None = None


def find_columns(table: Table, params: StockParams) -> Columns:
    """Find the date, price, time, ticker and open-high-low-volume columns.

    Raises DataError, with the columns found, when there is no date or price column or more than one would do.
    """
    names = [normalise(name) for name in table.header]
    date = _date_column(table, names)
    ticker = _first(names, TICKER_NAMES)
    prefix = "" if ticker is not None or params.ticker is None else normalise(params.ticker)
    price = _named(table, names, params.column) if params.column else _price_column(table, names, prefix, params)
    stem = next((names[price].removesuffix(end) for end in SUFFIXES if names[price].endswith(end)), "")
    others = {name: _first(names, [stem + word for word in words]) for name, words in OTHER_NAMES.items()}
    plain = _first(names, [stem + "close"])
    return Columns(
        date,
        price,
        price if plain is None or params.column else plain,
        {name: index for name, index in others.items() if index is not None},
        next((index for index, name in enumerate(names) if name in TIME_NAMES and index != date), None),
        ticker,
    )


def _date_column(table: Table, names: Sequence[str]) -> int:
    """The column called date; else the one called time, or any other, in which most of the first rows hold dates."""
    named = _first(names, [*DATE_NAMES, *(name for name in names if names_a_date(name))])
    if named is not None:
        return named
    for index in sorted(range(len(names)), key=lambda position: names[position] not in TIME_NAMES):
        cells = table.column(index)[:PROBE_ROWS]
        if (names[index] in TIME_NAMES or not all(map(_is_number_like, cells))) and _reads_as_dates(cells):
            return index
    raise DataError(f"{table.path} has no date column; its columns are {_listed(table)}: call one of them Date")


def _is_number_like(cell: str) -> bool:
    """Whether a cell could as well be a price: an unnamed column of such cells is not taken for dates."""
    digits = cell.replace(".", "", 1)
    return digits.isdigit() and len(digits) != len("20240131")


def _reads_as_dates(cells: Sequence[str]) -> bool:
    try:
        days = parse_dates(cells, None, "")
    except DataError as error:
        return "date_format" in str(error) and "can be read as" in str(error)
    return sum(day is not None for day in days) * 2 > len(cells)


def _price_column(table: Table, names: Sequence[str], prefix: str, params: StockParams) -> int:
    wanted = (CLOSE_NAMES, ADJUSTED_NAMES) if params.price == "close" else (ADJUSTED_NAMES,)
    for words in wanted:
        index = _first(names, [prefix + word for word in words])
        if index is not None:
            return index
        found = _with_ticker(table, names, words)
        if len(found) == 1 and not prefix:
            return found[0]
        if len(found) > 1 and not prefix:
            listed = ", ".join(table.header[position] for position in found)
            raise DataError(f"{table.path} has several price columns ({listed}): choose one with column or ticker")
    missing = "close" if params.price == "close" else "adjusted close"
    of_ticker = f" of ticker '{params.ticker}'" if prefix else ""
    raise DataError(
        f"{table.path} has no {missing} column{of_ticker}; its columns are {_listed(table)}: choose one with column"
    )


def _with_ticker(table: Table, names: Sequence[str], words: Sequence[str]) -> list[int]:
    """Columns such as `AAPL.Close` or `WIKI/AAPL - Adj. Close`, but not `PREV. CLOSE`."""
    found = []
    for index, name in enumerate(names):
        end = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)
        if end in words and name != end and not name.startswith("prev") and not table.header[index].isalnum():
            found.append(index)
    return found


def _named(table: Table, names: Sequence[str], column: str) -> int:
    exact = [index for index, name in enumerate(table.header) if name.lower() == column.strip().lower()]
    alike = [index for index, name in enumerate(names) if name and name == normalise(column)]
    if not exact and not alike:
        raise DataError(f"{table.path} has no column '{column}'; its columns are {_listed(table)}: choose one of them")
    return (exact or alike)[0]


def _first(names: Sequence[str], words: Sequence[str]) -> int | None:
    return next((names.index(word) for word in words if word in names), None)


def _listed(table: Table) -> str:
    shown = [name or "(unnamed)" for name in table.header[:20]]
    return ", ".join(shown) + (f" and {len(table.header) - 20} more" if len(table.header) > 20 else "")
