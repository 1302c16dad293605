"""Records → a board per task. Pure, and needs no plugin."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, TypeVar

from seqbench.records import Outcome
from seqbench.stats import summarise

AnyOutcome = TypeVar("AnyOutcome", bound=Outcome)


@dataclass(frozen=True)
class Row:
    """One model (or baseline) on one task, over its seeds.

    task: the task's id, `task@source`. metric: the primary one, which ranks. mean, sd, ci_low, ci_high: over the
    seeds that ended `ok`; None where there is none (for the interval: fewer than two). rank: 1 is best, equal means
    share a rank; None without a result. metrics: mean of every metric over the same seeds. train_seconds: mean
    seconds of fitting. statuses: how many cells ended how. beats: what is best among the baselines, and whether the
    mean is better than that.
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
    rank: int | None
    parameters: int | None
    macs: int | None
    peak_memory_bytes: int | None
    train_seconds: float | None
    statuses: Mapping[str, int]
    metrics: Mapping[str, float]
    beats_best_baseline: bool | None
    reason: str
    series: str

    def to_json(self) -> dict[str, Any]:
        """The row as JSON-able values."""
        return asdict(self)


def board(records: Iterable[Outcome]) -> list[Row]:
    """Rows of every task, by task and rank.

    Of records with the same key the last one counts. Of several series under one label (the same model before and
    after an update, say) only the most recent is shown, so that seeds of different code never mix.
    """
    tasks: dict[str, list[list[Outcome]]] = {}
    for group in _current_series(records):
        tasks.setdefault(group[0].task_id, []).append(group)
    return [row for task in sorted(tasks) for row in _ranked(tasks[task])]


def latest(records: Iterable[AnyOutcome]) -> dict[str, AnyOutcome]:
    """By key, the last record of each cell; one that was interrupted takes the place of no result."""
    found: dict[str, AnyOutcome] = {}
    for record in records:
        if record.status != "interrupted" or record.key not in found:
            found[record.key] = record
    return found


def _current_series(records: Iterable[Outcome]) -> list[list[Outcome]]:
    by_series: dict[str, list[Outcome]] = {}
    for record in latest(records).values():
        by_series.setdefault(record.series, []).append(record)
    current: dict[tuple[str, str], list[Outcome]] = {}
    for group in by_series.values():
        label = (group[0].task_id, group[0].label)
        if label not in current or _newest(group) >= _newest(current[label]):
            current[label] = group
    return list(current.values())


def _newest(group: list[Outcome]) -> float:
    return max(record.finished_at for record in group)


def _ranked(groups: list[list[Outcome]]) -> list[Row]:
    rows = [_row(group) for group in groups]
    sign = -1.0 if rows[0].higher_is_better else 1.0
    scores = sorted(sign * row.mean for row in rows if row.mean is not None)
    bars = [sign * row.mean for row in rows if row.is_baseline and row.mean is not None]
    ranked = [_placed(row, sign, scores, min(bars, default=None)) for row in rows]
    return sorted(ranked, key=lambda row: (row.rank is None, row.rank or 0, row.model))


def _placed(row: Row, sign: float, scores: list[float], bar: float | None) -> Row:
    if row.mean is None:
        return row
    beats = None if row.is_baseline or bar is None else sign * row.mean < bar
    values = {**row.__dict__, "rank": 1 + bisect_left(scores, sign * row.mean), "beats_best_baseline": beats}
    return Row(**values)


def _row(group: list[Outcome]) -> Row:
    group = sorted(group, key=lambda record: record.seed)
    first = group[0]
    done = [record for record in group if record.status == "ok"]
    summary = summarise([record.metrics[record.primary] for record in done]) if done else None
    names = sorted(set.intersection(*(set(record.metrics) for record in done))) if done else []
    return Row(
        task=first.task_id,
        task_name=first.task,
        source=first.source,
        model=first.label,
        is_baseline=first.is_baseline,
        metric=first.primary,
        higher_is_better=first.higher_is_better,
        mean=summary.mean if summary else None,
        sd=summary.sd if summary else None,
        ci_low=summary.ci_low if summary else None,
        ci_high=summary.ci_high if summary else None,
        seeds=tuple(record.seed for record in done),
        rank=None,
        parameters=done[0].costs.parameters if done else None,
        macs=done[0].costs.macs if done else None,
        peak_memory_bytes=max((record.costs.peak_memory_bytes or 0 for record in done), default=0) or None,
        train_seconds=fmean(record.costs.fit_seconds for record in done) if done else None,
        statuses=dict(sorted(Counter(record.status for record in group).items())),
        metrics={name: fmean(record.metrics[name] for record in done) for name in names},
        beats_best_baseline=None,
        reason=next((record.failure.message for record in group if record.failure), ""),
        series=first.series,
    )
