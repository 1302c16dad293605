"""Plots of one cell, from its record and its stored predictions: PNG bytes by file name.

Drawn with matplotlib's Agg canvas and no pyplot, so that they can be made in a thread and leave no global state.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqbench.records import CellRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PREDICTIONS = "predictions.csv"

INK, MUTED, GRID = "#1f2933", "#66727f", "#e3e7eb"
BLUE, ORANGE = "#1f5fa8", "#d9651e"

COUNTED_CLASSES = 12
"""Up to so many classes each field of a confusion matrix says its count; more would not be legible."""

ZOOM = 60
"""How many of the last examples (trading days) the close-up of a forecast shows: about three months."""

Columns = Mapping[str, NDArray[Any]]


def plots_for(record: CellRecord, folder: Path) -> dict[str, bytes]:
    """The plots that fit the record, as PNG by file name.

    `confusion.png` for classes, `forecast.png` for a forecast, `learning_curve.png` where there was training.
    folder: the cell's own, with `predictions.csv`; a plot whose data is not there is left out.
    Raises ValueError when the predictions are not those of the record.
    """
    plots: dict[str, bytes] = {}
    predictions = folder / PREDICTIONS
    if predictions.is_file():
        kind = record.output.get("kind")
        if kind == "classes":
            plots["confusion.png"] = confusion(record, predictions)
        elif kind == "forecast":
            plots["forecast.png"] = forecast(record, predictions)
    if record.history:
        plots["learning_curve.png"] = learning_curve(record)
    return plots


def confusion_counts(predictions: Path, classes: int) -> NDArray[np.int64]:
    """`int64[classes, classes]`: how many test examples of class *row* were taken for class *column*.

    Raises ValueError when a column is missing or a target is no label number.
    """
    names = [f"output_{index}" for index in range(classes)]
    columns = _read(predictions, ["target", *names])
    targets = columns["target"].astype(np.int64)
    if len(targets) and not (targets.min() >= 0 and targets.max() < classes):
        raise ValueError(f"{predictions} has a target outside 0 .. {classes - 1}")
    answers = np.stack([columns[name] for name in names], axis=1).argmax(axis=1)
    flat = np.bincount(targets * classes + answers, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def confusion(record: CellRecord, predictions: Path) -> bytes:
    """The confusion matrix: colours are shares of the row, so that rare classes are as visible as frequent ones."""
    labels = [literal(textwrap.shorten(str(label), 16, placeholder="…")) or "''" for label in record.output["labels"]]
    size = len(labels)
    counts = confusion_counts(predictions, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.4 + (0.62 * size if size <= 6 else min(1.2 + 0.42 * size, 7.6))
    figure = new_figure(side + 0.9, side, _title(record))
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    font = 9 if size <= COUNTED_CLASSES else 7
    axes.set_xticks(range(size), labels, rotation=90 if size > 4 else 0, fontsize=font)
    axes.set_yticks(range(size), labels, fontsize=font)
    plain(axes, grid=False)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("actual", color=INK)
    if size <= COUNTED_CLASSES:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.55 else INK
            text = axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=9, color=colour)
            text.set_in_layout(False)  # it lies inside its field: measuring a hundred of them takes half the time
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("share of the actual class", fontsize=8, color=MUTED)
    bar.ax.tick_params(labelsize=7, colors=MUTED, length=0)
    bar.outline.set_visible(False)
    return _png(figure)


def forecast(record: CellRecord, predictions: Path) -> bytes:
    """Actual against predicted: the whole test period, its end close up, and the changes that were predicted.

    The level of a series is easy to follow and says little; the panel of changes shows what was really foreseen. Of
    several series the first is drawn over time, and the changes of all.
    """
    every = forecast_columns(predictions)
    columns, which = first_series(every)
    actual, predicted, last = columns["actual"], columns["predicted"], columns.get("last_close")
    when = columns.get("date", np.arange(len(actual)))
    figure = new_figure(9.0, 5.6, _title(record))
    grid = figure.add_gridspec(2, 2, width_ratios=[1.7, 1.0])
    whole, close_up, changes = (figure.add_subplot(grid[place]) for place in ((0, slice(None)), (1, 0), (1, 1)))
    _lines(whole, when, actual, predicted, None)
    whole.set_title(f"test period{which}", fontsize=9, color=MUTED, loc="left")
    whole.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderpad=0.0, ncols=2)
    tail = slice(-ZOOM, None)
    _lines(close_up, when[tail], actual[tail], predicted[tail], None if last is None else last[tail])
    close_up.set_title(f"the last {len(when[tail])}", fontsize=9, color=MUTED, loc="left")
    close_up.legend(frameon=False, fontsize=7, loc="best")
    _scatter(changes, every["actual"], every["predicted"], every.get("last_close"))
    return _png(figure)


def learning_curve(record: CellRecord) -> bytes:
    """Loss per epoch, and the validation metric that chose the best epoch."""
    from matplotlib.ticker import MaxNLocator

    epochs = [epoch.epoch for epoch in record.history]
    scores = [epoch.validation_metric for epoch in record.history]
    losses = [epoch.validation_loss for epoch in record.history]
    panels = 2 if any(score is not None for score in scores) else 1
    figure = new_figure(4.0 * panels, 2.9, _title(record))
    loss = figure.add_subplot(1, panels, 1)
    _curve(loss, epochs, [epoch.train_loss for epoch in record.history], BLUE, "training")
    _curve(loss, epochs, losses, ORANGE, "validation")
    loss.set_ylabel("loss", color=INK)
    axes = [loss]
    if panels == 2:
        score = figure.add_subplot(1, panels, 2)
        _curve(score, epochs, scores, ORANGE, "validation")
        score.set_ylabel(f"validation {record.primary}", color=INK)
        axes.append(score)
    for one in axes:
        plain(one)
        one.set_xlabel("epoch", color=INK)
        one.xaxis.set_major_locator(MaxNLocator(integer=True))
        if record.best_epoch is not None:
            one.axvline(record.best_epoch, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), label="best epoch")
    loss.legend(frameon=False, fontsize=8)
    return _png(figure)


def forecast_columns(predictions: Path) -> Columns:
    """`actual`, `predicted`, and `date`, `last_close`, `series` where they are; else the raw targets and outputs."""
    names = _header(predictions)
    if {"actual", "predicted"} <= set(names):
        wanted = ("date", "actual", "predicted", "last_close", "series")
        return _read(predictions, [name for name in wanted if name in names])
    raw = _read(predictions, ["target_0", "output_0"])
    return {"actual": raw["target_0"], "predicted": raw["output_0"]}


def first_series(columns: Columns) -> tuple[Columns, str]:
    """The rows of the first series, and how a title says so where there are several."""
    names = columns.get("series")
    if names is None or not len(names) or bool((names == names[0]).all()):
        return columns, ""
    rows = names == names[0]
    return {name: column[rows] for name, column in columns.items()}, f" of {names[0]}, one of {len(set(names))} series"


def _header(predictions: Path) -> list[str]:
    with predictions.open(encoding="utf-8") as file:
        return file.readline().rstrip("\r\n").split(",")


def _read(predictions: Path, names: Sequence[str]) -> Columns:
    """The named columns of a file of predictions; `date` as points in time."""
    import pandas as pd

    table = pd.read_csv(predictions, usecols=list(names))
    columns = {name: table[name].to_numpy() for name in names}
    if "date" in columns:
        columns["date"] = columns["date"].astype("datetime64[s]")
    return columns


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of so many inches, with the title on top."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    wrapped = literal(textwrap.fill(title, max(int(width * 13), 24)))
    figure.suptitle(wrapped, fontsize=10, color=INK, x=0.02, ha="left")
    return figure


def _title(record: CellRecord) -> str:
    seed = "" if record.is_baseline else f", seed {record.seed}"
    value = record.metrics.get(record.primary)
    result = "" if value is None else f": {record.primary} {value:.4g}"
    return f"{record.label} on {record.task_id}{seed}{result}"


def literal(text: str) -> str:
    """The text as it is: between two dollar signs matplotlib would read formulas."""
    return text.replace("$", r"\$")


def plain(axes: Axes, grid: bool = True) -> None:
    """No frame, quiet ticks, a faint grid."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(colors=MUTED, labelsize=8 if grid else None, length=0)
    if grid:
        axes.grid(visible=True, color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)


def _curve(axes: Axes, epochs: Sequence[int], values: Sequence[float | None], colour: str, label: str) -> None:
    known = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if value is not None]
    if known:
        marker = "o" if len(known) < 40 else None
        axes.plot(*zip(*known, strict=True), color=colour, linewidth=1.6, marker=marker, markersize=3, label=label)


def _lines(
    axes: Axes,
    when: NDArray[Any],
    actual: NDArray[Any],
    predicted: NDArray[Any],
    last: NDArray[Any] | None,
) -> None:
    if last is not None:
        axes.plot(when, last, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), label="naive: last close")
    axes.plot(when, actual, color=BLUE, linewidth=1.3, label="actual")
    axes.plot(when, predicted, color=ORANGE, linewidth=1.1, label="predicted")
    plain(axes)
    if np.issubdtype(when.dtype, np.datetime64):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.set_xlabel("test example", fontsize=8, color=INK)


def _scatter(axes: Axes, actual: NDArray[Any], predicted: NDArray[Any], last: NDArray[Any] | None) -> None:
    """Predicted against actual; in per cent of change where the last known value is there."""
    if last is None:
        x, y, what = actual, predicted, "value"
    else:
        x, y, what = 100 * (actual / last - 1), 100 * (predicted / last - 1), "change, %"
    axes.scatter(x, y, s=5, color=BLUE, alpha=0.35, linewidths=0)
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
    plain(axes)
    axes.set_xlabel(f"actual {what}", fontsize=8, color=INK)
    axes.set_ylabel(f"predicted {what}", fontsize=8, color=INK)


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    # `savefig` would draw everything twice.
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
