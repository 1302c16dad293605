"""Figures over all tasks: performance profiles, and the critical-difference diagram where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from markupsafe import Markup

from seqbench.board import Overall
from seqbench.report.svg import Figure, Scale, add, drawing, evenly, line, markup, number, x_axis, y_axis

WIDTH, LEFT, TOP, BOTTOM = 250.0, 34.0, 8.0, 118.0
MOST_PANELS = 24
MOST_NAMES = 8
DIAGRAM = 720.0
MOST_RANKED = 40


def verdict(overall: Overall, names: Mapping[str, str]) -> str:
    """Who is best over the tasks, and from whom it is not told apart: a probability of improvement that may be 0.5."""
    best = overall.rows[0].model
    found = overall.improvement.get(best, {})
    tied = [row.model for row in overall.rows if row.model in found and found[row.model][1] <= 0.5]
    text = f"{names.get(best, best)} has the best interquartile mean"
    if not tied:
        return f"{text}, and is told apart from all others."
    shown = [names.get(model, model) for model in tied[:MOST_NAMES]]
    more = f" and {len(tied) - len(shown)} more" if len(tied) > len(shown) else ""
    return f"{text}, but is not told apart from {', '.join(shown)}{more}."


def profiles(overall: Overall, names: Mapping[str, str], ident: str) -> tuple[list[Figure], Markup]:
    """A panel per model with its performance profile, all others in grey; and the drawing that holds the grey ones."""
    if len(overall.taus) < 2:
        return [], Markup()
    x = Scale(overall.taus[0], overall.taus[-1], LEFT, WIDTH - 6)
    y = Scale(0.0, 1.0, BOTTOM, TOP)
    shown = [row for row in overall.rows if row.model in overall.profiles][:MOST_PANELS]
    places = evenly(len(overall.taus), 60)
    paths = {
        row.model: line((x(overall.taus[place]), y(overall.profiles[row.model][place])) for place in places)
        for row in shown
    }
    behind = Element("svg", {"class": "defs", "aria-hidden": "true", "width": "0", "height": "0"})
    together = add(add(behind, "defs"), "g", id=f"{ident}-all")
    for path in paths.values():
        add(together, "path", d=path)
    found = []
    for place, row in enumerate(shown):
        name = names.get(row.model, row.model)
        half = _share_above(overall, row.model, 0.5)
        told = f"{half:.0%} of the runs have a normalised score above 0.5"
        root = drawing(BOTTOM + 32, f"Performance profile of {name}", told, f"{ident}-{place}", WIDTH)
        x_axis(root, x, BOTTOM, "normalised score τ", TOP)
        y_axis(root, y, LEFT, WIDTH - 6)
        add(root, "use", "ghost", href=f"#{ident}-all")
        add(root, "path", "curve main", d=paths[row.model])
        found.append(Figure(markup(root), f"{name}: share of runs above τ", row.model))
    return found, markup(behind)


def _share_above(overall: Overall, model: str, tau: float) -> float:
    place = min(range(len(overall.taus)), key=lambda index: abs(overall.taus[index] - tau))
    return overall.profiles[model][place]


def critical_difference(overall: Overall, names: Mapping[str, str], ident: str) -> Figure | None:
    """Mean ranks on a line, best left; bars join models within the critical difference. None where there is none.

    The diagram of Demsar (2006), figure 1.
    """
    if overall.critical_difference is None:
        return None
    rows = sorted(overall.rows, key=lambda row: row.mean_rank)[:MOST_RANKED]
    groups = [[name for name in group if name in {row.model for row in rows}] for group in overall.groups]
    groups = [group for group in groups if len(group) > 1]
    first = 46.0 + 9.0 * len(groups)
    half = -(-len(rows) // 2)
    height = first + 17.0 * half + 8
    told = "; ".join(f"{names.get(row.model, row.model)} {row.mean_rank:.2f}" for row in rows)
    root = drawing(height, "Critical-difference diagram of mean ranks", f"Mean ranks: {told}", ident, DIAGRAM)
    axis = Scale(1.0, max(2.0, float(len(overall.rows))), 190.0, DIAGRAM - 190.0)
    add(root, "path", "rule", d=f"M{number(axis.begin)} 30H{number(axis.end)}")
    for value in axis.ticks(8):
        add(root, "path", "rule", d=f"M{number(axis(value))} 26v4")
        add(root, "text", "tick", f"{value:g}", x=axis(value), y=20, text_anchor="middle")
    width = (axis.end - axis.begin) * overall.critical_difference / (axis.high - axis.low)
    add(root, "path", "interval first", d=f"M{number(axis.begin)} 6h{number(width)}")
    label = f"critical difference {overall.critical_difference:.2f}"
    add(root, "text", "tick", label, x=axis.begin + width + 6, y=10)
    ranks = {row.model: row.mean_rank for row in rows}
    for place, group in enumerate(groups):
        low, high = min(ranks[name] for name in group), max(ranks[name] for name in group)
        y = 38.0 + 9.0 * place
        add(root, "path", "clique", d=f"M{number(axis(low) - 3)} {number(y)}H{number(axis(high) + 3)}")
    for place, row in enumerate(rows):
        is_left = place < half
        y = first + 17.0 * (place if is_left else len(rows) - 1 - place) + 8
        edge = 184.0 if is_left else DIAGRAM - 184.0
        add(root, "path", "rule", d=f"M{number(axis(row.mean_rank))} 30V{number(y)}H{number(edge)}")
        text = f"{names.get(row.model, row.model)}  {row.mean_rank:.2f}"
        anchor, x = ("end", edge - 5) if is_left else ("start", edge + 5)
        add(root, "text", "name", text, x=x, y=y + 4, text_anchor=anchor)
    p_value = "" if overall.friedman_p is None else f" Friedman's test: p = {overall.friedman_p:.3g}."
    caption = f"Mean ranks over tasks; models under one bar are within the critical difference (Nemenyi).{p_value}"
    return Figure(markup(root), caption)
