"""The century of dates that have two digits of the year: what strptime takes for 2065 is 1965."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

CENTURY = 100
LONGEST_GAP = 10
"""Years between two rows: more are a step back in time, or a mistyped year, which must not move all others."""
LONGEST_CALENDAR = 150
"""Years of a series; more centuries are counted only where a file has several series one after another."""


def has_short_years(date_format: str) -> bool:
    """Whether a strptime format reads two digits as the year."""
    return re.search(r"%[yxD]", date_format) is not None


def tomorrow() -> date:
    """The last date that can be anywhere on earth by now: in Auckland it is tomorrow already."""
    return datetime.now(tz=UTC).date() + timedelta(days=1)


def in_centuries(days: Sequence[datetime]) -> list[datetime]:
    """Dates of one series in the order of its file, each in the latest century in which none is after today.

    Where the file runs one way, earlier rows are not after later ones either: 1920 comes before 1930, whatever is now.
    days: as strptime reads two digits of a year, which it takes for 1969 to 2068.
    """
    backwards = _one_way(reversed(days))
    if backwards is not None:
        return backwards[::-1]
    return _one_way(days) or [_at_most(day, tomorrow()) for day in days]


def _one_way(days: Iterable[datetime]) -> list[datetime] | None:
    """Dates that come latest first, in the centuries that make them so; None where none does without long gaps."""
    moved: list[datetime] = []
    for day in days:
        moved.append(_at_most(day, moved[-1].date() if moved else tomorrow()))
        if moved[0].year - moved[-1].year > LONGEST_CALENDAR:
            return None
    is_close = all(later.year - earlier.year <= LONGEST_GAP for later, earlier in pairwise(moved))
    return moved if is_close else None


def _at_most(day: datetime, limit: date) -> datetime:
    """The day in the last century in which it is not after the limit."""
    year = limit.year - (limit.year - day.year) % CENTURY
    if (day.month, day.day) > (limit.month, limit.day) and year == limit.year:
        year -= CENTURY
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February, which 2000 has and 1900 has not
        return day
