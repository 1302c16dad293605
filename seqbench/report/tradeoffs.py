"""Quality against each cost: every row is a point, and those that nothing beats at both are joined (Pareto front)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from seqbench.board import COSTS, Board, Row
from seqbench.report.intervals import score_scale
from seqbench.report.svg import WIDTH, Figure, Scale, add, drawing, hint, line, markup, scale, x_axis, y_axis

COST_NAMES: Mapping[str, str] = {
    "parameters": "parameters",
    "macs": "multiply-accumulates per example",
    "train_seconds": "training time, s",
    "latency_p50_ms": "latency of one example (median), ms",
    "peak_memory_bytes": "peak memory, MiB",
}
UNITS = {"peak_memory_bytes": 2.0**20}
"""What a cost is divided by where it is shown."""

LEFT, TOP, BOTTOM, HEIGHT = 46.0, 16.0, 192.0, 222.0
LETTER, LINE = 5.9, 11.0
"""About how wide and high a letter of a label is, for keeping labels apart."""
MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class _Point:
    row: Row
    cost: float
    x: float
    y: float
    is_front: bool


def figures(board: Board, names: Mapping[str, str], ident: str) -> list[Figure]:
    """A figure for each cost that at least two rows have."""
    drawn = [_figure(board, cost, names, f"{ident}-{cost.partition('_')[0]}") for cost in COSTS]
    return [figure for figure in drawn if figure is not None]


def cost_of(row: Row, cost: str) -> float | None:
    """A row's cost in the unit that it is shown in; None where it is not known."""
    value = getattr(row, cost)
    return None if value is None or not math.isfinite(value) else float(value) / UNITS.get(cost, 1.0)


def _figure(board: Board, cost: str, names: Mapping[str, str], ident: str) -> Figure | None:
    rows = [row for row in board.rows if row.mean is not None and cost_of(row, cost) is not None][:MOST_POINTS]
    if len(rows) < 2:
        return None
    x = scale((cost_of(row, cost) or 0.0 for row in rows), LEFT + 8, WIDTH - 14, is_cost=True)
    y = score_scale(board, BOTTOM - 6, TOP + 6)
    if not board.higher_is_better:
        y = Scale(y.low, y.high, y.end, y.begin)
    points = [_point(row, cost, x, y) for row in rows]
    front = sorted((point for point in points if point.is_front), key=lambda point: point.cost)
    label = COST_NAMES.get(cost, cost)
    root = drawing(HEIGHT, f"{board.metric} against {label}", _told(front, cost, board, names), ident)
    x_axis(root, x, BOTTOM, f"{label}{' (log scale)' if x.is_log else ''}", TOP)
    y_axis(root, y, LEFT, WIDTH - 6)
    add(root, "text", "axis", board.metric, x=LEFT, y=TOP - 5)
    if len(front) > 1:
        add(root, "path", "front", d=_stairs(front))
    for point in points:
        _draw(root, point, cost, board, names)
    _labels(root, points, names)
    better = "up" if board.higher_is_better else "up (lower values)"
    shared = " Measured while other cells ran." if any(row.alone is False for row in rows) and _is_clock(cost) else ""
    caption = f"{board.metric} against {label}; better is left and {better}. Filled: on the Pareto front.{shared}"
    return Figure(markup(root), caption)


def _is_clock(cost: str) -> bool:
    return cost not in ("parameters", "macs")


def _point(row: Row, cost: str, x: Scale, y: Scale) -> _Point:
    value = cost_of(row, cost) or 0.0
    return _Point(row, value, x(value), y(row.mean or 0.0), cost in row.pareto)


def _stairs(front: Sequence[_Point]) -> str:
    """The front as steps: between two of its points, what can be had is the score of the cheaper one."""
    corners = [(front[0].x, front[0].y)]
    for before, point in pairwise(front):
        corners += [(point.x, before.y), (point.x, point.y)]
    return line(corners)


def _draw(root: Element, point: _Point, cost: str, board: Board, names: Mapping[str, str]) -> None:
    kind = "on" if point.is_front else "off"
    if point.row.is_baseline:
        mark = add(root, "rect", f"point {kind}", x=point.x - 3.4, y=point.y - 3.4, width=6.8, height=6.8)
    else:
        mark = add(root, "circle", f"point {kind}", cx=point.x, cy=point.y, r=4)
    name = names.get(point.row.model, point.row.model)
    hint(mark, f"{name}: {board.metric} {point.row.mean:.4g}, {COST_NAMES.get(cost, cost)} {point.cost:,.4g}")


def _labels(root: Element, points: Sequence[_Point], names: Mapping[str, str]) -> None:
    """Names beside the points, those of the front first; one that finds no free place is left to the pointer."""
    taken = [(point.x - 5, point.y - 5, point.x + 5, point.y + 5) for point in points]
    for point in sorted(points, key=lambda point: (not point.is_front, point.row.is_baseline, point.row.position or 0)):
        name = names.get(point.row.model, point.row.model)
        width = LETTER * len(name)
        for left, base, anchor in (
            (point.x + 7, point.y + 4, "start"),
            (point.x - 7 - width, point.y + 4, "end"),
            (point.x - width / 2, point.y - 7, "middle"),
            (point.x - width / 2, point.y + 15, "middle"),
            (point.x + 5, point.y - 6, "start"),
            (point.x - 5 - width, point.y - 6, "end"),
            (point.x + 5, point.y + 14, "start"),
            (point.x - 5 - width, point.y + 14, "end"),
        ):
            box = (left, base - LINE + 2, left + width, base + 2)
            inside = LEFT - 4 <= box[0] and box[2] <= WIDTH and TOP - 8 <= box[1] and box[3] <= BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                place = {"start": left, "end": left + width, "middle": left + width / 2}[anchor]
                add(root, "text", "label on" if point.is_front else "label", name, x=place, y=base, text_anchor=anchor)
                break


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _told(front: Sequence[_Point], cost: str, board: Board, names: Mapping[str, str]) -> str:
    """The front in words."""
    if not front:
        return "Nothing is marked as on the Pareto front."
    label = COST_NAMES.get(cost, cost)
    rows = "; ".join(
        f"{names.get(point.row.model, point.row.model)} with {board.metric} {point.row.mean:.4g} at {point.cost:,.4g}"
        for point in front
    )
    return f"On the Pareto front, by {label}: {rows}"
