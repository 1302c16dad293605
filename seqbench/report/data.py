"""A picture of prepared data: classes and lengths, or the values to forecast over time."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqbench.describe import splits_of
from seqbench.errors import ConfigError
from seqbench.report.plots import BLUE, MUTED, ORANGE, literal, new_figure, plain
from seqbench.spec import Classes, TaskData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SUFFIXES = (".png", ".svg", ".pdf")
COLOURS = {"train": BLUE, "validation": MUTED, "test": ORANGE}
BINS = 40
MOST_CLASSES = 40


def draw(data: TaskData, title: str, file: Path) -> None:
    """Write the picture. Raises ConfigError for a file that cannot be written or is of another kind."""
    if file.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--plot {file}: give a file that ends in {', '.join(SUFFIXES)}.")
    figure = _classes(data, title) if isinstance(data.output, Classes) else _forecast(data, title)
    try:
        figure.savefig(file, format=file.suffix.lower()[1:])
    except OSError as error:
        raise ConfigError(f"--plot {file} cannot be written: {error.strerror}.") from None


def _classes(data: TaskData, title: str) -> Figure:
    figure = new_figure(9.0, 3.6, title)
    counts, lengths = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    assert isinstance(data.output, Classes)
    labels = [literal(textwrap.shorten(label, 16, placeholder="…")) for label in data.output.labels[:MOST_CLASSES]]
    width = 0.8 / 3
    for number, (name, split) in enumerate(splits_of(data).items()):
        found = np.bincount(split.targets, minlength=data.output.size)[: len(labels)]
        counts.bar(np.arange(len(labels)) + (number - 1) * width, found, width, color=COLOURS[name], label=name)
    counts.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) > 4 else 0)
    counts.set_title("examples per class", fontsize=9, color=MUTED, loc="left")
    plain(counts)
    counts.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderpad=0.0, ncols=3)
    _lengths(data, lengths)
    return figure


def _lengths(data: TaskData, axes: Axes) -> None:
    longest = max(int(split.lengths.max()) for split in splits_of(data).values() if len(split))
    width = -(-(longest + 1) // BINS)  # whole steps, so that no bin holds more lengths than its neighbour
    edges = list(range(0, longest + 1 + width, width))
    for name, split in splits_of(data).items():
        if len(split):
            axes.hist(split.lengths, bins=edges, histtype="step", density=True, color=COLOURS[name], label=name)
    axes.set_title("length in steps, density", fontsize=9, color=MUTED, loc="left")
    plain(axes)
    axes.legend(frameon=False, fontsize=8)


def _forecast(data: TaskData, title: str) -> Figure:
    """The values to forecast by split, in the order of the examples; real ones where the task keeps `actual`.

    Each series of a panel is a line of its own.
    """
    figure = new_figure(9.0, 3.6, title)
    axes = figure.add_subplot()
    begin = 0
    for name, split in splits_of(data).items():
        values = np.asarray(split.extras.get("actual", split.targets), dtype=np.float64)
        values = values.reshape(len(split), -1)[:, 0] if len(split) else values.reshape(0)
        where = np.arange(begin, begin + len(values))
        # A value that is no number breaks the line where another series begins.
        names = split.extras.get("series")
        cuts: NDArray[np.int64] | list[int] = (
            np.flatnonzero(names[1:] != names[:-1]) + 1 if names is not None and len(values) else []
        )
        x, y = np.insert(where.astype(float), cuts, np.nan), np.insert(values, cuts, np.nan)
        axes.plot(x, y, color=COLOURS[name], linewidth=0.9, label=name)
        begin += len(values)
    axes.set_xlabel("example, in order", fontsize=8)
    axes.set_title("what is to be forecast", fontsize=9, color=MUTED, loc="left")
    plain(axes)
    axes.legend(frameon=False, fontsize=8)
    return figure
