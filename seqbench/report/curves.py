"""Learning curves: a panel per model with the band over its seeds, and the other models behind it in grey."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from xml.etree.ElementTree import Element

from markupsafe import Markup

from seqbench.board import Board
from seqbench.records import CellRecord, EpochRecord
from seqbench.report.svg import Figure, Scale, add, area, drawing, evenly, line, markup, number, scale, x_axis, y_axis

WIDTH, LEFT, RIGHT = 250.0, 40.0, 6.0
TOP, SCORE_HEIGHT, GAP, LOSS_HEIGHT = 16.0, 96.0, 24.0, 62.0
MOST_PANELS = 24
"""Panels of a board, the best models first."""
MOST_EPOCHS = 80
"""Epochs of a curve that are drawn; a longer one is drawn at so many, evenly spread."""

Reading = Callable[[EpochRecord], float | None]


@dataclass(frozen=True, slots=True)
class Curve:
    """A quantity by epoch over the seeds that got that far: mean, least and largest; `whole`: up to where all did."""

    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    least: tuple[float, ...]
    largest: tuple[float, ...]
    whole: int

    @classmethod
    def of(cls, histories: Sequence[Sequence[EpochRecord]], reading: Reading) -> Curve | None:
        """Of the seeds' histories; None where nothing was measured."""
        by_epoch: dict[int, list[float]] = {}
        for history in histories:
            for epoch in history:
                value = reading(epoch)
                if value is not None and math.isfinite(value):
                    by_epoch.setdefault(epoch.epoch, []).append(value)
        if not by_epoch:
            return None
        every = sorted(by_epoch)
        epochs = [every[place] for place in evenly(len(every), MOST_EPOCHS)]
        full = max(len(values) for values in by_epoch.values())
        return cls(
            tuple(epochs),
            tuple(fmean(by_epoch[epoch]) for epoch in epochs),
            tuple(min(by_epoch[epoch]) for epoch in epochs),
            tuple(max(by_epoch[epoch]) for epoch in epochs),
            max(epoch for epoch in every if len(by_epoch[epoch]) == full),
        )

    def points(self, values: Sequence[float], x: Scale, y: Scale) -> list[tuple[float, float]]:
        """Where the values lie in a drawing."""
        return [(x(epoch), y(value)) for epoch, value in zip(self.epochs, values, strict=True)]


@dataclass(frozen=True, slots=True)
class Curves:
    """One model's: the validation metric, and the losses."""

    seeds: int
    best: tuple[int, ...]
    score: Curve | None
    train: Curve | None
    validation: Curve | None

    @classmethod
    def of(cls, records: Sequence[CellRecord]) -> Curves | None:
        """Of a model's records; None where nothing was trained."""
        histories = [record.history for record in records if record.history]
        found = cls(
            len(histories),
            tuple(record.best_epoch for record in records if record.history and record.best_epoch is not None),
            Curve.of(histories, lambda epoch: epoch.validation_metric),
            Curve.of(histories, lambda epoch: epoch.train_loss),
            Curve.of(histories, lambda epoch: epoch.validation_loss),
        )
        return found if found.score or found.train else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """The scales that the panels of a board share. score is None where there is no validation metric."""

    x: Scale
    score: Scale | None
    loss: Scale

    @property
    def bottom(self) -> float:
        return self.loss.begin

    def grey(self, curves: Curves) -> str:
        """Path data of a model's mean curves, to be drawn behind those of others."""
        paths = []
        for curve, y in ((curves.score, self.score), (curves.validation or curves.train, self.loss)):
            if curve is not None and y is not None:
                paths.append(line(curve.points(curve.mean, self.x, y)))
        return "".join(paths)


def figures(
    board: Board, records: Mapping[str, Sequence[CellRecord]], names: Mapping[str, str], ident: str
) -> tuple[list[Figure], Markup]:
    """A panel per model in the board's order, and a hidden drawing that holds what stands behind every panel.

    records: by the row's label, those that ended `ok`.
    """
    found = {row.model: Curves.of(records.get(row.model, ())) for row in board.rows if not row.is_baseline}
    every = {model: curves for model, curves in found.items() if curves is not None}
    shown = dict(list(every.items())[:MOST_PANELS])
    if not shown:
        return [], Markup()
    frame = _frame(shown.values())
    behind = Element("svg", {"class": "defs", "aria-hidden": "true", "width": "0", "height": "0"})
    together = add(add(behind, "defs"), "g", id=f"{ident}-all")
    for curves in shown.values():
        add(together, "path", d=frame.grey(curves))
    panels = [
        _panel(board, model, curves, frame, names, f"{ident}-{place}", f"{ident}-all")
        for place, (model, curves) in enumerate(shown.items())
    ]
    return panels, markup(behind) if len(shown) > 1 else Markup()


def _frame(every: Iterable[Curves]) -> _Frame:
    """Scales that hold all curves. Losses can leave any scale: the largest few per cent of them are clipped."""
    every = list(every)
    curves = [curve for one in every for curve in (one.score, one.train, one.validation) if curve]
    last = max(epoch for curve in curves for epoch in curve.epochs)
    first = min(epoch for curve in curves for epoch in curve.epochs)
    x = Scale(first, max(last, first + 1), LEFT, WIDTH - RIGHT)
    scores = [value for one in every if one.score for value in (*one.score.least, *one.score.largest)]
    losses = sorted(
        value for one in every for curve in (one.train, one.validation) if curve
        for value in (*curve.least, *curve.largest)
    )  # fmt: skip
    losses = losses[: math.ceil(0.98 * len(losses))]
    top = TOP + (SCORE_HEIGHT + GAP if scores else 0.0)
    score = scale(scores, TOP + SCORE_HEIGHT, TOP) if scores else None
    return _Frame(x, score, scale(losses, top + LOSS_HEIGHT, top))


def _panel(
    board: Board, model: str, curves: Curves, frame: _Frame, names: Mapping[str, str], ident: str, behind: str
) -> Figure:
    name = names.get(model, model)
    root = drawing(frame.bottom + 30, f"Learning curves of {name}", _told(board, curves), ident, WIDTH)
    x_axis(root, frame.x, frame.bottom, "epoch", TOP, whole=True)
    for axis in (frame.score, frame.loss):
        if axis is not None:
            y_axis(root, axis, LEFT, WIDTH - RIGHT, 4 if axis is frame.score else 3)
    add(root, "use", "ghost", href=f"#{behind}")
    if frame.score is not None:
        add(root, "text", "axis", f"validation {board.metric}", x=LEFT, y=TOP - 5)
        _draw(root, curves.score, frame.x, frame.score, "main")
        for epoch in sorted(set(curves.best)):
            x, y = frame.x(epoch), frame.score.begin
            add(root, "path", "best", d=f"M{number(x)} {number(y)}l-3 5h6Z")
    add(root, "text", "axis", "loss", x=LEFT, y=frame.loss.end - 5)
    _draw(root, curves.train, frame.x, frame.loss, "train")
    _draw(root, curves.validation, frame.x, frame.loss, "main")
    seeds = f"{curves.seeds} seed{'s' if curves.seeds != 1 else ''}"
    return Figure(markup(root), f"{name}, {seeds}", model)


def _draw(root: Element, curve: Curve | None, x: Scale, y: Scale, kind: str) -> None:
    """Band, and mean: dashed where some seeds had stopped already; a single epoch is a dot."""
    if curve is None:
        return
    mean = curve.points(curve.mean, x, y)
    if curve.least != curve.largest:
        band = area(curve.points(curve.least, x, y), curve.points(curve.largest, x, y))
        add(root, "path", f"band {kind}", d=band)
    if len(mean) == 1:
        add(root, "circle", f"dot {kind}", cx=mean[0][0], cy=mean[0][1], r=2.5)
        return
    count = sum(epoch <= curve.whole for epoch in curve.epochs)
    add(root, "path", f"curve {kind}", d=line(mean[:count]))
    if count < len(mean):
        add(root, "path", f"curve {kind} fewer", d=line(mean[max(count - 1, 0) :]))


def _told(board: Board, curves: Curves) -> str:
    """What the panel shows, in words."""
    parts = []
    if curves.score is not None:
        first, last = curves.score.mean[0], curves.score.mean[-1]
        epochs = curves.score.epochs
        parts.append(
            f"validation {board.metric} from {first:.4g} at epoch {epochs[0]} to {last:.4g} at epoch {epochs[-1]}"
        )
    if curves.train is not None:
        parts.append(f"training loss from {curves.train.mean[0]:.4g} to {curves.train.mean[-1]:.4g}")
    if curves.best:
        parts.append(f"best epochs {', '.join(str(epoch) for epoch in sorted(curves.best))}")
    return "; ".join(parts)
