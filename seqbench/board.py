"""The nouns of a board: rows, pairs of rows, a task's board, and what holds over all tasks. Plain values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

COSTS = ("parameters", "macs", "train_seconds", "latency_p50_ms", "peak_memory_bytes")
"""Costs that quality is held against; less is better for each."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model (or baseline) on one task, over its seeds.

    task: the task's id, `task@source`. metric: the primary one, which ranks. mean, sd: over the seeds that ended `ok`;
    None where there is none (for sd: fewer than two). ci_low, ci_high: the 95 % interval of the mean, by hierarchical
    bootstrap over seeds and test examples; None where one seed without stored predictions is all there is.
    scores: the metric by seed, in the order of `seeds`.
    position: 1 is the best mean; every row with a result has its own. rank: shared by rows that the data cannot tell
    apart from the best of them (their tie group); 1 + the number of rows before the group. rank_low, rank_high: between
    which ranks the row may lie, simultaneously for all rows. letters: rows that share one are not told apart.
    metrics: mean of every metric over the same seeds. train_seconds: mean seconds of fitting. examples_per_second: of
    training. latency_p50_ms, latency_p95_ms: of one example; batch_latency_*: of a batch of `batch_size`.
    alone: were time and memory measured while nothing else of the run was under way? cost_spread: by cost, the standard
    deviation over repeats, where it was measured repeatedly. pareto: the costs on whose Pareto front the row lies.
    statuses: how many cells ended how. beats_best_baseline: is it told apart from, and better than, the best baseline?
    None for baselines, and for a better mean of which nothing more is known.
    """

    task: str
    task_name: str
    source: str
    model: str
    is_baseline: bool
    metric: str
    higher_is_better: bool
    mean: float | None
    sd: float | None
    ci_low: float | None
    ci_high: float | None
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    position: int | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    letters: str
    parameters: int | None
    macs: int | None
    peak_memory_bytes: int | None
    train_seconds: float | None
    examples_per_second: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    batch_latency_p50_ms: float | None
    batch_latency_p95_ms: float | None
    batch_size: int | None
    alone: bool | None
    cost_spread: Mapping[str, float]
    pareto: tuple[str, ...]
    statuses: Mapping[str, int]
    metrics: Mapping[str, float]
    beats_best_baseline: bool | None
    reason: str
    series: str

    def to_json(self) -> dict[str, Any]:
        """The row as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows of a task, the one with the better mean first, compared on the same test examples.

    difference: mean of `one` minus mean of `other`, in units of the metric, with its 95 % interval.
    effect_size: the difference over the standard deviation of per-example differences (Cohen's d for pairs), with its
    interval; None without per-example scores. p_value: two-sided, of the hypothesis of no difference; p_holm: the same
    stepped down over all pairs of the task (Holm 1979); is_different: p_holm is at most 0.05. test: how it was tested.
    seeds: how many of each; examples: how many both were tested on, 0 when only seeds could be compared.
    fixed_variance, seed_variance: the variance of the difference is the first plus the second over the number of seeds,
    as far as it is known; what of it new seeds take away.
    """

    one: str
    other: str
    difference: float
    ci_low: float | None
    ci_high: float | None
    effect_size: float | None
    effect_low: float | None
    effect_high: float | None
    p_value: float | None
    p_holm: float | None
    is_different: bool
    test: str
    seeds: tuple[int, int]
    examples: int
    fixed_variance: float | None = None
    seed_variance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The pair as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Board:
    """One task's board. rows: by position, those without a result last. pairs: all pairs of rows with a result.

    notes: what a reader of this board should know, in sentences.
    """

    task: str
    task_name: str
    source: str
    metric: str
    higher_is_better: bool
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    def pair(self, one: str, other: str) -> Pair | None:
        """The pair of two models, whichever way round."""
        return next((pair for pair in self.pairs if {pair.one, pair.other} == {one, other}), None)

    @property
    def best_baseline(self) -> Row | None:
        """The baseline with the best mean."""
        return next((row for row in self.rows if row.is_baseline and row.position is not None), None)

    def to_json(self) -> dict[str, Any]:
        """The board as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OverallRow:
    """One model over the tasks. mean_rank: of its positions among the models compared, ties sharing the mean.

    iqm: interquartile mean of normalised scores over all seeds and tasks, with its 95 % interval (stratified
    bootstrap; Agarwal et al. 2021). wins, ties, losses: pairs on all tasks with an answer after Holm's step-down.
    """

    model: str
    mean_rank: float
    iqm: float
    iqm_low: float
    iqm_high: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True, slots=True)
class Overall:
    """What holds over tasks, for the models that have results on every one of `tasks`. rows: the best IQM first.

    improvement: probability that a run of *row* is better than one of *column*, averaged over tasks (Agarwal et al.
    2021), as (value, low, high) of its 95 % interval. outcomes: (wins, ties, losses) of *row* against *column*.
    taus, profiles: the share of a model's runs with a normalised score above each tau (performance profile).
    critical_difference: of mean ranks by Nemenyi's test (Demsar 2006), None with too few tasks; friedman_p: of the
    hypothesis that all models are the same, None likewise. groups: models within the critical difference.
    notes: sentences; one says why there is no critical difference where there is none.
    """

    tasks: tuple[str, ...]
    rows: tuple[OverallRow, ...]
    improvement: Mapping[str, Mapping[str, tuple[float, float, float]]]
    outcomes: Mapping[str, Mapping[str, tuple[int, int, int]]]
    taus: tuple[float, ...]
    profiles: Mapping[str, tuple[float, ...]]
    critical_difference: float | None = None
    friedman_p: float | None = None
    groups: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)
