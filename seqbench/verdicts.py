"""What a board says in words: who wins, who is tied, and which models are no better than a baseline. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqbench.board import Board, Row

MOST_NAMES = 8
"""Of more names only so many are listed."""


def verdicts(board: Board, names: Mapping[str, str] | None = None) -> list[str]:
    """Sentences about a board, the most important first. names: what to call a row, where not by its label."""
    called = names or {}
    rows = [row for row in board.rows if row.position is not None]
    if not rows:
        return ["No cell of this task has a result."]
    return [_first(board, rows, called), *_beside_baseline(board, rows, called)]


def _first(board: Board, rows: Sequence[Row], called: Mapping[str, str]) -> str:
    """Who is first, alone or tied."""
    best = [row for row in rows if row.rank == 1]
    name = _names(best, called)
    if len(rows) == 1:
        return f"{name} is the only row with a result."
    if len(best) == len(rows):
        return f"All {len(rows)} rows are tied: the data cannot tell them apart."
    if len(best) == 1:
        return f"{name} is first, and told apart from all others."
    return f"{name} are tied for first: the data cannot tell them apart from the best."


def _beside_baseline(board: Board, rows: Sequence[Row], called: Mapping[str, str]) -> list[str]:
    """Which models are worse than the best baseline, and which cannot be told apart from it."""
    baseline = board.best_baseline
    if baseline is None or baseline.position is None:
        return []
    weak = [row for row in rows if row.beats_best_baseline is False]
    worse = [row for row in weak if (row.position or 0) > baseline.position]
    unclear = [row for row in weak if (row.position or 0) < baseline.position]
    of = f"the best baseline ({called.get(baseline.model, baseline.model)})"
    found = []
    if worse:
        baselines = [row for row in rows if row.is_baseline and row is not baseline]
        nor = {
            row.model: [other for other in baselines if (other.position or 0) < (row.position or 0)] for row in worse
        }
        named = {row.model: called.get(row.model, row.model) for row in worse}
        named |= {
            model: f"{named[model]} (nor than {_names(others, called)})" for model, others in nor.items() if others
        }
        found.append(f"Not better than {of}: {_names(worse, named)}.")
    if unclear:
        found.append(f"Better than {of} by no more than chance may give: {_names(unclear, called)}.")
    return found


def _names(rows: Sequence[Row], called: Mapping[str, str]) -> str:
    """Names as a person lists them."""
    found = [called.get(row.model, row.model) for row in rows]
    if len(found) > MOST_NAMES:
        found = [*found[: MOST_NAMES - 1], f"{len(found) - MOST_NAMES + 1} more"]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
