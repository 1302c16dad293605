"""Which columns of a price table hold the date, the price and the rest, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import is_missing, looks_like_a_number, parse_dates
from seqbench_tasks.stock_forecasting.names import (
    ADJUSTED_NAMES,
    CLOSE_NAMES,
    NO_PRICES,
    OTHER_NAMES,
    TICKER_NAMES,
    TIME_NAMES,
    names_a_date,
    normalise,
    split_name,
)
from seqbench_tasks.stock_forecasting.names import DATE_NAMES as DATES
from seqbench_tasks.stock_forecasting.params import ALL, StockParams
from seqbench_tasks.stock_forecasting.table import Table

PROBE_ROWS = 40
LISTED = 20


@dataclass(frozen=True)
class Layout:
    """Positions of the columns that say which row a price is of. time, ticker: None when there is no such column."""

    date: int
    time: int | None
    ticker: int | None


@dataclass(frozen=True)
class Columns:
    """Positions of one series' columns.

    name: of the series, where the file has a column per ticker, else empty. price: what is forecast. close: the
    unadjusted close beside an adjusted price, else the same. others: of open, high, low, volume, those that were found.
    """

    name: str
    price: int
    close: int
    others: dict[str, int] = field(default_factory=dict)


def find_layout(table: Table) -> Layout:
    """The date, time and ticker columns. Raises DataError, with the columns found, when there is no date."""
    names = [normalise(name) for name in table.header]
    date = _date_column(table, names)
    time = next((index for index, name in enumerate(names) if name in TIME_NAMES and index != date), None)
    return Layout(date, time, _ticker_column(table, names))


def find_series(table: Table, layout: Layout, params: StockParams) -> list[Columns]:
    """The columns of each series that the parameters ask for: one, or several of a file with a column per ticker.

    Raises DataError, with the columns found, when there is no price, or several and nothing says which.
    """
    names = [normalise(name) for name in table.header]
    if params.column:
        return _named_columns(table, names, layout, params.column)
    by_ticker = _by_ticker(table)
    if layout.ticker is None and params.ticker:
        chosen = _of_tickers(table, names, layout, by_ticker, params)
        if chosen is not None:
            return chosen
    plain = _plain(names, params)
    if plain is not None:
        return [plain]
    tickers = {name: fields for name, fields in by_ticker.items() if _price_of(fields, params) is not None}
    if len(tickers) == 1:
        return [_of_fields("", next(iter(tickers.values())), params)]
    if tickers:
        shown = ", ".join(table.header[_price(fields, params)] for fields in list(tickers.values())[:LISTED])
        raise DataError(
            f"{table.path} has several price columns ({shown}): choose with column or ticker, several parted by "
            "commas, or take all with ticker=all"
        )
    left = _candidates(table, names, layout)
    if len(left) == 1 and params.price == "close":
        return [Columns("", left[0], left[0])]
    raise _no_price(table, params, left)


def _no_price(table: Table, params: StockParams, left: Sequence[int]) -> DataError:
    missing = "close" if params.price == "close" else "adjusted close"
    several = f", several as column={','.join(table.header[place] for place in left[:2])}, or all with column=all"
    return DataError(
        f"{table.path} has no {missing} column; its columns are {listed(table)}: choose one with column"
        f"{several if len(left) > 1 else ''}"
    )


def _plain(names: Sequence[str], params: StockParams) -> Columns | None:
    """The columns called Close, Open and so on, without a ticker."""
    close, adjusted = _first(names, CLOSE_NAMES), _first(names, ADJUSTED_NAMES)
    price = adjusted if params.price == "adj_close" or close is None else close
    if price is None:
        return None
    others = {name: _first(names, words) for name, words in OTHER_NAMES.items()}
    if others["volume"] is None:
        others["volume"] = next((index for index, name in enumerate(names) if name.startswith("volume")), None)
    found = {name: index for name, index in others.items() if index is not None}
    return Columns("", price, price if close is None else close, found)


def _by_ticker(table: Table) -> dict[str, dict[str, int]]:
    """Ticker → field → position, of columns such as `AAPL.Close`."""
    found: dict[str, dict[str, int]] = {}
    for index, name in enumerate(table.header):
        parts = split_name(name)
        if parts is not None:
            found.setdefault(parts[1], {}).setdefault(parts[0], index)
    return found


def _price_of(fields: dict[str, int], params: StockParams) -> int | None:
    order = ("adjusted",) if params.price == "adj_close" else ("close", "adjusted")
    return next((fields[name] for name in order if name in fields), None)


def _price(fields: dict[str, int], params: StockParams) -> int:
    price = _price_of(fields, params)
    assert price is not None
    return price


def _of_fields(name: str, fields: dict[str, int], params: StockParams) -> Columns:
    price = _price(fields, params)
    others = {other: index for other, index in fields.items() if other in OTHER_NAMES}
    return Columns(name, price, fields.get("close", price), others)


def _of_tickers(
    table: Table, names: Sequence[str], layout: Layout, by_ticker: dict[str, dict[str, int]], params: StockParams
) -> list[Columns] | None:
    """The series of the tickers asked for, in a file with columns per ticker; None where it has no tickers at all."""
    priced = {name: fields for name, fields in by_ticker.items() if _price_of(fields, params) is not None}
    if params.tickers == ALL:
        left = [] if priced or _plain(names, params) is not None else _candidates(table, names, layout)
        every = [_of_fields(name, fields, params) for name, fields in priced.items()]
        return every or [Columns(table.header[place], place, place) for place in left] or None
    chosen: list[Columns] = []
    for ticker in params.tickers:
        wanted = normalise(ticker)
        fit = [name for name in priced if wanted in (normalise(name), normalise(name.rpartition("/")[2]))]
        if fit:
            chosen.append(_of_fields(ticker, priced[fit[0]], params))
        elif wanted in names:
            place = names.index(wanted)
            chosen.append(Columns(table.header[place], place, place))
        elif priced or _plain(names, params) is None:
            kind = "close" if params.price == "close" else "adjusted close"
            raise DataError(
                f"{table.path} has no {kind} column of ticker '{ticker}'; its columns are {listed(table)}: "
                "choose one with column"
            )
    return chosen or None


def _named_columns(table: Table, names: Sequence[str], layout: Layout, column: str) -> list[Columns]:
    if column.strip().lower() == "all" and "all" not in names:
        places = _candidates(table, names, layout) or [
            place for place, name in enumerate(names) if name in (*CLOSE_NAMES, *ADJUSTED_NAMES)
        ]
        if not places:
            raise DataError(f"{table.path} has no column of prices; its columns are {listed(table)}: give another file")
    else:
        whole = normalise(column) in names
        parts = [column] if whole else [part for part in column.split(",") if part.strip()]
        places = [_named(table, names, part) for part in parts]
    # Other columns belong to a price only by their names: AAPL.Open to AAPL.Close, and Open to Close.
    by_ticker, plain = _by_ticker(table), _plain(names, StockParams())
    chosen = []
    for place in dict.fromkeys(places):
        fields = next((fields for fields in by_ticker.values() if place in fields.values()), {})
        others = {name: index for name, index in fields.items() if name in OTHER_NAMES}
        close = fields.get("close", place)
        if not fields and plain is not None and names[place] in (*CLOSE_NAMES, *ADJUSTED_NAMES):
            others, close = plain.others, plain.close
        chosen.append(Columns(table.header[place] or "price", place, close, others))
    return chosen


def _candidates(table: Table, names: Sequence[str], layout: Layout) -> list[int]:
    """Columns that could hold a price each: numbers, and named after nothing else."""
    known = {word for words in OTHER_NAMES.values() for word in words} | NO_PRICES | TIME_NAMES
    found = []
    for index, name in enumerate(names):
        if index in (layout.date, layout.time, layout.ticker) or name in known or names_a_date(name):
            continue
        if name.startswith(("volume", "change", "unnamed")) or (not name and index == 0):
            continue
        cells = [cell for cell in table.column(index) if not is_missing(cell)][:PROBE_ROWS]
        if cells and sum(map(looks_like_a_number, cells)) * 2 > len(cells) and not any("%" in cell for cell in cells):
            found.append(index)
    return found


def _date_column(table: Table, names: Sequence[str]) -> int:
    """The column called date; else the one called time, or any other, in which most of the first rows hold dates."""
    named = [index for word in DATES for index, name in enumerate(names) if name == word]
    named += [index for index, name in enumerate(names) if names_a_date(name) and index not in named]
    if len(named) == 1:
        return named[0]
    for index in named:
        if _reads_as_dates(table.column(index)[:PROBE_ROWS]):
            return index
    if named:
        return named[0]
    for index in sorted(range(len(names)), key=lambda position: names[position] not in TIME_NAMES):
        cells = table.column(index)[:PROBE_ROWS]
        if (names[index] in TIME_NAMES or not all(map(_is_number_like, cells))) and _reads_as_dates(cells):
            return index
    raise DataError(f"{table.path} has no date column; its columns are {listed(table)}: call one of them Date")


def _is_number_like(cell: str) -> bool:
    """Whether a cell could as well be a price: an unnamed column of such cells is not taken for dates."""
    digits = cell.replace(".", "", 1)
    return digits.isdigit() and len(digits) != len("20240131")


def _reads_as_dates(cells: Sequence[str]) -> bool:
    try:
        days, _ = parse_dates(cells, None, "")
    except DataError as error:
        return "date_format" in str(error) and "can be read as" in str(error)
    return sum(day is not None for day in days) * 2 > len(cells)


def _ticker_column(table: Table, names: Sequence[str]) -> int | None:
    """The column that names a ticker in each row, and not a number of the row."""
    for word in TICKER_NAMES:
        for index, name in enumerate(names):
            if name != word:
                continue
            cells = table.column(index)
            is_row_name = len(cells) > LISTED and len(set(cells)) == len(cells)
            if not is_row_name and not (word == "index" and all(map(looks_like_a_number, cells))):
                return index
    return None


def _named(table: Table, names: Sequence[str], column: str) -> int:
    exact = [index for index, name in enumerate(table.header) if name.lower() == column.strip().lower()]
    alike = [index for index, name in enumerate(names) if name and name == normalise(column)]
    if not exact and not alike:
        raise DataError(
            f"{table.path} has no column '{column.strip()}'; its columns are {listed(table)}: choose one of them"
        )
    return (exact or alike)[0]


def _first(names: Sequence[str], words: Sequence[str]) -> int | None:
    return next((names.index(word) for word in words if word in names), None)


def listed(table: Table) -> str:
    """The names of a table's columns, for errors."""
    shown = [name or "(unnamed)" for name in table.header[:LISTED]]
    return ", ".join(shown) + (f" and {len(table.header) - LISTED} more" if len(table.header) > LISTED else "")
