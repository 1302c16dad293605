"""What readers of sources give: labelled texts by split, each with the place that it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
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
