"""Records, per-example scores and measured costs → a board per task. Pure, and needs no plugin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from seqbench.board import COSTS, Board, Pair, Row
from seqbench.pareto import front
from seqbench.records import Costs, Outcome, sizes_of
from seqbench.verdicts import verdicts

if TYPE_CHECKING:
    from seqbench.examples import ExampleScores

AnyOutcome = TypeVar("AnyOutcome", bound=Outcome)
ReadScores = Callable[[Outcome], "ExampleScores | None"]


class Measured(Protocol):
    """What `seqbench measure` found of a cell."""

    def costs(self, of_run: Costs) -> Costs:
        """The run's costs with those that were measured in their place."""

    @property
    def spread(self) -> Mapping[str, float]:
        """By cost, the standard deviation over repeats."""


def no_scores(outcome: Outcome) -> ExampleScores | None:
    """For records whose predictions are not at hand."""
    return None


def boards(
    records: Iterable[Outcome],
    read_scores: ReadScores = no_scores,
    measured: Mapping[str, Measured] | None = None,
) -> list[Board]:
    """A board of every task, by its id.

    Of records with the same key the last one counts. Of several series under one label (the same model before and
    after an update, say) only the most recent is shown, so that seeds of different code never mix.
    read_scores: the per-example scores of a finished cell; without them only seeds can be compared.
    measured: costs by a cell's key, that take the place of those of the run.
    """
    tasks = grouped(records)
    return [board_of(tasks[task], read_scores, measured or {}) for task in sorted(tasks)]


def board(records: Iterable[Outcome], read_scores: ReadScores = no_scores) -> list[Row]:
    """The rows of every task's board, by task and position."""
    return [row for one in boards(records, read_scores) for row in one.rows]


def latest(records: Iterable[AnyOutcome]) -> dict[str, AnyOutcome]:
    """By key, the last record of each cell; one that was interrupted takes the place of no result."""
    found: dict[str, AnyOutcome] = {}
    for record in records:
        if record.status != "interrupted" or record.key not in found:
            found[record.key] = record
    return found


def grouped(
    records: Iterable[AnyOutcome], preferred: Collection[str] = frozenset()
) -> dict[str, list[list[AnyOutcome]]]:
    """By task id, the records of each row of its board: of a label's series a preferred one, else the newest.

    Rows of other data than the newest row's, and those with another primary metric, are on no board with it.
    """
    return grouped_and_left_out(records, preferred)[0]


def grouped_and_left_out(
    records: Iterable[AnyOutcome], preferred: Collection[str] = frozenset()
) -> tuple[dict[str, list[list[AnyOutcome]]], dict[str, list[str]]]:
    """As `grouped`, and by task id the labels of the rows that are left out, if there are any."""
    kept, left_out = {}, {}
    for task, groups in _current(records, preferred).items():
        kept[task], others = _parted(groups, preferred)
        if others:
            left_out[task] = sorted(group[0].label for group in others)
    return kept, left_out


def _current(records: Iterable[AnyOutcome], preferred: Collection[str]) -> dict[str, list[list[AnyOutcome]]]:
    """By task id, one series for each label."""
    by_series: dict[str, list[AnyOutcome]] = {}
    for record in latest(records).values():
        by_series.setdefault(record.series, []).append(record)
    current: dict[tuple[str, str], list[AnyOutcome]] = {}
    for group in by_series.values():
        label = (group[0].task_id, group[0].label)
        if label not in current or _precedence(group, preferred) >= _precedence(current[label], preferred):
            current[label] = group
    tasks: dict[str, list[list[AnyOutcome]]] = {}
    for group in current.values():
        tasks.setdefault(group[0].task_id, []).append(sorted(group, key=lambda record: record.seed))
    return tasks


def _parted(
    groups: list[list[AnyOutcome]], preferred: Collection[str]
) -> tuple[list[list[AnyOutcome]], list[list[AnyOutcome]]]:
    """Those that can be compared with the newest one that has a result, and the others."""
    done = [group for group in groups if any(record.status == "ok" for record in group)]
    if not done:
        return groups, []
    metric, sizes = _tested(max(done, key=lambda group: _precedence(group, preferred)))

    def is_alike(group: Sequence[Outcome]) -> bool:
        other, theirs = _tested(group)
        return other == metric and (not theirs or not sizes or theirs == sizes)

    return [group for group in groups if is_alike(group)], [group for group in groups if not is_alike(group)]


def _tested(group: Sequence[Outcome]) -> tuple[str, tuple[int, ...]]:
    """By which metric, and on how many examples."""
    done = (record for record in group if record.status == "ok")
    # What was made here and not read has them in `data` alone.
    sizes = next((record.sizes or sizes_of(getattr(record, "data", None)) for record in done), ())
    return group[0].primary, sizes


def _precedence(group: Sequence[Outcome], preferred: Collection[str]) -> tuple[bool, float]:
    return group[0].series in preferred, _newest(group)


def _newest(group: Sequence[Outcome]) -> float:
    return max(record.finished_at for record in group)


def board_of(
    groups: Sequence[Sequence[Outcome]],
    read_scores: ReadScores = no_scores,
    measured: Mapping[str, Measured] | None = None,
) -> Board:
    """One task's board, from the records of each of its rows."""
    from seqbench.evidence import Evidence

    first = groups[0][0]
    sign = -1.0 if first.higher_is_better else 1.0
    entries = [_Entry(group, _row(group, measured or {})) for group in groups]
    ranked = sorted(
        (entry for entry in entries if entry.row.mean is not None),
        key=lambda entry: (sign * (entry.row.mean or 0.0), entry.row.model),
    )
    evidence = Evidence.of([entry.done for entry in ranked], read_scores)
    pairs = evidence.pairs([entry.row.model for entry in ranked])
    rows = _placed([entry.row for entry in ranked], evidence.intervals(), pairs)
    rows = _against_baseline(_on_fronts(rows), pairs)
    rest = sorted((entry.row for entry in entries if entry.row.mean is None), key=lambda row: row.model)
    found = Board(
        first.task_id, first.task, first.source, first.primary, first.higher_is_better, (*rows, *rest), tuple(pairs)
    )
    return replace(found, notes=(*verdicts(found), *evidence.notes))


@dataclass(frozen=True)
class _Entry:
    group: Sequence[Outcome]
    row: Row

    @property
    def done(self) -> list[Outcome]:
        return _done(self.group)


def _done(group: Sequence[Outcome]) -> list[Outcome]:
    """Those with a result: a primary metric that is no number is none."""
    return [record for record in group if record.status == "ok" and isfinite(record.metrics.get(record.primary, nan))]


def _placed(rows: Sequence[Row], intervals: Sequence[tuple[float, float] | None], pairs: Sequence[Pair]) -> list[Row]:
    """Rows from the best to the worst, with their intervals, places and letters."""
    from seqbench.stats import letters, rank_intervals, ranks_of, tie_groups  # a plan needs no NumPy

    different = {frozenset((pair.one, pair.other)) for pair in pairs if pair.is_different}

    def differs(one: int, other: int) -> bool:
        return frozenset((rows[one].model, rows[other].model)) in different

    count = len(rows)
    ranks, spans = ranks_of(tie_groups(count, differs)), rank_intervals(count, differs)
    texts = letters(count, differs)
    return [
        replace(
            row,
            ci_low=interval[0] if interval else None,
            ci_high=interval[1] if interval else None,
            position=place + 1,
            rank=ranks[place],
            rank_low=spans[place][0],
            rank_high=spans[place][1],
            letters=texts[place],
        )
        for place, (row, interval) in enumerate(zip(rows, intervals, strict=True))
    ]


def _against_baseline(rows: Sequence[Row], pairs: Sequence[Pair]) -> list[Row]:
    """With what each model is beside the best baseline; None where its mean is better and nothing else is known."""
    best = next((row for row in rows if row.is_baseline), None)
    if best is None:
        return list(rows)
    ahead = {
        pair.one: None if pair.p_value is None else pair.is_different for pair in pairs if pair.other == best.model
    }
    return [row if row.is_baseline else replace(row, beats_best_baseline=ahead.get(row.model, False)) for row in rows]


def _on_fronts(rows: Sequence[Row]) -> list[Row]:
    """With the costs on whose Pareto front each row lies; a baseline has few costs, and is on the fronts of these."""
    fronts: dict[str, set[int]] = {}
    for cost in COSTS:
        known = [place for place, row in enumerate(rows) if getattr(row, cost) is not None]
        points = [(float(getattr(rows[place], cost)), float(rows[place].mean or 0.0)) for place in known]
        if points:
            fronts[cost] = {known[index] for index in front(points, higher_is_better=rows[0].higher_is_better)}
    return [
        replace(row, pareto=tuple(cost for cost in COSTS if place in fronts.get(cost, ())))
        for place, row in enumerate(rows)
    ]


def _row(group: Sequence[Outcome], measured: Mapping[str, Measured]) -> Row:
    """A row as far as it can be known without the others."""
    first = group[0]
    done = _done(group)
    scores = tuple(record.metrics[record.primary] for record in done)
    names = sorted(set.intersection(*(set(record.metrics) for record in done))) if done else []
    return Row(
        task=first.task_id,
        task_name=first.task,
        source=first.source,
        model=first.label,
        is_baseline=first.is_baseline,
        metric=first.primary,
        higher_is_better=first.higher_is_better,
        mean=fmean(scores) if scores else None,
        sd=_sd(scores),
        ci_low=None,
        ci_high=None,
        seeds=tuple(record.seed for record in done),
        scores=scores,
        position=None,
        rank=None,
        rank_low=None,
        rank_high=None,
        letters="",
        **_costs(done, measured),
        pareto=(),
        statuses=dict(sorted(Counter(record.status for record in group).items())),
        metrics={name: fmean(record.metrics[name] for record in done) for name in names},
        beats_best_baseline=None,
        reason=_reason(group, done),
        series=first.series,
    )


def _reason(group: Sequence[Outcome], done: Sequence[Outcome]) -> str:
    """Why cells have no result: the first one's reason."""
    failed = next((record.failure.message for record in group if record.failure), "")
    is_ok = sum(record.status == "ok" for record in group)
    return failed or (f"{group[0].primary} is not finite" if len(done) < is_ok else "")


def _sd(scores: Sequence[float]) -> float | None:
    from statistics import stdev

    return stdev(scores) if len(scores) > 1 else None


MEANS = (
    "examples_per_second",
    "latency_p50_ms",
    "latency_p95_ms",
    "batch_latency_p50_ms",
    "batch_latency_p95_ms",
)
"""Costs of which a row has the mean over its seeds."""


def _costs(done: Sequence[Outcome], measured: Mapping[str, Measured]) -> dict[str, Any]:
    """The row's costs: of the run, or where they were measured alone, those."""
    costs = _over_seeds([record.costs for record in done])
    again = next((measured[record.key] for record in done if record.key in measured), None)
    if again is not None:
        costs = again.costs(costs)
    names = ("parameters", "macs", "peak_memory_bytes", "batch_size", "alone", *MEANS)
    return {
        **{name: getattr(costs, name) for name in names},
        "train_seconds": costs.fit_seconds if done else None,
        "cost_spread": dict(again.spread) if again is not None else {},
    }


def _over_seeds(costs: Sequence[Costs]) -> Costs:
    """Sizes of the first, the highest memory, means of the rest; alone if all were."""
    if not costs:
        return Costs()
    means: dict[str, Any] = {}
    for name in MEANS:
        values = [value for cost in costs if (value := getattr(cost, name)) is not None]
        means[name] = fmean(values) if values else None
    return replace(
        costs[0],
        **means,
        peak_memory_bytes=max((cost.peak_memory_bytes or 0 for cost in costs), default=0) or None,
        fit_seconds=fmean(cost.fit_seconds for cost in costs),
        alone=None if costs[0].alone is None else all(cost.alone for cost in costs),
    )
