"""The Pareto front of quality against a cost: what no other choice beats at both. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

Point = tuple[float | None, float | None]
"""What something costs and how good it is; None (or NaN) where that is not known."""


def front(points: Sequence[Point], higher_is_better: bool) -> tuple[int, ...]:
    """The indices of the points on the front, in their order; less cost is better.

    A point is left out when another one is at least as good at no more cost, and better or cheaper: it is dominated, if
    only weakly. Points that are equal in both share their fate. A point with an unknown part is never on the front and
    dominates nothing.
    """
    sign = -1.0 if higher_is_better else 1.0
    known = sorted(
        (cost, sign * quality, index)
        for index, (cost, quality) in enumerate(points)
        if cost is not None and quality is not None and not math.isnan(cost) and not math.isnan(quality)
    )
    kept: list[int] = []
    bar: float | None = None
    for _, group in groupby(known, key=lambda point: point[0]):
        same_cost = list(group)
        best = same_cost[0][1]
        if bar is None or best < bar:
            kept += [index for _, quality, index in same_cost if quality == best]
            bar = best
    return tuple(sorted(kept))
