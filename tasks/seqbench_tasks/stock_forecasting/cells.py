"""Columns of text as dates and numbers, each column read by one rule for all its cells."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from seqbench import DataError

MISSING = frozenset({"", "null", "none", "nan", "na", "n/a", "#n/a", "-", "--", "—", ".", "?"})

_NUMERIC_ORDERS = ("%Y{0}%m{0}%d", "%m{0}%d{0}%Y", "%d{0}%m{0}%Y", "%m{0}%d{0}%y", "%d{0}%m{0}%y", "%y{0}%m{0}%d")
_WORDED = ("%d{0}%b{0}%Y", "%d{0}%b{0}%y", "%d{0}%B{0}%Y", "%b{0}%d{0}%Y", "%Y{0}%b{0}%d")
DATE_FORMATS = (
    *(order.format(mark) for mark in "-/." for order in _NUMERIC_ORDERS),
    *(order.format(mark) for mark in "-/ " for order in _WORDED),
    *("%b %d, %Y", "%B %d, %Y", "%b %d, %y", "%d %b, %Y", "%a, %b %d, %Y", "%a, %d %b %Y", "%A, %B %d, %Y"),
    "%Y%m%d",
)
EPOCH = "seconds or milliseconds since 1970"

_DAY_AND_TIME = re.compile(
    r"(?P<day>.+?)"
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?:\s?(?P<half>[AaPp][Mm]))?\s*(?:Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2})?)?"
)
_TRIAL_CELLS = 60
_CURRENCY = re.compile(r"[$€£¥\s\u00a0']|USD|EUR|GBP")
_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?")
_SWAPPED = str.maketrans(".,", ",.")
_MAGNITUDES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, `null`, `--`, `-`, `N/A` and the like."""
    return cell.strip().lower() in MISSING


def parse_numbers(cells: Sequence[str]) -> list[float]:
    """Prices or volumes as floats; NaN where a cell holds no finite number.

    Currency signs are dropped, `1,234.50` and `1.234,50` are told apart by what the whole column holds, and the
    `K`, `M`, `B` of volumes are multiplied out.
    """
    stripped = [_CURRENCY.sub("", cell) for cell in cells]
    if _has_decimal_commas(stripped):
        stripped = [cell.translate(_SWAPPED) for cell in stripped]
    return [_number(cell) for cell in stripped]


def _has_decimal_commas(cells: Sequence[str]) -> bool:
    """Whether most cells that decide it (`1.234,50`, `12,5`, but not `1,234`) have the comma before the decimals."""
    votes = 0
    for cell in cells:
        if "," in cell and "." in cell:
            votes += 1 if cell.rfind(",") > cell.rfind(".") else -1
        elif "," in cell:
            votes += re.fullmatch(r"[-+]?(\d+,(\d{1,2}|\d{4,})|0,\d+)", cell) is not None
        elif "." in cell:
            votes -= re.fullmatch(r"[-+]?\d+\.(\d{1,2}|\d{4,})", cell) is not None
    return votes > 0


def _number(cell: str) -> float:
    factor = _MAGNITUDES.get(cell[-1:].upper())
    if factor is not None:
        cell = cell[:-1]
    if _GROUPED.fullmatch(cell):
        cell = cell.replace(",", "")
    if not _PLAIN.fullmatch(cell):
        return math.nan
    value = float(cell) * (factor or 1.0)
    return value if math.isfinite(value) else math.nan


def parse_dates(cells: Sequence[str], date_format: str | None, where: str) -> list[datetime | None]:
    """Dates, with their time of day where there is one, all by one format; None where a cell holds no such date.

    A time zone is left out: the wall clock of the exchange orders the rows. A cell with only a time is no date.
    When several formats read equally many cells, the one whose calendar runs one way without gaps wins.

    date_format: a strptime format instead of the search. where: file and column, for errors.
    Raises DataError when no format reads any cell, or when two remain that give different dates.
    """
    if date_format is not None:
        return [_strptime(cell, date_format) for cell in cells]
    present = [cell for cell in cells if not is_missing(cell)]
    trial = present[:_TRIAL_CELLS]
    formats = [name for name in (*DATE_FORMATS, EPOCH) if any(_read(cell, name) for cell in trial)]
    readings = {name: [_read(cell, name) for cell in cells] for name in formats}
    if not readings:
        example = f" (the first is '{present[0]}')" if present else ""
        raise DataError(f"{where} holds no dates that can be read{example}: give date_format, '%d.%m.%Y' for instance")
    counts = {name: sum(day is not None for day in days) for name, days in readings.items()}
    best = [name for name in formats if counts[name] == max(counts.values())]
    return readings[_one_calendar(best, readings, where)]


def _one_calendar(names: list[str], readings: dict[str, list[datetime | None]], where: str) -> str:
    """Of formats that read equally many cells, the one with the plainly most regular calendar."""
    ranked = sorted((_irregularity(readings[name]), name) for name in names)
    if len(ranked) > 1 and readings[ranked[0][1]] != readings[ranked[1][1]]:
        (first, name), (second, other) = ranked[:2]
        if not first * 2 < second:
            raise DataError(f"{where} can be read as '{name}' and as '{other}': say which with date_format")
    return ranked[0][1]


def _irregularity(days: Sequence[datetime | None]) -> float:
    """The longest step over the median step, or infinity for a calendar that does not run one way."""
    known = [day for day in days if day is not None]
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(known)]
    steps = sorted(abs(step) for step in steps) if _runs_one_way(steps) else []
    middle = steps[len(steps) // 2] if steps else 0.0
    return steps[-1] / middle if middle > 0 else math.inf


def _runs_one_way(steps: Sequence[float]) -> bool:
    return all(step >= 0 for step in steps) or all(step <= 0 for step in steps)


def _strptime(cell: str, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(cell.strip(), date_format).replace(tzinfo=None)  # noqa: DTZ007 - the wall clock
    except ValueError:
        return None


def _read(cell: str, name: str) -> datetime | None:
    """One cell by one of `DATE_FORMATS` or `EPOCH`, a time of day after it allowed."""
    if name == EPOCH:
        return _epoch(cell.strip())
    match = _DAY_AND_TIME.fullmatch(cell.strip())
    day = _strptime(match["day"].strip(), name) if match else None
    if match is None or day is None or match["hour"] is None:
        return day
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    half = (match["half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return day + timedelta(hours=hour, minutes=minute, seconds=second)


def _epoch(cell: str) -> datetime | None:
    if not re.fullmatch(r"\d{9,10}(\.0)?|\d{12,13}", cell):
        return None
    seconds = float(cell) / (1000 if len(cell.partition(".")[0]) > 10 else 1)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None, microsecond=0)
