"""Columns of text as dates and numbers, each column read by one rule for all its cells."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from seqbench import DataError
from seqbench_tasks.stock_forecasting.centuries import has_short_years, in_centuries

MISSING = frozenset(
    {"", "null", "none", "nan", "nat", "na", "n/a", "#n/a", "n.a.", "-", "--", "---", "\u2014", "\u2013", ".", "?"}
)

_NUMERIC_ORDERS = ("%Y{0}%m{0}%d", "%m{0}%d{0}%Y", "%d{0}%m{0}%Y", "%m{0}%d{0}%y", "%d{0}%m{0}%y", "%y{0}%m{0}%d")
_WORDED = ("%d{0}%b{0}%Y", "%d{0}%b{0}%y", "%d{0}%B{0}%Y", "%d{0}%B{0}%y", "%b{0}%d{0}%Y", "%B{0}%d{0}%Y",
           "%Y{0}%b{0}%d")  # fmt: skip
DATE_FORMATS = (
    *(order.format(mark) for mark in "-/." for order in _NUMERIC_ORDERS),
    *(order.format(mark) for mark in "-/ " for order in _WORDED),
    *("%b %d, %Y", "%B %d, %Y", "%b %d, %y", "%d %b, %Y", "%a, %b %d, %Y", "%a, %d %b %Y", "%A, %B %d, %Y",
      "%a %b %d %Y", "%a %m/%d/%Y", "%d%b%Y", "%Y年%m月%d日", "%Y년 %m월 %d일"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y", "%B %Y"),
    "%Y%m%d",
)  # fmt: skip
EPOCH = "seconds, or thousandths, millionths or billionths of them, since 1970"
SPREADSHEET = "days since 1899-12-30, as spreadsheets count"

_DAY_AND_TIME = re.compile(
    r"(?P<day>.+?)"
    r"(?:(?:[T ]|,\s)\s*(?P<hour>\d{1,2})(?:(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?)?"
    r"[\s-]?(?P<half>[AaPp]\.?[Mm]\.?)|:(?P<minute24>\d{2})(?::(?P<second24>\d{2})(?:[.,]\d+)?)?)"
    r"\s*(?P<zone>Z|[A-Z]{3,4}|(?:GMT|UTC)?(?P<offset>[+-]\d{2}(?::?\d{2})?))?"
    r"|[ T](?P<compact>\d{6})Z?)?"
)
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "BST": 1, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
          "EST": -5, "EDT": -4, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}  # fmt: skip
"""Hours ahead of UTC, of names that mean one place; CST is Chicago's and Shanghai's."""
_TRIAL_CELLS = 60
_SPACED_MARK = re.compile(r"(?<=\d)([-/.])\s+(?=\d{1,4}(?![\d:]))")
"""`2018- 01- 25` and `25. 1. 2018`, as Korean and German pages have them; but no time of day after a point."""
_FINAL_POINT = re.compile(r"^(\d{4}\.\d{1,2}\.\d{1,2})\.(?=$|\s)")
"""`2018.01.25.`, as Hungarian and Korean dates end."""
_CURRENCY = re.compile(
    r"[$€£¥₹₽₩₺₴₫₿฿₱₪\s\u00a0'\u2019]|USD|EUR|GBP|GBX|CHF|JPY|INR|CNY|HKD|AUD|CAD|SEK|NOK|DKK|PLN|BRL|KRW|RUB|^Rs\.?|^HK|^R\b"
)
_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?")
_SWAPPED = str.maketrans(".,", ",.")
_MAGNITUDES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, `null`, `--`, `-`, `N/A` and the like."""
    return cell.strip().lower() in MISSING


def looks_like_a_number(cell: str) -> bool:
    """Whether a cell holds a number in any convention."""
    return bool(re.fullmatch(r"[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?[KMBT%]?", _CURRENCY.sub("", cell)))


def looks_like_a_date(cell: str) -> bool:
    """Whether any format reads the cell; a bare number only with the digits of `20240131` or of an epoch."""
    if re.fullmatch(r"\d+(\.\d+)?", cell.strip()) and len(cell.strip()) not in (8, 10, 13, 16, 19):
        return False
    return any(_read(cell, name) for name in (*_possible(cell), EPOCH))


def parse_numbers(cells: Sequence[str], *, decimal_commas: bool | None = None) -> list[float]:
    """Prices or volumes as floats; NaN where a cell holds no finite number.

    Currency signs are dropped, and the `K`, `M`, `B` of volumes are multiplied out.
    decimal_commas: whether it is `1.234,50`, not `1,234.50`; by default what the whole column tells.
    """
    if all(map(_is_simple, cells)) and not decimal_commas:
        return [float(cell) for cell in cells]  # nine in ten columns, ten times as fast
    # 1.23M and 1,23M are the same: nobody shortens a number and parts its thousands.
    stripped = [re.sub(r"^([-+]?\d+),(\d+[KMBT])$", r"\1.\2", _CURRENCY.sub("", cell)) for cell in cells]
    if has_decimal_commas(stripped) if decimal_commas is None else decimal_commas:
        stripped = [
            cell if cell[-1:] in _MAGNITUDES and cell.count(".") == 1 else cell.translate(_SWAPPED) for cell in stripped
        ]
    return [_number(cell) for cell in stripped]


def _is_simple(cell: str) -> bool:
    """Digits with at most one point among them."""
    digits = cell.replace(".", "", 1)
    return digits.isascii() and digits.isdecimal()


def has_decimal_commas(cells: Sequence[str], *, is_semicolon: bool = False) -> bool:
    """Whether most cells that decide it (`1.234,50`, `12,5`, but not `1,234`) have the comma before the decimals.

    is_semicolon: whether cells are parted by semicolons; then `1,234` is taken for a decimal comma, if none decides.
    """
    if not any("," in cell or cell.count(".") > 1 for cell in cells):
        return False
    votes, open_cases = 0, 0
    for cell in (_CURRENCY.sub("", text) for text in cells):
        if "," in cell and "." in cell:
            votes += 1 if cell.rfind(",") > cell.rfind(".") else -1
        elif cell.count(",") > 1 or cell.count(".") > 1:
            votes += 1 if "." in cell else -1
        elif "," in cell:
            is_decimal = re.fullmatch(r"[-+]?(\d+,(\d{1,2}|\d{4,})|0,\d+)[KMBT%]?", cell) is not None
            votes += is_decimal
            open_cases += not is_decimal
        elif "." in cell:
            votes -= re.fullmatch(r"[-+]?(\d+\.(\d{1,2}|\d{4,})|0\.\d+)[KMBT%]?", cell) is not None
    return votes > 0 or (votes == 0 and is_semicolon and open_cases > 0)


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


def parse_dates(
    cells: Sequence[str], date_format: str | None, where: str, calendar: Sequence[str] | None = None
) -> tuple[list[datetime | None], str]:
    """Dates, with their time of day where there is one, all by one format; None where a cell holds no such date.

    Gives the format, too: with two digits of the year, dates are as strptime has them, and need `in_centuries`.

    They have the time zone of their cell, if it has an offset from UTC: else none. A cell with only a time is no date.
    When several formats read equally many cells, the one whose calendar runs one way without gaps wins.

    date_format: a strptime format instead of the search. where: file and column, for errors. calendar: the cells that
    should be one calendar, of a column with several series; by default all.
    Raises DataError when no format reads any cell, or when two remain that give different dates.
    """
    distinct = list(dict.fromkeys(cells))
    present = [cell for cell in distinct if not is_missing(cell)]
    example = f" (the first is '{present[0]}')" if present else ""
    if date_format is not None:
        read = {cell: _strptime(cell, date_format) or _read(cell, date_format) for cell in distinct}
        if not any(read.values()):
            raise DataError(f"{where} holds no dates that date_format = '{date_format}' reads{example}: correct it")
        return [read[cell] for cell in cells], date_format
    trial = present[:_TRIAL_CELLS]
    possible = list(dict.fromkeys(name for cell in trial for name in (*_possible(cell), EPOCH, SPREADSHEET)))
    formats = [name for name in possible if any(_read(cell, name) for cell in trial)]
    readings = {name: {cell: _read(cell, name) for cell in distinct} for name in formats}
    if not readings:
        raise DataError(f"{where} holds no dates that can be read{example}: give date_format, '%d.%m.%Y' for instance")
    counts = {name: sum(reading[cell] is not None for cell in cells) for name, reading in readings.items()}
    best = [name for name in formats if counts[name] == max(counts.values())]
    days = {name: [readings[name][cell] for cell in calendar or cells] for name in best}
    name = _one_calendar(best, days, where)
    return [readings[name][cell] for cell in cells], name


def instant(day: datetime) -> datetime:
    """A time in UTC, without its time zone; as it is where it has none."""
    wall = day.replace(tzinfo=None)
    try:
        return wall - (day.utcoffset() or timedelta())
    except OverflowError:  # the year 1, which some databases write for no date
        return wall


def _possible(cell: str) -> list[str]:
    """The formats whose separators the cell has: trying all of them would take most of the time."""
    has_word = any(letter.isalpha() for letter in cell)
    return [
        name
        for name in DATE_FORMATS
        if (has_word or not re.search(r"%[abAB]", name)) and set(re.sub(r"%[a-zA-Z]", "", name)) <= set(cell)
    ]


def _one_calendar(names: list[str], readings: dict[str, list[datetime | None]], where: str) -> str:
    """Of formats that read equally many cells, the one with the plainly most regular calendar."""
    ranked = sorted((_irregularity(readings[name], name), name) for name in names)
    if len(ranked) > 1:
        first, name = ranked[0]
        # Two formats that read every cell alike (31-Jan-2024 by %b and by %B) are one.
        others = [(second, other) for second, other in ranked[1:] if readings[other] != readings[name]]
        if others and not first * 2 < others[0][0]:
            raise DataError(f"{where} can be read as '{name}' and as '{others[0][1]}': say which with date_format")
    return ranked[0][1]


def _irregularity(days: Sequence[datetime | None], name: str) -> float:
    """The longest step over the median step, or infinity for a calendar that does not run one way."""
    known = [day for day in days if day is not None]
    if has_short_years(name):
        known = in_centuries(known)
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(map(instant, known))]
    steps = sorted(abs(step) for step in steps) if _runs_one_way(steps) else []
    middle = steps[len(steps) // 2] if steps else 0.0
    return steps[-1] / middle if middle > 0 else math.inf


def _runs_one_way(steps: Sequence[float]) -> bool:
    return all(step >= 0 for step in steps) or all(step <= 0 for step in steps)


def _strptime(cell: str, date_format: str) -> datetime | None:
    try:
        day = datetime.strptime(cell.strip(), date_format)  # noqa: DTZ007 - the wall clock, unless it says more
    except ValueError:
        return None
    # A format without a year would make it 1900, and one of only a time as well: neither is a date.
    return day if "%y" in date_format.lower() or re.search(r"%[cxDFGs+]", date_format) else None


def _read(cell: str, name: str) -> datetime | None:
    """One cell by a format, `EPOCH` or `SPREADSHEET`, a time of day after it allowed."""
    if name in (EPOCH, SPREADSHEET):
        return (_epoch if name == EPOCH else _spreadsheet)(cell.strip())
    plain = _FINAL_POINT.sub(r"\1", _SPACED_MARK.sub(r"\1", cell.strip()))
    match = _DAY_AND_TIME.fullmatch(re.sub(r"\b([A-Za-z]{3})\.(?=\s)", r"\1", plain))
    text = match["day"].strip() if match else ""
    if name == "%Y%m%d":
        text = text.removesuffix(".0")
        if len(text) != 8:  # strptime also takes 2024131
            return None
    day = _strptime(text, name) if match else None
    if match is None or day is None:
        return None
    compact = match["compact"]
    if compact:
        hour, minute, second = int(compact[:2]), int(compact[2:4]), int(compact[4:])
    else:
        hour = int(match["hour"] or 0)
        minute = int(match["minute"] or match["minute24"] or 0)
        second = int(match["second"] or match["second24"] or 0)
    half = (match["half"] or "").lower().replace(".", "")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    zone = None if match["zone"] is None else _zone(match["zone"], match["offset"])
    return (day if zone is None else day.replace(tzinfo=zone)) + timedelta(hours=hour, minutes=minute, seconds=second)


def _zone(name: str, offset: str | None) -> timezone | None:
    if offset is None:
        return timezone(timedelta(hours=_ZONES[name])) if name in _ZONES else None
    minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)) if minutes < 24 * 60 else None


def _epoch(cell: str) -> datetime | None:
    if not re.fullmatch(r"(\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(\.\d+)?", cell):
        return None
    digits = cell.partition(".")[0]
    seconds = int(digits) // 1000 ** ((len(digits) - 8) // 3)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)


def _spreadsheet(cell: str) -> datetime | None:
    if not re.fullmatch(r"\d{5}([.,]\d+)?", cell):
        return None
    days = float(cell.replace(",", "."))
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(days * 86_400))  # noqa: DTZ001 - the wall clock
    return moment if 1950 <= moment.year < 2100 else None
