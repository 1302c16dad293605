"""Figures that every model of a task has one of, as many as a page has room for, and what is missing and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from seqbench.board import Board, Row
from seqbench.report import confusions, forecasts
from seqbench.report.svg import Figure

if TYPE_CHECKING:
    from seqbench.records import CellRecord

MOST_DETAILED = 12
"""Models of a task with a confusion matrix or a forecast, the best ones."""


@dataclass(frozen=True)
class Gallery:
    """Figures of one kind, a model each. behind: a hidden drawing that they use; notes: what is not there, and why."""

    figures: tuple[Figure, ...] = ()
    behind: Markup = field(default_factory=Markup)
    notes: tuple[str, ...] = ()


def left_out(shown: int, every: int) -> tuple[str, ...]:
    """A note on how many models are not there; none when all are."""
    return (f"The best {shown} of {every} models are shown.",) if shown < every else ()


def of_confusions(
    board: Board, records: Mapping[str, Sequence[CellRecord]], results: Path, names: Mapping[str, str], ident: str
) -> Drawings:
    """A confusion matrix per row with stored predictions; text for one that has too many classes."""

    def draw(row: Row, ident: str) -> Figure | str | None:
        counts = confusions.summed(records[row.model], results)
        if counts is None:
            return None
        name = names[row.model]
        found = confusions.figure(row.model, name, counts, ident)
        return found or f"{name}: {len(counts[1])} classes are too many, or too few, for a matrix."

    return Drawings(board, "classes", draw, records, names, ident)


def of_forecasts(
    board: Board, records: Mapping[str, Sequence[CellRecord]], results: Path, names: Mapping[str, str], ident: str
) -> Drawings:
    """Actual against predicted of each row with stored predictions."""

    def draw(row: Row, ident: str) -> Figure | str | None:
        return forecasts.figure(records[row.model], results, names[row.model], ident)

    return Drawings(board, "forecast", draw, records, names, ident)


@dataclass(frozen=True)
class Drawings:
    """Figures that are drawn row by row until there is no more room. kind: of the records' output."""

    board: Board
    kind: str
    draw: Callable[[Row, str], Figure | str | None]
    records: Mapping[str, Sequence[CellRecord]]
    names: Mapping[str, str]
    ident: str

    def within(self, room: int) -> Gallery:
        """The figures of the best rows, as many as fit in `room` characters, MOST_DETAILED at most."""
        rows = [
            row
            for row in self.board.rows
            if any(record.output.get("kind") == self.kind for record in self.records[row.model])
        ]
        found: list[Figure] = []
        notes: list[str] = []
        for place, row in enumerate(rows):
            if len(found) == MOST_DETAILED or room <= 0:
                notes.append(f"The best {len(found)} of {len(rows)} rows are shown.")
                break
            try:
                drawn = self.draw(row, f"{self.ident}-{place}")
            except (OSError, ValueError, KeyError) as error:
                drawn = _unreadable(self.names[row.model], error)
            if isinstance(drawn, Figure):
                found.append(drawn)
                room -= len(drawn.svg)
            elif drawn:
                notes.append(drawn)
        return Gallery(tuple(found), notes=tuple(notes))


def _unreadable(name: str, error: Exception) -> str:
    return f"{name}: the stored predictions cannot be shown ({' '.join(str(error).split())[:300]})."
