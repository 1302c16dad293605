"""What readers of sources give: tables of cells, then labelled texts by split, each with the place it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validation", "test")
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: what JSON escapes cut in the middle give, and names of files that are not UTF-8."""


@dataclass(frozen=True)
class Table:
    """A file's columns by name, every cell a string.

    name: of the file, for places and messages. places: of each row, its line (or row) in the file, from 1; a name of
    its own where the row is a file. bad: rows that could not be read, each with the reason. nested: columns that hold
    lists or objects, which are neither texts nor labels. has_names: are the columns the file's own, not made up here?
    """

    name: str
    columns: dict[str, list[str]]
    places: list[int] | list[str]
    bad: list[str] = field(default_factory=list)
    nested: frozenset[str] = frozenset()
    has_names: bool = True

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int) -> str:
        """Where a row comes from: `train.tsv:17`, or the name of its file."""
        where = self.places[row]
        return whole(where if isinstance(where, str) else f"{self.name}:{where}")


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def whole(text: str) -> str:
    """A text that can be encoded: halves of characters become U+FFFD."""
    return SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its label, and its place (`train.tsv:17`), which is its id."""

    text: str
    label: str
    place: str


@dataclass(frozen=True)
class Corpus:
    """Texts by split, the labels in order, and facts for the notes."""

    splits: dict[str, list[LabelledText]]
    labels: tuple[str, ...]
    notes: dict[str, Any] = field(default_factory=dict)
