"""Rows against columns: pairs of a board, and what holds between models over all tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqbench.board import Board, Overall, Pair
from seqbench.report.tables import DASH, Field

MATRIX_ROWS = 14
"""Rows of a matrix, the best ones; more would fit no page."""
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows against columns. fields[i][j]: how row i compares with column j; None where there is nothing to compare."""

    names: tuple[str, ...]
    fields: tuple[tuple[Field | None, ...], ...]
    left_out: int = 0


def pairwise(board: Board, names: Mapping[str, str]) -> Matrix | None:
    """The difference of each row from each column, and p after Holm; None with fewer than two rows."""
    rows = [row for row in board.rows if row.position is not None]
    shown = rows[:MATRIX_ROWS]
    pairs = {(pair.one, pair.other): pair for pair in board.pairs}
    if len(shown) < 2 or not pairs:
        return None
    fields = tuple(tuple(_compared(row.model, column.model, pairs) for column in shown) for row in shown)
    return Matrix(tuple(names.get(row.model, row.model) for row in shown), fields, len(rows) - len(shown))


def _compared(one: str, other: str, pairs: Mapping[tuple[str, str], Pair]) -> Field | None:
    pair, sign = pairs.get((one, other)), 1.0
    if pair is None:
        pair, sign = pairs.get((other, one)), -1.0
    if pair is None:
        return None
    if pair.p_holm is None and not pair.is_different:
        mark, css, said = "?", "same", "not tested"
    elif not pair.is_different:
        mark, css, said = "≈", "same", "not told apart"
    elif sign > 0:
        mark, css, said = "▲", "better", "better"
    else:
        mark, css, said = "▼", "worse", "worse"
    return Field(signed(sign * pair.difference), aside=p_text(pair.p_holm), mark=mark, css=css, said=said)


def signed(value: float) -> str:
    """A difference with its sign and three digits."""
    return f"{value:+.3g}".replace("-", MINUS, 1) if "e" not in f"{value:.3g}" else f"{value:+.1e}"


def p_text(p_value: float | None) -> str:
    """A p-value as papers write it; empty where there is none."""
    if p_value is None:
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p {p_value:.3f}"


def closest_pairs(board: Board) -> list[Pair]:
    """The pairs that the matrix shows, in the board's order."""
    shown = {row.model for row in [row for row in board.rows if row.position is not None][:MATRIX_ROWS]}
    return [pair for pair in board.pairs if pair.one in shown and pair.other in shown]


def improvement(overall: Overall, names: Mapping[str, str]) -> Matrix:
    """The probability that a run of the row is better than one of the column, with its interval."""
    shown = [row.model for row in overall.rows][:MATRIX_ROWS]
    fields = tuple(tuple(_probability(overall, one, other) for other in shown) for one in shown)
    return Matrix(tuple(names.get(model, model) for model in shown), fields, len(overall.rows) - len(shown))


def _probability(overall: Overall, one: str, other: str) -> Field | None:
    found = overall.improvement.get(one, {}).get(other)
    if found is None or one == other:
        return None
    value, low, high = found
    if low <= 0.5 <= high:
        mark, css, said = "≈", "same", "not told apart"
    else:
        mark, css, said = ("▲", "better", "better") if value > 0.5 else ("▼", "worse", "worse")
    return Field(f"{value:.2f}", aside=f"{low:.2f}{DASH}{high:.2f}", mark=mark, css=css, said=said)


def outcomes(overall: Overall, names: Mapping[str, str]) -> Matrix:
    """On how many tasks the row is better than the column, tied with it, worse."""
    shown = [row.model for row in overall.rows][:MATRIX_ROWS]
    fields = []
    for one in shown:
        found = [overall.outcomes.get(one, {}).get(other) if one != other else None for other in shown]
        fields.append(tuple(None if each is None else Field(DASH.join(map(str, each))) for each in found))
    return Matrix(tuple(names.get(model, model) for model in shown), tuple(fields), len(overall.rows) - len(shown))
