"""Confusion matrices: of each model, what was taken for what, summed over its seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from seqbench.records import CellRecord
from seqbench.report.names import cut
from seqbench.report.plots import COUNTED_CLASSES, PREDICTIONS, confusion_counts
from seqbench.report.svg import WIDTH, Figure, add, drawing, markup, number

LEFT, TOP = 78.0, 30.0
LEVELS = 10
"""So many shades of a share: a path for each is a twentieth of the bytes of a rectangle per field."""
MIDDLE = 7
"""The shade on which a count is written as the page's theme asks; darker ones take the colour of the paper."""
MOST_CLASSES = 120
FREQUENT = 3

Counts = NDArray[np.int64]


def summed(records: Sequence[CellRecord], results: Path) -> tuple[Counts, tuple[str, ...], int] | None:
    """`(int64[classes, classes], labels, seeds)` over the records' stored predictions; None where there are none.

    Rows are actual classes, columns predicted ones. Raises ValueError for predictions that are not the record's.
    """
    total: Counts | None = None
    labels: tuple[str, ...] = ()
    seeds = 0
    for record in records:
        predictions = results / record.folder / PREDICTIONS
        if record.output.get("kind") != "classes" or not predictions.is_file():
            continue
        own = tuple(map(str, record.output["labels"]))
        if labels and own != labels:
            continue
        counts = confusion_counts(predictions, len(own))
        total, labels, seeds = counts if total is None else total + counts, own, seeds + 1
    return None if total is None else (total, labels, seeds)


def figure(model: str, name: str, found: tuple[Counts, tuple[str, ...], int], ident: str) -> Figure | None:
    """The matrix of one model: shades are shares of the actual class, and few classes have their counts written.

    None with more classes than can be told apart.
    """
    counts, labels, seeds = found
    size = len(labels)
    if not 2 <= size <= MOST_CLASSES:
        return None
    side = (WIDTH - LEFT) / size if size > 5 else min((WIDTH - LEFT) / size, 62.0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    over = f"summed over {seeds} seeds" if seeds != 1 else "one seed"
    below = LEFT if size > 5 else 24.0
    root = drawing(TOP + side * size + below, f"Confusion matrix of {name}, {over}", _told(counts, labels), ident)
    add(root, "text", "axis", "actual ↓   predicted →", x=0, y=12)
    _shades(root, shares, side)
    add(root, "rect", "frame", x=LEFT, y=TOP, width=side * size, height=side * size)
    _label(root, labels, side)
    if size <= COUNTED_CLASSES:
        _write(root, counts, shares, side)
    wrong = int(counts.sum() - np.trace(counts))
    caption = f"{name}, {over}: {wrong:,} of {int(counts.sum()):,} answers are wrong. {frequent(counts, labels)}"
    return Figure(markup(root), caption.rstrip(), model)


def frequent(counts: Counts, labels: Sequence[str]) -> str:
    """The most frequent mistakes in a sentence; empty when there is none."""
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:FREQUENT]
    found = [divmod(int(place), len(labels)) for place in order if wrong.flat[place]]
    texts = [f"{_cut(labels[a], 30)} taken for {_cut(labels[p], 30)} ({wrong[a, p]:,})" for a, p in found]
    return f"Most often: {', '.join(texts)}." if texts else ""


def _told(counts: Counts, labels: Sequence[str]) -> str:
    """Recall of every class and the most frequent mistakes."""
    totals = counts.sum(axis=1)
    recalls = "; ".join(
        f"{_cut(label, 30)} {counts[place, place]:,} of {totals[place]:,}" for place, label in enumerate(labels)
    )
    return f"Right by actual class: {recalls}. {frequent(counts, labels)}"


def _shades(root: Element, shares: NDArray[np.float64], side: float) -> None:
    levels = np.ceil(shares * LEVELS - 1e-9).astype(int)
    size = number(side)
    for level in range(1, LEVELS + 1):
        fields = np.argwhere(levels == level)
        if len(fields):
            path = "".join(
                f"M{number(LEFT + column * side)} {number(TOP + row * side)}h{size}v{size}h-{size}Z"
                for row, column in fields.tolist()
            )
            add(root, "path", f"shade s{level}", d=path)


def _label(root: Element, labels: Sequence[str], side: float) -> None:
    """Labels of rows and columns; of very many, every second or third."""
    step = max(1, int(np.ceil(7.5 / side)))
    for place in range(0, len(labels), step):
        text = _cut(labels[place], 12) or "''"
        middle = (place + 0.5) * side
        add(root, "text", "tick", text, x=LEFT - 6, y=TOP + middle + 3.5, text_anchor="end")
        bottom = TOP + side * len(labels) + 8
        if len(labels) > 5:
            turn = f"translate({number(LEFT + middle + 3)} {number(bottom)}) rotate(-90)"
            add(root, "text", "tick", text, transform=turn, text_anchor="end")
        else:
            add(root, "text", "tick", text[:9], x=LEFT + middle, y=bottom + 6, text_anchor="middle")


def _write(root: Element, counts: Counts, shares: NDArray[np.float64], side: float) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            level = math.ceil(shares[row, column] * LEVELS - 1e-9)
            css = "count inverse" if level > MIDDLE else "count middle" if level == MIDDLE else "count"
            x, y = LEFT + (column + 0.5) * side, TOP + (row + 0.5) * side + 3.5
            add(root, "text", css, f"{count:,}", x=x, y=y, text_anchor="middle")


def _cut(text: str, most: int) -> str:
    return cut(" ".join(text.split()), most)
