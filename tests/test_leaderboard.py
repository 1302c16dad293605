"""Boards are made from records alone."""

from __future__ import annotations

import pytest

from seqbench.leaderboard import board, boards
from seqbench.records import CellRecord, Failure
from seqbench.stats import student_t, summarise


def record(model: str, seed: int, score: float | None, **changes: object) -> CellRecord:
    values: dict[str, object] = {
        "key": f"{model}/{seed}/{changes.get('series', '')}",
        "series": model,
        "task": "toy",
        "source": "builtin",
        "task_id": "toy@builtin",
        "model": model,
        "label": model,
        "is_baseline": False,
        "seed": seed,
        "status": "failed" if score is None else "ok",
        "primary": "score",
        "higher_is_better": True,
        "metrics": {} if score is None else {"score": score},
        "failure": Failure("ValueError", "no luck") if score is None else None,
    }
    return CellRecord(**{**values, **changes})  # type: ignore[arg-type]


def test_the_interval_is_students() -> None:
    """Three seeds 1, 2, 3: mean 2, sd 1, and t(0.975, 2) = 4.3027 (Student 1908) times sd over the root of 3."""
    summary = summarise([1.0, 2.0, 3.0])
    assert (2.0, 1.0) == (summary.mean, summary.sd)
    assert summary.ci_high == pytest.approx(2 + 4.302652729911275 / 3**0.5)
    assert student_t(0.95, 10) == pytest.approx(2.2281388519649385)


def test_one_seed_has_no_spread() -> None:
    """A single value gives a mean and says nothing about its interval."""
    summary = summarise([0.5])
    assert (0.5, None, None, None) == (summary.mean, summary.sd, summary.ci_low, summary.ci_high)


@pytest.mark.parametrize(("higher", "order"), [(True, ["b", "c", "a"]), (False, ["a", "c", "b"])])
def test_rank_follows_the_metric(higher: bool, order: list[str]) -> None:
    """The best mean has rank 1, whichever way is better."""
    records = [
        record(model, seed, score + seed / 100, higher_is_better=higher)
        for model, score in (("a", 0.1), ("b", 0.9), ("c", 0.5))
        for seed in (0, 1)
    ]
    rows = board(records)
    assert order == [row.model for row in rows]
    assert [1, 2, 3] == [row.rank for row in rows] == [row.position for row in rows]


def test_rows_that_cannot_be_told_apart_share_a_rank() -> None:
    """Two models within the spread of their seeds are both first; the next, far below, is third."""
    scores = {"a": (0.50, 0.52, 0.51), "b": (0.51, 0.49, 0.50), "c": (0.10, 0.12, 0.11)}
    rows = board(record(model, seed, score) for model, values in scores.items() for seed, score in enumerate(values))
    assert [("a", 1, "a"), ("b", 1, "a"), ("c", 3, "b")] == [(row.model, row.rank, row.letters) for row in rows]
    assert [(1, 2), (1, 2), (3, 3)] == [(row.rank_low, row.rank_high) for row in rows]


def test_what_nothing_is_known_of_is_tied() -> None:
    """One seed and no predictions tell nobody apart: all share the first rank, and the board says why."""
    found = boards([record("a", 0, 0.9), record("b", 0, 0.5)])[0]
    assert [1, 1] == [row.rank for row in found.rows]
    assert any("one seed" in note for note in found.notes)


def test_failures_stay_on_the_board() -> None:
    """A model that failed is listed last, without a rank, with its statuses and the reason."""
    rows = board([record("a", 0, 0.5), record("b", 0, None), record("b", 1, None)])
    assert ("b", None, None, {"failed": 2}, "no luck") == (
        rows[1].model,
        rows[1].rank,
        rows[1].mean,
        rows[1].statuses,
        rows[1].reason,
    )


def test_a_model_no_better_than_a_baseline_is_marked() -> None:
    """Each model is held against the best baseline; baselines are not."""
    rows = board([record("a", 0, 0.9), record("b", 0, 0.4), record("naive", 0, 0.5, is_baseline=True)])
    assert {"a": None, "b": False, "naive": None} == {row.model: row.beats_best_baseline for row in rows}
    seeds = [record("a", seed, 0.9 + seed / 100) for seed in range(3)]
    rows = board([*seeds, record("naive", 0, 0.5, is_baseline=True)])
    assert {"a": True, "naive": None} == {row.model: row.beats_best_baseline for row in rows}


def test_the_last_record_of_a_cell_counts() -> None:
    """A cell that was run again is shown once, with its last result."""
    rows = board([record("a", 0, 0.1), record("a", 0, 0.9)])
    assert [(0.9, (0,))] == [(row.mean, row.seeds) for row in rows]


def test_seeds_of_different_code_never_mix() -> None:
    """Two series under one label are not averaged: the more recent one is shown."""
    old = [record("a", seed, 0.1, series="old", finished_at=1.0) for seed in (0, 1)]
    new = [record("a", 0, 0.9, series="new", finished_at=2.0)]
    for records in (old + new, new + old):
        assert [(0.9, (0,))] == [(row.mean, row.seeds) for row in board(records)]


def test_tasks_have_boards_of_their_own() -> None:
    """The same model on two sources is two rows, each first on its board."""
    records = [record("a", 0, 0.1), record("a", 0, 0.9, task_id="toy@mine", series="other")]
    assert [("toy@builtin", 1), ("toy@mine", 1)] == [(row.task, row.rank) for row in board(records)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_is_no_result(value: float) -> None:
    """Such a cell counts for no mean, and its row says so; the others have their board."""
    found = boards([record("a", 0, 0.5), record("b", 0, value), record("b", 1, 0.4)])[0]
    assert [("a", 0.5, ""), ("b", 0.4, "score is not finite")] == [
        (row.model, row.mean, row.reason) for row in found.rows
    ]
