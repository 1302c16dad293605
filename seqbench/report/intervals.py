"""Scores with their intervals: a glyph in each row of a board, and a figure with an axis and every seed."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from markupsafe import Markup

from seqbench.board import Board, Row
from seqbench.report.svg import WIDTH, Figure, Scale, add, drawing, markup, number, scale, x_axis

GLYPH = 150.0
"""Width of the glyph in a board's row."""
MOST_ROWS = 24
"""A figure shows so many rows, the best ones."""
RIGHT = 34.0
LETTER = 6.0
"""About the width of a letter of a name."""
STEP = 21.0


def score_scale(board: Board, begin: float, end: float) -> Scale:
    """A scale for the models' scores and intervals and the best baseline; baselines far away do not squeeze it."""
    best = board.best_baseline
    chosen = [row for row in board.rows if not row.is_baseline and row.mean is not None]
    rows = [*chosen, *([best] if best else [])] if chosen else list(board.rows)
    values = [value for row in rows for value in (row.mean, row.ci_low, row.ci_high, *row.scores) if value is not None]
    return scale(values, begin, end)


def glyph(row: Row, board: Board) -> Markup:
    """The row's mean and interval, on the scale of its board; the dotted line is the best baseline.

    It says nothing that the cells beside it do not, so that it is hidden from screen readers.
    """
    if row.mean is None:
        return Markup()
    axis = score_scale(board, 4.0, GLYPH - 4.0)
    root = Element("svg", {"viewBox": f"0 0 {number(GLYPH)} 18", "class": "glyph", "aria-hidden": "true"})
    _baseline(root, board, axis, 0.0, 18.0)
    _mark(root, row, axis, 9.0)
    return markup(root)


def figure(board: Board, names: Mapping[str, str], ident: str) -> Figure | None:
    """Every row's mean, interval and seeds; None without a result."""
    rows = [row for row in board.rows if row.mean is not None]
    if not rows:
        return None
    shown = rows[:MOST_ROWS]
    bottom = 8 + STEP * len(shown)
    title = f"{board.metric} of each row with its 95 % interval"
    described = "; ".join(_told(row, names) for row in shown)
    root = drawing(bottom + 32, title, described, ident)
    left = 14 + LETTER * max(len(names.get(row.model, row.model)) for row in shown)
    axis = score_scale(board, left, WIDTH - RIGHT)
    x_axis(root, axis, bottom, f"{board.metric}, {'higher' if board.higher_is_better else 'lower'} is better", 4.0)
    _baseline(root, board, axis, 4.0, bottom)
    for place, row in enumerate(shown):
        y = 6 + STEP * (place + 0.5)
        add(root, "text", "name", names.get(row.model, row.model), x=0, y=y + 4)
        if len(row.scores) > 1:
            ticks = "".join(f"M{number(axis(score))} {number(y - 6)}v12" for score in row.scores)
            add(root, "path", "seed", d=ticks)
        _mark(root, row, axis, y)
        add(root, "text", "letters", row.letters[:4], x=WIDTH, y=y + 4, text_anchor="end")
    more = f" The first {len(shown)} of {len(rows)} rows." if len(rows) > len(shown) else ""
    caption = (
        f"{board.metric}: mean and 95 % interval; thin strokes are seeds, squares baselines, the dotted line the best "
        f"baseline. Rows that share a letter are not told apart.{more}"
    )
    return Figure(markup(root), caption)


def _told(row: Row, names: Mapping[str, str]) -> str:
    interval = "" if row.ci_low is None or row.ci_high is None else f" ({row.ci_low:.4g} to {row.ci_high:.4g})"
    return f"{names.get(row.model, row.model)} {row.mean:.4g}{interval}"


def _baseline(root: Element, board: Board, axis: Scale, top: float, bottom: float) -> None:
    best = board.best_baseline
    if best is not None and best.mean is not None:
        add(root, "path", "bar", d=f"M{number(axis(best.mean))} {number(top)}V{number(bottom)}")


def _mark(root: Element, row: Row, axis: Scale, y: float) -> None:
    """Mean and interval; an arrowhead where the mean lies beyond the scale."""
    assert row.mean is not None
    kind = "first" if row.rank == 1 else "other"
    if row.ci_low is not None and row.ci_high is not None:
        add(root, "path", f"interval {kind}", d=f"M{number(axis(row.ci_low))} {number(y)}H{number(axis(row.ci_high))}")
    x = axis(row.mean)
    if not axis.holds(row.mean):
        tip = -4 if row.mean < axis.low else 4
        add(root, "path", f"beyond {kind}", d=f"M{number(x + tip)} {number(y)}l{-tip} -4v8Z")
    elif row.is_baseline:
        add(root, "rect", f"square {kind}", x=x - 3.2, y=y - 3.2, width=6.4, height=6.4)
    else:
        add(root, "circle", f"dot {kind}", cx=x, cy=y, r=3.8)
