"""Actual against predicted of a forecasting model: the test period, its end close up, and the changes foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from seqbench.records import CellRecord
from seqbench.report.plots import PREDICTIONS, ZOOM, Columns, first_series, forecast_columns
from seqbench.report.svg import WIDTH, Figure, Scale, add, dots, drawing, evenly, line, markup, scale, x_axis, y_axis

LEFT, RIGHT = 48.0, 6.0
MOST_POINTS = 150
"""Points of a line; a longer period is drawn at so many of its days, evenly spread."""
MOST_DOTS = 300
WHOLE, CLOSE, CHANGES = (16.0, 92.0), (130.0, 206.0), (246.0, 406.0)
"""Top and bottom of the three drawings of a figure."""
HEIGHT = 436.0

Values = NDArray[np.float64]


def figure(records: Sequence[CellRecord], results: Path, name: str, ident: str) -> Figure | None:
    """Over time, and predicted against actual, of the first seed with stored predictions; None where there are none.

    Raises ValueError for predictions that are not those of a forecast.
    """
    for record in records:
        predictions = results / record.folder / PREDICTIONS
        if record.output.get("kind") == "forecast" and predictions.is_file():
            every = forecast_columns(predictions)
            if len(every["actual"]):
                return _drawn(every, record.label, name if record.is_baseline else f"{name}, seed {record.seed}", ident)
    return None


def _drawn(every: Columns, model: str, who: str, ident: str) -> Figure:
    columns, which = first_series(every)
    actual, predicted = _numbers(columns["actual"]), _numbers(columns["predicted"])
    count = len(actual)
    first, second, unit = _changes(every)
    known = np.flatnonzero(np.isfinite(first) & np.isfinite(second))
    varies = len(known) > 1 and np.ptp(first[known]) > 0 and np.ptp(second[known]) > 0
    correlation = f"correlation {np.corrcoef(first[known], second[known])[0, 1]:.2f}" if varies else "no variation"
    told = f"{count} test examples{which}; {correlation} of predicted and actual {unit}"
    root = drawing(HEIGHT, f"Actual against predicted, {who}", told, ident)
    whole, last = np.array(evenly(count, MOST_POINTS)), np.arange(max(0, count - ZOOM), count)
    add(root, "text", "axis", f"test period{which}"[:60], x=LEFT, y=WHOLE[0] - 5)
    _lines(root, actual, predicted, whole, columns.get("date"), WHOLE)
    add(root, "text", "axis", f"the last {len(last)}", x=LEFT, y=CLOSE[0] - 5)
    _lines(root, actual, predicted, last, columns.get("date"), CLOSE)
    chosen = known[evenly(len(known), MOST_DOTS)]
    add(root, "text", "axis", f"predicted {unit}", x=LEFT, y=CHANGES[0] - 5)
    _cloud(root, first[chosen], second[chosen], unit)
    parts = [f"line at {len(whole)} of {count} examples"] if len(whole) < count else []
    parts += [f"{len(chosen)} of {len(known)} dots"] if len(chosen) < len(known) else []
    sampled = f" ({', '.join(parts)})" if parts else ""
    return Figure(markup(root), f"{who}. Thin: actual, thick: predicted. {correlation.capitalize()}{sampled}.", model)


def _lines(
    root: Element,
    actual: Values,
    predicted: Values,
    places: NDArray[np.int64],
    when: NDArray[np.datetime64] | None,
    between: tuple[float, float],
) -> None:
    top, bottom = between
    x = Scale(float(places[0]), float(max(places[-1], places[0] + 1)), LEFT, WIDTH - RIGHT)
    y = scale([*actual[places], *predicted[places]], bottom, top)
    y_axis(root, y, LEFT, WIDTH - RIGHT)
    for values, css in ((predicted, "curve main"), (actual, "curve actual")):
        points = [(x(float(place)), y(float(values[place]))) for place in places if np.isfinite(values[place])]
        add(root, "path", css, d=line(points))
    for place, anchor in ((places[0], "start"), (places[-1], "end")):
        text = str(place + 1) if when is None else str(when[place].astype("datetime64[D]"))
        add(root, "text", "tick", text, x=x(float(place)), y=bottom + 13, text_anchor=anchor)


def _changes(every: Columns) -> tuple[Values, Values, str]:
    """Actual and predicted, in per cent of change where the last known value is there, else as they are."""
    actual, predicted = _numbers(every["actual"]), _numbers(every["predicted"])
    if "last_close" not in every or not np.all(last := _numbers(every["last_close"])):
        return actual, predicted, "value"
    return 100 * (actual / last - 1), 100 * (predicted / last - 1), "change, %"


def _cloud(root: Element, actual: Values, predicted: Values, unit: str) -> None:
    """Predicted against actual on one scale; the dotted line is a perfect forecast."""
    top, bottom = CHANGES
    both = [*actual.tolist(), *predicted.tolist()]
    x, y = scale(both, LEFT, WIDTH - RIGHT), scale(both, bottom, top)
    x_axis(root, x, bottom, f"actual {unit}", top)
    y_axis(root, y, LEFT, WIDTH - RIGHT)
    add(root, "path", "bar", d=line([(x.begin, y.begin), (x.end, y.end)]))
    points = zip(actual.tolist(), predicted.tolist(), strict=True)
    add(root, "path", "cloud", d=dots((x(one), y(other)) for one, other in points))


def _numbers(column: NDArray[np.generic]) -> Values:
    return np.asarray(column, dtype=np.float64)
