"""A delimited text file as a header and numbered rows of cells, whatever program wrote it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import looks_like_a_date, looks_like_a_number
from seqbench_tasks.stock_forecasting.names import CLOSE_NAMES, DATE_NAMES, names_a_date, normalise
from seqbench_tasks.stock_forecasting.text import read_text

DELIMITERS = ("\t", ";", "|", ",")
LONGEST_QUOTED = 100
"""Characters of a line that an error repeats: a site's message instead of prices says there what is wrong."""
HEADER_SEARCH_ROWS = 30
"""A title or a licence may stand above the header, but never this many lines of it."""
BARS = ("Open", "High", "Low", "Close", "Volume")
"""The order in which files without a header (MetaTrader, Kraken, Binance) have their columns after the date."""
_SINGLE_QUOTED = re.compile(r"(?:^|(?<=[,;\t| ]))'(?:[^']|'')*'(?=$|[,;\t| ])")

Line = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """path: as errors name it. header: column names, stripped. rows: `(line number from 1, cells)`, none blank.

    is_semicolon: whether semicolons part the cells, which they do where a comma is a decimal point.
    """

    path: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    is_semicolon: bool = False

    def column(self, index: int) -> list[str]:
        """The cells of one column, stripped; empty where a row is too short."""
        return [cells[index].strip() if index < len(cells) else "" for _, cells in self.rows]


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or semicolon file (see `read_text` for what it may be packed in), with or without a header.

    Raises DataError when the file is missing, no text, or has no two columns with a row below them.
    """
    return table_of(read_text(path), path)


def table_of(text: str, path: Path) -> Table:
    """The table that a text is. path: what errors name. Raises DataError as `read_table` does."""
    quote = _quote(text)
    delimiter = _delimiter(text, path, quote)
    lines = _parse(text, delimiter, path, quote)
    start = _header_row(lines)
    if start is None:
        raise DataError(
            f"{path} has no header with at least two columns, its first line is {_first_line(text)}: "
            "give a CSV with a date and a close column"
        )
    header, body = _with_header(lines, start)
    if not body:
        raise DataError(
            f"{path} has a header but no rows below it, its first line is {_first_line(text)}: "
            "give a CSV with one row per trading day"
        )
    if median(len(cells) for _, cells in body) == len(header) + 1 and body[0][1][-1].strip():
        header = ["", *header]  # R's write.table gives its row names no header
    rows = tuple((number, tuple(cells)) for number, cells in body)
    return Table(str(path), tuple(name.strip() for name in header), rows, delimiter == ";")


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"'{line[:LONGEST_QUOTED]}{'...' if len(line) > LONGEST_QUOTED else ''}'"


def _parse(text: str, delimiter: str, path: Path, quote: str) -> list[Line]:
    """Rows with the line each begins on (a quoted cell may span lines), without blank ones and Excel's `sep=;`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, skipinitialspace=True)
    rows: list[Line] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not (line == 1 and cells[0].lower().startswith("sep=")):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {line}, cannot be read as delimited text ({error}): export the prices as CSV again"
        ) from None
    return rows


def _head(text: str) -> list[str]:
    return text.splitlines(keepends=True)[: 2 * HEADER_SEARCH_ROWS]


def _quote(text: str) -> str:
    """What cells are wrapped in: single quotes where no mark of the first lines is elsewhere than around a cell.

    So `1'234.50` and `Jan '24` do not make it one. Some cells may be bare: a header, or numbers, as in dumps of SQL.
    """
    lines = [line.strip() for line in _head(text) if line.strip()]
    bare = [_SINGLE_QUOTED.sub("", line) for line in lines]
    wrapped = sum(without != line for without, line in zip(bare, lines, strict=True))
    return "'" if wrapped * 2 > len(lines) and not any(re.search("['\"]", line) for line in bare) else '"'


def _delimiter(text: str, path: Path, quote: str) -> str:
    """The character that cuts the first lines into the most columns, every one of them into two if one does."""
    head = "".join(_head(text))

    def score(delimiter: str) -> tuple[bool, float]:
        widths = [len(cells) for _, cells in _parse(head, delimiter, path, quote)]
        return bool(widths) and min(widths) > 1, median(widths) if widths else 0.0

    best = max(DELIMITERS, key=score)
    return best if score(best)[1] > 1 or score(" ")[1] < 2 else " "


def _header_row(lines: list[Line]) -> int | None:
    """The first row as wide as the rest that names a date column, else the first that wide."""
    head = lines[: 2 * HEADER_SEARCH_ROWS]
    width = median(len(cells) for _, cells in head) if head else 0
    wide = [index for index, (_, cells) in enumerate(head[:HEADER_SEARCH_ROWS]) if 1 < len(cells) >= width - 1]
    # `Start Date,1/2/2018` above a header is none: a header has no date in it.
    dated = [
        index
        for index in wide
        if any(names_a_date(normalise(cell)) for cell in head[index][1])
        and not any(map(looks_like_a_date, head[index][1]))
    ]
    for index in dated:
        is_third_of_yfinance = index >= 2 and not any(cell.strip() for cell in head[index][1][1:])
        return index - 2 if is_third_of_yfinance else index
    return next(iter(wide), None)


def _with_header(lines: list[Line], start: int) -> tuple[list[str], list[Line]]:
    return (
        _yfinance_header(lines[start:])
        or _two_headers(lines[start:])
        or _no_header(lines[start:])
        or (lines[start][1], lines[start + 1 :])
    )


def _yfinance_header(lines: list[Line]) -> tuple[list[str], list[Line]] | None:
    """Three header rows of yfinance (fields, tickers, `Date`) as one: `Close`, or `AAPL.Close` for several tickers."""
    labels = [cells[0].strip().lower() for _, cells in lines[:3]]
    if len(labels) < 3 or sorted(labels[:2]) not in (["price", "ticker"], ["", ""]) or any(lines[2][1][1:]):
        return None
    return [lines[2][1][0] or "Date", *_joined(lines[0][1][1:], lines[1][1][1:])], lines[3:]


def _two_headers(lines: list[Line]) -> tuple[list[str], list[Line]] | None:
    """Fields above tickers, as pandas writes a yfinance frame whose dates were made a column."""
    if len(lines) < 3:
        return None
    first, second = lines[0][1], lines[1][1]
    is_labels = all(not looks_like_a_number(cell) and not looks_like_a_date(cell) for cell in second)
    has_a_date = any(names_a_date(normalise(cell)) for cell in first)
    has_repeats = len({cell.strip() for cell in first if cell.strip()}) < sum(1 for cell in first if cell.strip())
    if not (is_labels and has_a_date and has_repeats and len(first) == len(second)):
        return None
    names = [
        name if names_a_date(normalise(name)) or not ticker.strip() else f"{ticker.strip()}.{name.strip()}"
        for name, ticker in zip(first, second, strict=True)
    ]
    return names, lines[2:]


def _joined(fields: list[str], tickers: list[str]) -> list[str]:
    if any(normalise(name) == "close" for name in tickers):  # group_by="ticker" has the tickers above the fields
        fields, tickers = tickers, fields
    is_panel = len({ticker.strip() for ticker in tickers}) > 1
    pairs = zip(fields, tickers, strict=False)
    return [f"{ticker.strip()}.{name.strip()}" if is_panel else name for name, ticker in pairs]


def _no_header(lines: list[Line]) -> tuple[list[str], list[Line]] | None:
    """Names for a file that begins with its first day: a date, perhaps a time, then a close, or bars."""
    cells = [cell.strip() for cell in lines[0][1]]
    if any(re.search(r"[^\W\d_]{4,}", cell) for cell in cells[1:]) or not looks_like_a_date(cells[0]):
        return None
    if any(normalise(cell) in (*DATE_NAMES, *CLOSE_NAMES) for cell in cells):
        return None
    has_time = len(cells) > 2 and re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", cells[1]) is not None
    labels = ["Date", *(["Time"] if has_time else [])]
    numbers = cells[len(labels) :]
    if not numbers or not all(looks_like_a_number(cell) for cell in numbers[:4]):
        return None
    if len(numbers) >= 4:
        labels += [*BARS[: len(numbers)], *(f"column {place}" for place in range(len(labels) + 6, len(cells) + 1))]
    elif len(numbers) == 1:
        labels.append("Close")
    else:
        return None
    return labels, lines
