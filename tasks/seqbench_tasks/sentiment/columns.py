"""Which columns of a table are the text and the label, and whether its first row is a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TEXT_NAMES = ("text", "sentence", "review", "content", "comment", "body", "phrase", "tweet", "document", "reviewtext")
LABEL_NAMES = ("label", "sentiment", "class", "polarity", "rating", "stars", "score", "target", "category", "labels")
MAX_LABEL_WORDS = 4
"""A label is short; a text has more words on average."""
MAX_LABELS = 50


@dataclass(frozen=True)
class Columns:
    """The names of the text and the label column."""

    text: str
    label: str


def find_columns(
    columns: Mapping[str, Sequence[str]], text: str | None = None, label: str | None = None
) -> Columns | None:
    """By name where a column has a usual one, else by type: the text is the wordiest, the label repeats itself."""
    text = text or _by_name(columns, TEXT_NAMES) or _wordiest(columns, exclude=label)
    rest = {name: values for name, values in columns.items() if name != text}
    label = label or _by_name(rest, LABEL_NAMES) or _most_repeated(rest)
    return Columns(text, label) if text and label else None


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Is the first row of a file the names of its columns?

    Yes if it has a usual name; else no if its label is one that other rows have, or if it is no wordless row.
    """
    first = [cell.strip().lower() for cell in rows[0]]
    if set(first) & {*TEXT_NAMES, *LABEL_NAMES}:
        return True
    body = {str(place): [row[place] for row in rows[1:] if place < len(row)] for place in range(len(first))}
    found = find_columns(body)
    if found is None:
        return False
    label, text = int(found.label), int(found.text)
    return rows[0][label] not in body[found.label] and len(first[text].split()) <= 2


def _by_name(columns: Mapping[str, Sequence[str]], names: Sequence[str]) -> str | None:
    by_name = {name.strip().lower(): name for name in columns}
    return next((by_name[name] for name in names if name in by_name), None)


def _words(values: Sequence[str]) -> float:
    sample = values[:500]
    return sum(len(value.split()) for value in sample) / max(1, len(sample))


def _wordiest(columns: Mapping[str, Sequence[str]], exclude: str | None) -> str | None:
    candidates = [name for name in columns if name != exclude]
    best = max(candidates, key=lambda name: _words(columns[name]), default=None)
    return best if best is not None and _words(columns[best]) > 1 else None


def _most_repeated(columns: Mapping[str, Sequence[str]]) -> str | None:
    kinds = {name: len(set(values)) for name, values in columns.items()}
    likely = [
        name
        for name, values in columns.items()
        if 2 <= kinds[name] <= min(MAX_LABELS, max(2, len(values) // 2)) and _words(values) <= MAX_LABEL_WORDS
    ]
    return min(likely, key=lambda name: kinds[name], default=None)
