"""Which cell is registered, under what name, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from seqbench.board import Board
from seqbench.leaderboard import boards
from seqbench.records import CellRecord, EpochRecord
from seqbench.tracking.choice import choose, model_name, validation_score

MakeRecord = Callable[..., CellRecord]


def board_of(records: list[CellRecord]) -> Board:
    (board,) = boards(records)
    return board


def watched(validation: float | None) -> tuple[EpochRecord, ...]:
    return tuple(EpochRecord(number, 1.0, 1.0, validation, 1.0, 0.1, 1.0) for number in (1, 2, 3))


def test_the_seed_is_chosen_on_validation(make_record: MakeRecord) -> None:
    """Of the best model's seeds the one with the best validation score is served, whatever its test score."""
    records = [
        make_record("lstm", 0, 0.95, history=watched(0.7)),
        make_record("lstm", 1, 0.85, history=watched(0.9)),
        make_record("rnn", 0, 0.5, history=watched(0.99)),
    ]
    found = choose(board_of(records), records)
    assert found is not None
    assert ("lstm", 1, 0.9) == (found.record.model, found.record.seed, found.validation)
    assert "seed 1: of 2 the best on validation (accuracy 0.9000)" in found.description()
    assert "On test, accuracy 0.8500 (higher is better); mean over the seeds 0.9000" in found.description()


def test_a_lower_score_can_be_the_better_one(make_record: MakeRecord) -> None:
    """Where lower is better the seed with the lowest validation score is served; equal ones give the first seed."""
    lower = {"higher_is_better": False}
    records = [
        make_record("lstm", seed, 0.9, history=watched(score), **lower)
        for seed, score in ((0, 2.0), (1, 1.0), (2, 1.0))
    ]
    found = choose(board_of(records), records)
    assert found is not None
    assert 1 == found.record.seed


def test_without_validation_the_first_seed_is_served(make_record: MakeRecord) -> None:
    """A task that has no validation split gives nothing honest to choose by, and the description says so."""
    records = [make_record("lstm", seed, 0.8 + seed / 10, history=watched(None), best_epoch=None) for seed in (1, 0)]
    found = choose(board_of(records), records)
    assert found is not None
    assert (0, None) == (found.record.seed, found.validation)
    assert "since there is no validation split to choose by" in found.description()


def test_validation_by_another_metric_does_not_count(make_record: MakeRecord) -> None:
    """After a rescoring made another metric the primary one, the scores on validation are not of it."""
    record = make_record("lstm", history=watched(0.9), best_epoch=2)
    assert 0.9 == validation_score(record)
    rescored = {**record.provenance, "rescored": {"validated_by": "log_loss"}}
    assert validation_score(replace(record, provenance=rescored)) is None


def test_baselines_and_failures_are_not_served(make_record: MakeRecord, records: list[CellRecord]) -> None:
    """The best model is chosen although a baseline is better, and its description says that in words."""
    better = make_record("guess", accuracy=0.99, is_baseline=True)
    failed = make_record("lstm", 2, None, status="failed")
    among = [*records[1:], better, failed]
    found = choose(board_of(among), among)
    assert found is not None
    assert "lstm" == found.record.model
    assert "It is not better than the best baseline, guess (0.9900), by more than" in found.description()
    assert choose(board_of([better]), [better]) is None


def test_only_a_network_is_served(make_record: MakeRecord) -> None:
    """A model that fits itself is on the board and not in the registry: the best of the networks is."""
    fitted = [make_record("forest", seed, 0.99, parameters={"model": {}, "task": {}, "trainer": {}}) for seed in (0, 1)]
    among = [*fitted, make_record("lstm", 0, 0.8, history=watched(0.7))]
    found = choose(board_of(among), among)
    assert found is not None
    assert "lstm" == found.record.model
    assert choose(board_of(fitted), fitted) is None


def test_ties_are_told(records: list[CellRecord]) -> None:
    """Models that share the rank are named: the data cannot tell them from the one that is served."""
    board = board_of(records)
    tied = replace(
        board, rows=tuple(replace(row, rank=1 if row.mean and not row.is_baseline else 9) for row in board.rows)
    )
    found = choose(tied, records)
    assert found is not None
    assert ("rnn",) == found.tied
    assert "Tied for the best with rnn: the data cannot tell them apart." in found.description()


@pytest.mark.parametrize(
    ("task_id", "name"),
    [
        ("sentiment@builtin", "seqbench-sentiment-builtin"),
        ("speech_commands@builtin-12", "seqbench-speech_commands-builtin-12"),
        ("toy@https://a.b/c:d", "seqbench-toy-https-a.b-c-d-"),
        ("sentiment@отзывы", "seqbench-sentiment-"),
        ("toy@" + "x" * 400, "seqbench-toy-" + "x" * 196 + "-"),
    ],
)
def test_names_are_what_a_registry_takes(task_id: str, name: str) -> None:
    """A name has no / or :, is short enough, and is its task's own where it had to be changed."""
    found = model_name(task_id)
    assert found.startswith(name)
    assert len(found) <= 256
    assert not set("/:'\"@ ") & set(found)
    assert found == name or model_name(f"{task_id}x") != found
