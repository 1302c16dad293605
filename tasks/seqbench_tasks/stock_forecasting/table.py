"""A delimited text file as a header and numbered rows of cells, whatever program wrote it."""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from seqbench import DataError

DELIMITERS = ("\t", ";", "|", ",")
DATE_NAMES = ("date", "datetime", "timestamp", "dtyyyymmdd", "tradingday", "day")
"""The likelier first; a name that ends in `date` (`Trade Date`, `observation_date`) does too."""
TIME_NAMES = frozenset({"time"})
HEADER_SEARCH_ROWS = 20
"""A title or a licence may stand above the header, but never this many lines of it."""


@dataclass(frozen=True)
class Table:
    """path: as errors name it. header: column names, stripped. rows: `(line number from 1, cells)`, none blank."""

    path: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, index: int) -> list[str]:
        """The cells of one column, stripped; empty where a row is too short."""
        return [cells[index].strip() if index < len(cells) else "" for _, cells in self.rows]


def normalise(name: str) -> str:
    """A name as it is compared: lower case, letters and digits only, no leading `4. ` (`Close/Last` → closelast)."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\s*\d+\.\s+", "", name.lower()))


def names_a_date(name: str) -> bool:
    """Whether a normalised column name says that it holds dates."""
    return name in DATE_NAMES or name.endswith("date")


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or semicolon file, also gzipped; UTF-8 with or without BOM, UTF-16 with BOM, else Latin-1.

    Raises DataError when the file is missing, no text, or has no header with two columns and a row below it.
    """
    text = _decode(path)
    lines = _parse(text, _delimiter(text))
    start = _header_row(lines)
    if start is None:
        raise DataError(f"{path} has no header with at least two columns: give a CSV with a date and a close column")
    header, body = _yfinance_header(lines[start:]) or (lines[start][1], lines[start + 1 :])
    if not body:
        raise DataError(f"{path} has a header but no rows below it: give a CSV with one row per trading day")
    return Table(str(path), tuple(name.strip() for name in header), tuple((n, tuple(cells)) for n, cells in body))


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: give the path of a CSV with a date and a close column") from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): give a CSV with a date and a close column"
        ) from None
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            raise DataError(f"{path} is a damaged gzip file: fetch or export it again") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise DataError(f"{path} is no text file: export the prices as CSV")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _parse(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows with the line each begins on (a quoted cell may span lines), without blank ones and Excel's `sep=;`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not (line == 1 and cells[0].lower().startswith("sep=")):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"line {line} of the prices cannot be read as delimited text: {error}") from None
    return rows


def _delimiter(text: str) -> str:
    """The character that cuts the first lines into the most columns, every one of them into two if one does."""
    head = "".join(text.splitlines(keepends=True)[: 2 * HEADER_SEARCH_ROWS])

    def score(delimiter: str) -> tuple[bool, float]:
        widths = [len(cells) for _, cells in _parse(head, delimiter)]
        return bool(widths) and min(widths) > 1, median(widths) if widths else 0.0

    return max(DELIMITERS, key=score)


def _header_row(lines: list[tuple[int, list[str]]]) -> int | None:
    """The first row that names a date column, else the first with two cells."""
    head = lines[:HEADER_SEARCH_ROWS]
    for index, (_, cells) in enumerate(head):
        if len(cells) > 1 and any(names_a_date(normalise(cell)) for cell in cells):
            is_third_of_yfinance = index >= 2 and not any(cell.strip() for cell in cells[1:])
            return index - 2 if is_third_of_yfinance else index
    return next((index for index, (_, cells) in enumerate(head) if len(cells) > 1), None)


def _yfinance_header(
    lines: list[tuple[int, list[str]]],
) -> tuple[list[str], list[tuple[int, list[str]]]] | None:
    """Three header rows of yfinance (fields, tickers, `Date`) as one: `Close`, or `AAPL.Close` for several tickers."""
    labels = [cells[0].strip().lower() for _, cells in lines[:3]]
    if len(labels) < 3 or sorted(labels[:2]) not in (["price", "ticker"], ["", ""]) or any(lines[2][1][1:]):
        return None
    fields, tickers = lines[0][1][1:], lines[1][1][1:]
    if any(normalise(name) == "close" for name in tickers):  # group_by="ticker" has the tickers above the fields
        fields, tickers = tickers, fields
    is_panel = len({ticker.strip() for ticker in tickers}) > 1
    pairs = zip(fields, tickers, strict=False)
    names = [f"{ticker.strip()}.{name.strip()}" if is_panel else name for name, ticker in pairs]
    return [lines[2][1][0] or "Date", *names], lines[3:]
