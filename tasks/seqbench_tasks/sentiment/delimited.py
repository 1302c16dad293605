"""Delimited files (CSV, TSV, semicolons): the separator, whether quotes are quotes, whether there is a header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from seqbench import DataError
from seqbench_tasks.sentiment.columns import LABEL_NAMES, MAX_LABELS, TEXT_NAMES, find_columns, has_header
from seqbench_tasks.sentiment.texts import Table, counted

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
WELL_QUOTED = re.compile(r'"([^"]|"")*"')
"""A whole field in quotes (RFC 4180), quotes inside doubled."""
HEAD_ROWS = 200
HEAD_CHARACTERS = 300_000
MAX_FIELD = (1 << 31) - 1
"""Characters of a field: the csv module's own limit of 131,072 is less than some texts have."""
REGULAR_PART = 0.95
"""Of the rows must have as many fields as the first, or as most."""

Row = tuple[int, list[str]]
"""The line that a row begins in, from 1, and its fields."""


def read_delimited(path: str, name: str, text: str, separator: str, warnings: list[str]) -> Table:
    """The table of a file. path: for messages; name: for places.

    Raises DataError for a file without rows, and for one whose rows differ in their number of fields.
    """
    rows = _rows(path, text, separator, warnings)
    if not rows:
        raise DataError(f"{path} is empty: give a file with a text and a label per row.")
    step = max(1, len(rows) // HEAD_ROWS)
    with_header = has_header([cells for _, cells in [*rows[:HEAD_ROWS], *rows[HEAD_ROWS::step]]])
    if with_header and len(rows) == 1:
        raise DataError(f"{path} has a header and no rows: give it a text and a label per row.")
    head = rows[0][1]
    width = len(head) if with_header else Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    names = unique_names(head if with_header else [""] * width)
    body = rows[1:] if with_header else rows
    kept, bad = _regular(body, width, name)
    if len(bad) > (1 - REGULAR_PART) * len(body) and width == 2 and (joined := _joined(body, separator)):
        told = f"{SEPARATORS.get(separator, separator)} in a text not in quotes"
        warnings.append(f"{counted(len(bad), 'row')} of {path} with {told}")
        kept, bad = joined, []
    if len(bad) > (1 - REGULAR_PART) * len(body):
        number, cells = next((number, cells) for number, cells in body if len(_trimmed(cells, width)) > width)
        raise DataError(
            f"line {number} of {path} has {counted(len(cells), 'field')} where the first row has {width}: "
            f"put a field with {SEPARATORS.get(separator, separator)} in it in quotes."
        )
    columns = {column: [cells[place] for _, cells in kept] for place, column in enumerate(names)}
    return Table(name, columns, [number for number, _ in kept], bad)


def unique_names(names: Sequence[str]) -> list[str]:
    """Names of columns: those that are empty are numbered (`column_3`), those that come again too (`text_2`)."""
    found: list[str] = []
    for number, given in enumerate(names, 1):
        name = given.strip() or f"column_{number}"
        found.append(name if name not in found else f"{name}_{number}")
    return found


def find_separator(suffix: str, text: str) -> str:
    """The separator that gives the first rows the same number of fields, two or more; the suffix's own in doubt."""
    own = "\t" if suffix in (".tsv", ".tab") else ","
    head = text[:HEAD_CHARACTERS]
    scores: dict[str, tuple[bool, float, bool]] = {}
    for separator in sorted(SEPARATORS, key=lambda candidate: candidate != own):
        rows = _head_rows(head, separator)
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
        if width > 1:
            regular = [cells for cells in rows if len(cells) == width]
            is_labelled = find_columns(dict(enumerate_columns(regular))) is not None
            scores[separator] = (has_usual_name(rows[0]) and len(rows[0]) > 1, round(count / len(rows), 2), is_labelled)
    return max(scores, key=lambda separator: scores[separator], default=own)


def enumerate_columns(rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, list[str]]]:
    """The columns of rows of one length, by their number."""
    for place, cells in enumerate(zip(*rows, strict=True)):
        yield str(place), list(cells)


def has_usual_name(cells: Sequence[str]) -> bool:
    """Is one of a first row's cells what text and label columns are called?"""
    return any(cell.strip().strip('"').lower() in {*TEXT_NAMES, *LABEL_NAMES} for cell in cells)


def _head_rows(head: str, separator: str) -> list[list[str]]:
    if separator == "\t":
        return [line.split(separator) for line in head.split("\n")[:HEAD_ROWS] if line]
    reader = csv.reader(io.StringIO(head, newline="\n"), delimiter=separator)
    with _long_fields():
        return [row for _, row in zip(range(HEAD_ROWS), reader, strict=False) if row]


def _regular(rows: list[Row], width: int, name: str) -> tuple[list[Row], list[str]]:
    """Rows of `width` fields, short ones filled up, and what is to be said of those with more."""
    kept, bad = [], []
    for number, cells in rows:
        trimmed = _trimmed(cells, width)
        if len(trimmed) > width:
            bad.append(f"{name}:{number} has {counted(len(cells), 'field')}, not {width}")
        else:
            kept.append((number, trimmed + [""] * (width - len(trimmed))))
    return kept, bad


def _joined(rows: list[Row], separator: str) -> list[Row] | None:
    """Rows of a label and a text, where separators in the text are no end of it; None if no column has few kinds."""
    kinds = {place: len({cells[place].strip() for _, cells in rows}) for place in (0, -1)}
    likely = [place for place in kinds if 2 <= kinds[place] <= min(MAX_LABELS, len(rows) // 2)]
    if not likely:
        return None
    if min(likely, key=lambda place: kinds[place]) == 0:
        return [(number, [cells[0], separator.join(cells[1:])]) for number, cells in rows]
    return [(number, [separator.join(cells[:-1]), cells[-1]]) for number, cells in rows]


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Without empty cells at the end beyond the width."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _rows(path: str, text: str, separator: str, warnings: list[str]) -> list[Row]:
    """The rows that are not empty.

    In tab-separated files quotes are mostly plain text: there they count only where each field that begins with one is
    wholly quoted within its line, lest a stray quote swallow the rows up to the next, or where nothing else gives rows
    of one length. In others they count, unless the file cannot be read so and can be read without.
    """
    plain = [(number, line.split(separator)) for number, line in enumerate(text.split("\n"), 1) if line]
    if separator == "\t" and not _is_well_quoted(plain):
        quoted = None if is_regular(plain) else _quoted(text, separator)
        return quoted if quoted is not None and is_regular(quoted) else plain
    try:
        return list(_parsed(text, separator, strict=True))
    except csv.Error as error:
        line, reason = _line_of(text, separator), error
    escaped = _quoted(text, separator, escapechar="\\")
    if escaped is not None and is_regular(escaped):
        return escaped
    if len({len(cells) for _, cells in plain}) == 1 and len(plain[0][1]) > 1:
        return plain
    lenient = list(_parsed(text, separator, strict=False))
    if is_regular(lenient) and not any("\n" in cell for _, cells in lenient for cell in cells):
        warnings.append(f"line {line} of {path} has a quote that does not fit: it was read as part of the text")
        return lenient
    raise DataError(
        f"line {line} of {path} has a quote that does not fit ({reason}): double the quotes inside a quoted field."
    )


def is_regular(rows: Sequence[Row]) -> bool:
    """Have nearly all rows the same number of fields, two or more?"""
    width, count = Counter(len(cells) for _, cells in rows).most_common(1)[0] if rows else (0, 0)
    return width > 1 and count >= REGULAR_PART * len(rows)


def _quoted(text: str, separator: str, escapechar: str | None = None) -> list[Row] | None:
    try:
        return list(_parsed(text, separator, strict=True, escapechar=escapechar))
    except csv.Error:
        return None


def _parsed(text: str, separator: str, *, strict: bool, escapechar: str | None = None) -> Iterator[Row]:
    stream = io.StringIO(text, newline="\n")
    reader = csv.reader(stream, delimiter=separator, strict=strict, escapechar=escapechar)
    begin = 1
    with _long_fields():
        for row in reader:
            if row:
                yield begin, row
            begin = reader.line_num + 1


def _line_of(text: str, separator: str) -> int:
    """The line in which strict reading stops."""
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=separator, strict=True)
    try:
        with _long_fields():
            for _ in reader:
                pass
    except csv.Error:
        pass
    return reader.line_num


def _is_well_quoted(rows: list[Row]) -> bool:
    return all(WELL_QUOTED.fullmatch(field) for _, row in rows for field in row if field.startswith('"'))


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
