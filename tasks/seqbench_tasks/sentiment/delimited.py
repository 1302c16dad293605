"""How a CSV or TSV file is written: its separator, whether quotes are quotes, whether it has a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.columns import has_header

WELL_QUOTED = r'"([^"]|"")*"'
"""A whole field in quotes (RFC 4180), quotes inside doubled."""
HEAD_ROWS = 200
MAX_FIELD = (1 << 31) - 1
"""Characters of a field: the csv module's own limit of 131,072 is less than some texts have."""


@dataclass(frozen=True)
class Delimited:
    """What a reader must know of the file. `names` are the columns; `has_header` is whether its first row has them."""

    separator: str
    is_quoted: bool
    has_header: bool
    names: tuple[str, ...]

    @property
    def options(self) -> dict[str, Any]:
        """What pandas is told through `Dataset.from_csv`: every cell a string, rows end at a line feed only."""
        from datasets import Features, Value

        return {
            "sep": self.separator,
            "quoting": int(csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE),
            "header": 0 if self.has_header else None,
            "names": list(self.names),
            "features": Features({name: Value("string") for name in self.names}),
            "keep_default_na": False,
            "encoding": "utf-8-sig",
            "on_bad_lines": "error",
            "skip_blank_lines": False,
            # A lone carriage return or U+2028 is part of a text.
            "lineterminator": "\n",
        }


def inspect(path: Path) -> Delimited:
    """Find out by reading the file once. Raises DataError for what is not UTF-8 or has rows of too many fields."""
    text = _decoded(path)
    separator = _separator(path, text)
    rows, is_quoted = _rows(path, text, separator)
    first = next((row for row in rows if row), None)
    if first is None:
        raise DataError(f"{path} is empty: give a file with a text and a label per row.")
    with_header = has_header([row for row in rows if row][:HEAD_ROWS])
    width = len(first)
    wide = next((number for number, row in enumerate(rows, 1) if len(row) > width), None)
    if wide is not None:
        raise DataError(
            f"row {wide} of {path} has {len(rows[wide - 1])} fields where the first row has {width}: "
            f"put a field with {_named(separator)} in it in quotes."
        )
    if with_header and sum(1 for row in rows if row) == 1:
        raise DataError(f"{path} has a header and no rows: give it a text and a label per row.")
    names = tuple(first) if with_header else tuple(f"column_{number}" for number in range(1, width + 1))
    if len(set(names)) < width:
        raise DataError(f"{path} has two columns of one name ({', '.join(names)}): rename one.")
    return Delimited(separator, is_quoted, with_header, names)


def _decoded(path: Path) -> str:
    """The text, with line feeds as the only line ends that the csv module sees."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", " ")


def _separator(path: Path, text: str) -> str:
    """A tab by the file's name, or if each of the first lines has one and the first has no comma; else a comma."""
    lines = [line for line in text[:100_000].split("\n")[:HEAD_ROWS] if line]
    is_tabbed = bool(lines) and "," not in lines[0] and "\t" in lines[0]
    if path.suffix.lower() == ".txt":
        is_tabbed = bool(lines) and "\t" in lines[0]
    return "\t" if path.suffix.lower() == ".tsv" or is_tabbed else ","


def _rows(path: Path, text: str, separator: str) -> tuple[list[list[str]], bool]:
    """The rows, and whether quotes count as quotes.

    In tab-separated files quotes are mostly plain text: there they count only where each field that begins with one is
    wholly quoted within its line, lest a stray quote swallow the rows up to the next. In comma-separated files they
    count unless the file cannot be read so and can be read without.
    """
    plain = [line.split(separator) if line else [] for line in text.split("\n")]
    if separator == "\t" and not _is_well_quoted(plain):
        return plain, False
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=separator, strict=True)
    try:
        with _long_fields():
            return list(reader), True
    except csv.Error as error:
        if len({len(row) for row in plain if row}) == 1:
            return plain, False
        raise DataError(
            f"line {reader.line_num} of {path} has a quote that does not fit ({error}): "
            "double the quotes inside a quoted field."
        ) from None


def _is_well_quoted(rows: list[list[str]]) -> bool:
    import re

    pattern = re.compile(WELL_QUOTED)
    return all(pattern.fullmatch(field) for row in rows for field in row if field.startswith('"'))


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _named(separator: str) -> str:
    return "a tab" if separator == "\t" else "a comma"
