"""This task's own checks for leaks: each changes what must not matter, and says what it changed all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqbench import Output, SequenceSet, TaskData
from seqbench_tasks.stock_forecasting.baselines import naive, ridge
from seqbench_tasks.stock_forecasting.metrics import outputs_from_closes
from seqbench_tasks.stock_forecasting.panel import read_panel
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries
from seqbench_tasks.stock_forecasting.significance import dm_p_value, dm_statistic, lag_copy, lag_copy_warning
from seqbench_tasks.stock_forecasting.windows import cut_days, make_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

Baseline = Callable[[SequenceSet, SequenceSet, Output], Callable[[SequenceSet], "NDArray[np.float64]"]]

ORIGINS = 5
"""How many forecasts of a split are checked; each costs a preparation."""
FACTOR = 3.0
CHANCE_P = 1e-3
"""A forecast that knows nothing beats naive this significantly in one of two thousand audits."""


def scaler(source: str, params: StockParams, cache: Path) -> str:
    """Other prices on the test days change neither scaler nor train nor validation."""
    panel = read_panel(source, params)
    first_test_day = cut_days(panel, params)[1]
    before, after = make_windows(panel, params), make_windows(_changed(panel, first_test_day), params)
    if before.notes["scaler"] != after.notes["scaler"]:
        return "the scaler changes when the prices of the test days change: it is fitted on more than the train days"
    for name in ("train", "validation"):
        one, other = getattr(before, name), getattr(after, name)
        if not (np.array_equal(one.values, other.values) and np.array_equal(one.targets, other.targets)):
            return f"the {name} split changes when the prices of the test days change"
    return ""


def future(source: str, params: StockParams, cache: Path) -> str:
    """Other prices after a forecast's origin leave its input, and what it starts from, as they were."""
    panel = read_panel(source, params)
    before = make_windows(panel, params)
    for name in ("validation", "test"):
        split: SequenceSet = getattr(before, name)
        for index in sorted({int(place) for place in np.linspace(0, len(split) - 1, ORIGINS)} if len(split) else ()):
            problem = _sees_the_future(panel, params, split, index, name)
            if problem:
                return problem
    return ""


def _sees_the_future(
    panel: Sequence[PriceSeries], params: StockParams, split: SequenceSet, index: int, name: str
) -> str:
    day = np.datetime64(str(split.extras["date"][index]), "s")
    after: SequenceSet = getattr(make_windows(_changed(panel, day), params), name)
    is_same = np.array_equal(split.example(index), after.example(index))
    if is_same and split.extras["last_close"][index] == after.extras["last_close"][index]:
        return ""
    return f"the input of the {name} forecast {split.ids[index]} changes with prices from after its origin"


def target_days(source: str, params: StockParams, cache: Path) -> str:
    """No day, of any series, is forecast in two splits, and splits follow each other in time."""
    panel = read_panel(source, params)
    data = make_windows(panel, params)
    spans = {name: _target_span(panel, data, name, params.horizon) for name in ("train", "validation", "test")}
    present = [(name, span) for name, span in spans.items() if span is not None]
    for (earlier, (_, last)), (later, (first, _)) in pairwise(present):
        if first <= last:
            return (
                f"{later} forecasts {first}, and {earlier} forecasts days up to {last}: target days are in two splits"
            )
    return ""


def _target_span(
    panel: Sequence[PriceSeries], data: TaskData, name: str, horizon: int
) -> tuple[np.datetime64, np.datetime64] | None:
    """The first and last target day of a split over all series."""
    split: SequenceSet = getattr(data, name)
    days = split.extras["date"].astype("datetime64[s]")
    ends = []
    for series in panel:
        own = days[split.extras["series"] == series.name]
        if len(own):
            ends.append((own.min(), series.days[np.searchsorted(series.days, own.max()) + horizon - 1]))
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def shuffled_targets(source: str, params: StockParams, cache: Path) -> str:
    """A forecast fitted to targets in random order is not better than naive, by the Diebold-Mariano test."""
    return judge_shuffled(make_windows(read_panel(source, params), params), ridge)


def judge_shuffled(data: TaskData, baseline: Baseline) -> str:
    """The problem, if the baseline beats naive after it was fitted to shuffled targets."""
    order = np.random.default_rng(0).permutation(len(data.train))
    train = replace(data.train, targets=np.asarray(data.train.targets)[order])
    outputs = baseline(train, data.validation, data.output)(data.test)
    p_value = dm_p_value(outputs, data.test)
    if dm_statistic(outputs, data.test) < 0 and p_value < CHANCE_P:
        return f"a forecast fitted to shuffled targets beats naive (p = {p_value:.2g}): something else tells the future"
    return ""


def lag_copies(source: str, params: StockParams, cache: Path) -> str:
    """The detector of copies flags the naive forecast, and not the true future."""
    data = make_windows(read_panel(source, params), params)
    copied = naive(data.train, data.validation, data.output)(data.test)
    if not lag_copy_warning(copied, data.test):
        return (
            f"the naive forecast is not seen to be the last close repeated (lag_copy {lag_copy(copied, data.test):.3f})"
        )
    truth = outputs_from_closes(data.test.extras["actual"], data.test)
    warning = lag_copy_warning(truth, data.test)
    return f"the true closes are taken for a copy: {warning}" if warning else ""


def _changed(panel: Sequence[PriceSeries], first: np.datetime64) -> tuple[PriceSeries, ...]:
    """The panel with every price from that day on multiplied, and wobbled so that returns change as well."""
    return tuple(_changed_series(series, first) for series in panel)


def _changed_series(series: PriceSeries, first: np.datetime64) -> PriceSeries:
    place = int(np.searchsorted(series.days, first))
    wobble = np.random.default_rng(0).normal(0.0, 0.05, len(series))
    factor = np.where(np.arange(len(series)) >= place, FACTOR * np.exp(wobble), 1.0)
    columns = {name: column * factor for name, column in series.columns.items()}
    return replace(series, price=series.price * factor, columns=columns)
