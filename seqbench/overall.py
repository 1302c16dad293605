"""What holds over tasks: boards → ranks, interquartile means, probabilities of improvement. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seqbench.board import Board, Overall, OverallRow, Row
from seqbench.stats import (
    LEVEL,
    critical_difference,
    friedman,
    improvement,
    interquartile_mean,
    mean_ranks,
    normalised,
    profile,
)

FEWEST_TASKS = 10
"""For a critical difference: with fewer, it is about as large as the range of mean ranks (Demsar 2006, section 3.2.2,
asks for more than ten data sets)."""

TAUS = tuple(round(float(tau), 3) for tau in np.linspace(0.0, 1.0, 51))


def overall(boards: Sequence[Board]) -> Overall | None:
    """Over the boards, for the models (no baselines) with a result on each; None with fewer than two of either.

    A score is normalised within its board: 0 is the worst mean of a row there, baselines included, 1 the best.
    Tasks on which no model has a result are left out; of the others, models that lack one are, and a note says so.
    """
    used = [board for board in boards if any(_counts(row) for row in board.rows)]
    found = {board.task: {row.model: row for row in board.rows if _counts(row)} for board in used}
    models = sorted(set.intersection(*(set(rows) for rows in found.values()))) if found else []
    if len(used) < 2 or len(models) < 2:
        return None
    scores = {model: {board.task: _normalised(board, found[board.task][model]) for board in used} for model in models}
    table = _table(used, found, models)
    outcomes = {one: {other: _outcomes(used, one, other) for other in models if other != one} for one in models}
    rows = [_row(model, rank, scores, outcomes) for model, rank in zip(models, mean_ranks(table), strict=True)]
    rows.sort(key=lambda row: (-row.iqm, row.model))
    difference, friedman_p, groups, notes = _nemenyi(rows, table)
    missing = sorted({model for rows_of in found.values() for model in rows_of} - set(models))
    if missing:
        notes = [f"Left out, since they lack a result on some task: {', '.join(missing)}.", *notes]
    return Overall(
        tasks=tuple(board.task for board in used),
        rows=tuple(rows),
        improvement={
            one: {other: improvement(scores[one], scores[other]) for other in models if other != one} for one in models
        },
        outcomes=outcomes,
        taus=TAUS,
        profiles={model: tuple(profile(scores[model], np.array(TAUS)).tolist()) for model in models},
        critical_difference=difference,
        friedman_p=friedman_p,
        groups=groups,
        notes=tuple(notes),
    )


def _counts(row: Row) -> bool:
    return not row.is_baseline and row.mean is not None


def _normalised(board: Board, row: Row) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    means = [one.mean for one in board.rows if one.mean is not None]
    return normalised([np.array(row.scores)], means, higher_is_better=board.higher_is_better)[0]


def _table(
    boards: Sequence[Board], found: Mapping[str, Mapping[str, Row]], models: Sequence[str]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """`float64[tasks, models]`: means, so that higher is better."""
    return np.array(
        [
            [(1.0 if board.higher_is_better else -1.0) * (found[board.task][model].mean or 0.0) for model in models]
            for board in boards
        ]
    )


def _outcomes(boards: Sequence[Board], one: str, other: str) -> tuple[int, int, int]:
    """On how many tasks the one is better, tied, worse."""
    wins = ties = losses = 0
    for board in boards:
        pair = board.pair(one, other)
        if pair is None or not pair.is_different:
            ties += 1
        elif pair.one == one:
            wins += 1
        else:
            losses += 1
    return wins, ties, losses


def _row(
    model: str,
    rank: float,
    scores: Mapping[str, Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]]],
    outcomes: Mapping[str, Mapping[str, tuple[int, int, int]]],
) -> OverallRow:
    value, low, high = interquartile_mean(scores[model])
    wins, ties, losses = (sum(each) for each in zip(*outcomes[model].values(), strict=True))
    return OverallRow(model, float(rank), value, low, high, wins, ties, losses)


def _nemenyi(
    rows: Sequence[OverallRow], table: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> tuple[float | None, float | None, tuple[tuple[str, ...], ...], list[str]]:
    """Critical difference, Friedman's p-value, groups of models within the difference, and notes."""
    tasks, models = table.shape
    if tasks < FEWEST_TASKS or models < 3:
        why = f"{tasks} tasks are too few for it to mean something: it takes {FEWEST_TASKS} or more"
        if tasks >= FEWEST_TASKS:
            why = "two models are a pair, which the boards compare"
        return None, None, (), [f"No critical-difference diagram: {why}."]
    p_value, difference = friedman(table), critical_difference(models, tasks)
    if p_value > LEVEL:
        note = f"Friedman's test finds no difference between the models over the tasks (p = {p_value:.3g})."
        return difference, p_value, (tuple(row.model for row in rows),), [note]
    ordered = sorted(rows, key=lambda row: (row.mean_rank, row.model))
    groups: list[tuple[str, ...]] = []
    for first in range(models):
        members = [row for row in ordered[first:] if row.mean_rank - ordered[first].mean_rank <= difference]
        group = tuple(row.model for row in members)
        if len(group) > 1 and not (groups and set(group) <= set(groups[-1])):
            groups.append(group)
    return difference, p_value, tuple(groups), []
