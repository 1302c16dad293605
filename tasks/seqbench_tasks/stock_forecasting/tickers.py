"""The rows that belong to one series, of a file with a row per day and ticker, or with a column per ticker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import is_missing
from seqbench_tasks.stock_forecasting.params import ALL
from seqbench_tasks.stock_forecasting.rows import LISTED_ROWS, complaint, has_too_many, too_many
from seqbench_tasks.stock_forecasting.table import Table

if TYPE_CHECKING:
    from seqbench_tasks.stock_forecasting.columns import Layout
    from seqbench_tasks.stock_forecasting.params import StockParams

    Line = tuple[int, tuple[str, ...]]

LIKE_MISSING = frozenset({"NA", "NAN"})
"""Tickers in Toronto and New York, whatever else programs mean by them."""


def by_ticker(
    table: Table, layout: Layout, params: StockParams, *, is_alone: bool
) -> tuple[list[tuple[str, Table]], list[str]]:
    """The rows of each ticker asked for, of a file with a row per day and ticker, and what is wrong with those of none.

    is_alone: whether the file has to have every ticker asked for.
    Raises DataError when nothing says which of several tickers, or one asked for is not there.
    """
    if layout.ticker is None:
        return [("", table)], []
    rows, lost = _grouped(table, layout.ticker)
    if not rows:
        return [("", table)], []
    spelled = {name.lower(): name for name in rows}
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
    return [(name, Table(table.path, table.header, tuple(rows[name]), table.is_semicolon)) for name in chosen], lost


def _grouped(table: Table, position: int) -> tuple[dict[str, list[Line]], list[str]]:
    """The rows by ticker, as it is spelled first, and a sentence about each row that does not tell its ticker."""
    rows: dict[str, list[Line]] = {}
    spelled: dict[str, str] = {}
    lost: list[str] = []
    names = table.column(position)
    # A row whose cells have moved may have a volume where the tickers are.
    known = {name.lower() for name, (_, cells) in zip(names, table.rows, strict=True) if not has_too_many(table, cells)}
    for name, (line, cells) in zip(names, table.rows, strict=True):
        if has_too_many(table, cells) and name.lower() not in known:
            lost.append(too_many(table, line, cells))
        elif is_missing(name) and name not in LIKE_MISSING:
            lost.append(complaint(table, line, position, name, "ticker"))
        else:
            rows.setdefault(spelled.setdefault(name.lower(), name), []).append((line, cells))
    return rows, lost


def _shown(names: list[str]) -> str:
    return ", ".join(names[:LISTED_ROWS]) + (" ..." if len(names) > LISTED_ROWS else "")


def while_listed(table: Table, price: int) -> Table:
    """Rows from the first price to the last: beside older tickers, one listed later has no bad rows before that.

    Raises DataError where there is no price.
    """
    has_price = [not is_missing(cell) for cell in table.column(price)]
    if not any(has_price):
        raise DataError(f"{table.path} has no price in column '{table.header[price]}': choose another column")
    last = len(has_price) - has_price[::-1].index(True)
    return Table(table.path, table.header, table.rows[has_price.index(True) : last], table.is_semicolon)
