"""The rows of one series: which are good, each day once, and a sentence about each of the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TYPE_CHECKING

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import has_decimal_commas, parse_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqbench_tasks.stock_forecasting.columns import Columns
    from seqbench_tasks.stock_forecasting.days import Dates
    from seqbench_tasks.stock_forecasting.params import StockParams
    from seqbench_tasks.stock_forecasting.table import Table

LARGEST_BAD_FRACTION = 0.05
"""More bad rows than this say that the file is not what it is taken for."""
LISTED_ROWS = 10
MIDNIGHT = time()


@dataclass(frozen=True)
class Row:
    """One day of a series: the line it is from, its price, and its open, high, low, volume where asked for."""

    line: int
    day: datetime
    price: float
    others: tuple[float, ...]


def good_rows(
    table: Table, columns: Columns, others: Mapping[str, int], dates: Dates, params: StockParams
) -> tuple[list[Row], list[str]]:
    """The rows with a date and all numbers, in the order of the file, and a sentence about each of the rest.

    Raises DataError when these are too many, or a price is not positive.
    """
    positions = {"price": columns.price, **others}
    cells_of = [table.column(position) for position in positions.values()]
    commas = has_decimal_commas([cell for cells in cells_of for cell in cells], is_semicolon=table.is_semicolon)
    numbers = [parse_numbers(cells, decimal_commas=commas) for cells in cells_of]
    good: list[Row] = []
    bad: list[str] = []
    for index, (line, cells) in enumerate(table.rows):
        values = [column[index] for column in numbers]
        stamp, day = dates.read[line]
        faulty = next(
            (place for place, value in zip(positions.values(), values, strict=True) if math.isnan(value)), None
        )
        if has_too_many(table, cells):
            bad.append(too_many(table, line, cells))
        elif day is None:
            bad.append(complaint(table, line, dates.position, stamp, "date"))
        elif faulty is not None:
            bad.append(complaint(table, line, faulty, cells[faulty].strip() if faulty < len(cells) else "", "number"))
        else:
            _check_positive(table, line, values, positions)
            good.append(Row(line, day, values[0], tuple(values[1:])))
    check_bad(table, bad, params)
    return good, bad


def has_too_many(table: Table, cells: Sequence[str]) -> bool:
    """Whether a row has more cells than the header.

    An unquoted thousands comma moves what follows: none of the row's cells can be trusted.
    """
    return any(cell.strip() for cell in cells[len(table.header) :])


def too_many(table: Table, line: int, cells: Sequence[str]) -> str:
    """What is wrong with a row with too many cells."""
    return f"line {line}: {len(cells)} cells where the header has {len(table.header)}"


def complaint(table: Table, line: int, position: int, cell: str, kind: str) -> str:
    """What is wrong with a cell that holds no date, number or ticker."""
    said = f"'{cell}' is no {kind}" if cell else f"no {kind} (the cell is empty)"
    return f"line {line}, column '{table.header[position] or '(unnamed)'}': {said}"


def _check_positive(table: Table, line: int, values: list[float], positions: dict[str, int]) -> None:
    for (name, position), value in zip(positions.items(), values, strict=True):
        if value <= 0 and not (name == "volume" and value == 0):
            raise DataError(
                f"{table.path}, line {line}, column '{table.header[position]}': {value:g} is not positive, "
                "which a price must be: mend or remove the row"
            )


def check_bad(table: Table, bad: Sequence[str], params: StockParams) -> None:
    """Raise DataError, with the first ten, when more of the rows are bad than is allowed."""
    allowed = 0.0 if params.strict else LARGEST_BAD_FRACTION
    if len(bad) <= allowed * len(table.rows):
        return
    listed = "; ".join(bad[:LISTED_ROWS]) + ("; ..." if len(bad) > LISTED_ROWS else "")
    limit = "and strict allows none" if params.strict else f"more than {LARGEST_BAD_FRACTION:.0%}"
    raise DataError(
        f"{table.path} has {len(bad)} bad row{'s' if len(bad) > 1 else ''} out of {len(table.rows)}, {limit}: {listed}"
    )


def as_days(rows: list[Row]) -> list[Row]:
    """Without the time of day, where it tells no two rows apart: Google writes 16:00:00 beside every daily close."""
    if len({row.day.date() for row in rows}) < len({row.day for row in rows}):
        return rows
    return [replace(row, day=row.day.replace(hour=0, minute=0, second=0, microsecond=0)) for row in rows]


def one_per_day(rows: list[Row], table: Table, price: int) -> tuple[list[Row], list[str]]:
    """The rows, oldest first, each day once.

    Raises DataError when a day comes twice with different prices.
    """
    kept: list[Row] = []
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
