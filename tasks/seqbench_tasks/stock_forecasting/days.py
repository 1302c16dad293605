"""The date of each row of a file: one format for the whole column, and one clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqbench_tasks.stock_forecasting.cells import instant, parse_dates
from seqbench_tasks.stock_forecasting.centuries import has_short_years, in_centuries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from seqbench_tasks.stock_forecasting.columns import Layout
    from seqbench_tasks.stock_forecasting.params import StockParams
    from seqbench_tasks.stock_forecasting.table import Table

_COMPACT_TIME = re.compile(r"^(\d{2})(\d{2})(?:\d{2})?$")
"""`093000` or `0930`, as MetaTrader and Finam write it; the seconds are always 00."""


@dataclass(frozen=True)
class Dates:
    """position: of the column. read: by line, the cell with its time of day, and what it says; None for no date.

    is_mixed: whether offsets from UTC in the column differ, as summer's and winter's do. is_short: whether years have
    two digits; then the century of a date is not known before `placed`.
    """

    position: int
    read: Mapping[int, tuple[str, datetime | None]]
    is_mixed: bool
    is_short: bool

    def placed(self, days: Sequence[datetime]) -> list[datetime]:
        """The dates of one series, in the order of the file, in their centuries."""
        return in_centuries(days) if self.is_short else list(days)


def read_dates(table: Table, layout: Layout, params: StockParams, calendar: Table) -> Dates:
    """The date of each line, read by one format for the whole column, which the rows of one series decide.

    Raises DataError, naming file and column, when no format reads the dates, or several do.
    """
    where = f"{table.path}, column '{table.header[layout.date] or '(unnamed)'}',"
    stamps = _stamps(table, layout)
    days, date_format = parse_dates(stamps, params.date_format, where, _stamps(calendar, layout))
    read = {line: pair for (line, _), pair in zip(table.rows, zip(stamps, days, strict=True), strict=True)}
    return Dates(layout.date, read, len(_offsets(days)) > 1, has_short_years(date_format))


def on_one_clock(days: Sequence[datetime], *, is_mixed: bool) -> tuple[list[datetime], int | None]:
    """The days of one series without their offsets from UTC, and what their clock is ahead of UTC by, in seconds.

    The wall clock of the exchange is kept, unless the offsets of the file differ: then an hour of autumn comes twice on
    it, so times become UTC. Not so a series with one row a day: midnight in New York is no 05:00 of that day.
    The seconds are None where the file does not tell.
    """
    offsets = _offsets(days)
    if not offsets:
        return list(days), None
    if is_mixed and not _is_daily(days):
        return [instant(day) for day in days], 0
    is_known = len(offsets) == 1 and all(day.tzinfo for day in days)
    return [day.replace(tzinfo=None) for day in days], offsets.pop() if is_known else None


def _offsets(days: Sequence[datetime | None]) -> set[int]:
    found = (day.utcoffset() for day in days if day is not None and day.tzinfo is not None)
    return {int(offset.total_seconds()) for offset in found if offset is not None}


def _is_daily(days: Sequence[datetime]) -> bool:
    """Whether the time of day is always the same on the wall clock, or no date of it has two times."""
    distinct = {instant(day): day for day in days}.values()
    return len({day.time() for day in distinct}) <= 1 or len({day.date() for day in distinct}) == len(distinct)


def _stamps(table: Table, layout: Layout) -> list[str]:
    stamps = table.column(layout.date)
    if layout.time is None:
        return stamps
    times = [_COMPACT_TIME.sub(r"\1:\2", _padded(cell)) for cell in table.column(layout.time)]
    return [f"{day} {time}".strip() for day, time in zip(stamps, times, strict=True)]


def _padded(cell: str) -> str:
    """A time that a program took for a number has lost its zeros: 93000, or 0."""
    return cell.zfill(4 if len(cell) <= 4 else 6) if cell.isdigit() else cell
