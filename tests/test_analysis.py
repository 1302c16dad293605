"""Boards of a results folder: computed from stored predictions once, and kept as long as nothing changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scored_results import classified, forecast, made
from seqbench.analysis import KEPT, overall, read_boards
from seqbench.examples import example_scores
from seqbench.store import Store, append_line, encode

QUALITY = {"good": 0.9, "same": 0.9, "bad": 0.7, "majority": 0.5}


def test_ties_come_from_examples(tmp_path: Path) -> None:
    """Two models of the same quality share the first rank, a worse one is third, the baseline last; each pair of rows
    was compared on all test examples.
    """
    board = read_boards(classified(tmp_path, QUALITY))[0]
    assert {"good": 1, "same": 1, "bad": 3, "majority": 4} == {row.model: row.rank for row in board.rows}
    assert {300} == {pair.examples for pair in board.pairs}
    assert 6 == len(board.pairs)
    assert all(row.beats_best_baseline for row in board.rows if not row.is_baseline)
    assert "are tied for first" in board.notes[0]


def test_a_forecast_is_compared_by_diebold_mariano(tmp_path: Path) -> None:
    """Scores of days, from the column `score`, are compared as a series in time, and lower is better."""
    board = read_boards(forecast(tmp_path, {"near": 1.0, "nearer": 0.9}))[0]
    assert ["nearer", "near"] == [row.model for row in board.rows]
    assert "Diebold-Mariano" in board.pairs[0].test
    assert board.pairs[0].is_different
    assert board.pairs[0].difference < 0


def test_kept_boards_are_the_computed_ones(tmp_path: Path) -> None:
    """A second reading gives equal boards from the file, without reading a single prediction."""
    store = classified(tmp_path, QUALITY)
    first = read_boards(store)
    kept = json.loads((tmp_path / KEPT).read_text())
    kept["toy@builtin"]["board"]["notes"] = ["from the file"]
    (tmp_path / KEPT).write_text(json.dumps(kept))
    second = read_boards(store)
    assert ("from the file",) == second[0].notes
    assert (first[0].rows, first[0].pairs) == (second[0].rows, second[0].pairs)


def test_a_new_record_makes_a_new_board(tmp_path: Path) -> None:
    """What is kept is for these records only: with another one the board is computed again."""
    store = classified(tmp_path, {"good": 0.9})
    assert 1 == len(read_boards(store)[0].rows)
    store.append(made("toy", "other", 0, "accuracy", 0.5), {})
    assert 2 == len(read_boards(Store(tmp_path))[0].rows)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"toy@builtin": {"stamp": 1}}', '{"toy@builtin": 7}'])
def test_a_damaged_file_of_boards_is_as_none(tmp_path: Path, content: str) -> None:
    """Boards are computed again from the records."""
    store = classified(tmp_path, {"good": 0.9})
    (tmp_path / KEPT).write_text(content)
    assert ["good"] == [row.model for row in read_boards(store)[0].rows]


def test_the_same_records_give_the_same_board(tmp_path: Path) -> None:
    """In another folder, computed anew, every number is the same."""
    one = read_boards(classified(tmp_path / "one", QUALITY))
    other = read_boards(classified(tmp_path / "other", QUALITY))
    assert [board.to_json() for board in one] == [board.to_json() for board in other]


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\xfe", b"id,target,output_0,output_1\n", b"id,target,output_0,output_1\na,x,1,2\n", b"a,b\n1,2\n"],
)
def test_damaged_predictions_leave_seeds(tmp_path: Path, damage: bytes) -> None:
    """A file that is no table of predictions is as if it were not there, and the board says what that means."""
    store = classified(tmp_path, {"good": 0.9, "bad": 0.7})
    for record in store.records():
        if record.model == "bad":
            (tmp_path / record.folder / "predictions.csv").write_bytes(damage)
            assert example_scores(record, tmp_path) is None
    board = read_boards(store)[0]
    assert 0 == board.pairs[0].examples
    assert any("compared over seeds only" in note for note in board.notes)


def test_another_metric_has_no_example_scores(tmp_path: Path) -> None:
    """Predictions whose right answers do not average to the recorded metric are not taken for its scores."""
    store = classified(tmp_path, {"good": 0.9})
    record = store.records()[0]
    changed = made("toy", "good", 0, "macro_f1", record.metrics["accuracy"] + 0.01)
    assert example_scores(record, tmp_path) is not None
    assert example_scores(changed, tmp_path) is None


def test_overall_needs_two_tasks_and_says_what_is_too_few(tmp_path: Path) -> None:
    """Over two tasks there are ranks and interquartile means, and a sentence in place of a critical difference."""
    store = classified(tmp_path, QUALITY)
    assert overall(read_boards(store)) is None
    classified(tmp_path, {**QUALITY, "lonely": 0.8}, task="other")
    found = overall(read_boards(Store(tmp_path)))
    assert found is not None
    assert {"good", "same", "bad"} == {row.model for row in found.rows}
    assert "bad" == found.rows[-1].model
    assert 3.0 == found.rows[-1].mean_rank
    assert (0, 0, 2) == found.outcomes["bad"]["good"]
    assert found.critical_difference is None
    assert any("No critical-difference diagram" in note for note in found.notes)
    assert any("lonely" in note for note in found.notes)


def test_ten_tasks_have_a_critical_difference(tmp_path: Path) -> None:
    """With ten tasks Friedman's test and Nemenyi's difference are there, and groups of models within it."""
    for number in range(10):
        classified(tmp_path, {"good": 0.9, "same": 0.9, "bad": 0.6}, examples=60, task=f"task{number}")
    found = overall(read_boards(Store(tmp_path)))
    assert found is not None
    assert 1.05 == pytest.approx(found.critical_difference, abs=0.01)
    assert found.friedman_p is not None
    assert found.friedman_p < 0.001
    assert not any("bad" in group for group in found.groups)


def test_other_data_and_other_metrics_are_on_no_board_together(tmp_path: Path) -> None:
    """When a task's data or its primary metric has changed, what was tested before is left out and named, until the
    series of a run say that they are what is asked for.
    """
    store = classified(tmp_path, QUALITY)
    records = [replace(one, data={**one.data, "sizes": [1, 2, 3]}) for one in store.records()]
    store.records_path.unlink()
    for one in records:
        append_line(store.records_path, encode(one))
    record = next(one for one in records if one.model == "bad")
    newest = max(one.finished_at for one in store.records()) + 1
    new = replace(record, finished_at=newest, data={**record.data, "sizes": [9, 9, 9]})
    store.append(replace(new, model="new", label="new", key="1" * 64, series="2" * 64), {})
    board = read_boards(store)[0]
    assert ["new"] == [row.model for row in board.rows]
    assert "bad, good, majority, same are not on this board: tested on other data" in board.notes[-1]
    before = read_boards(store, series={record.series})[0]
    assert {"good", "same", "bad", "majority"} == {row.model for row in before.rows}
    errors = replace(
        new, model="err", label="err", key="3" * 64, series="4" * 64, primary="error", finished_at=newest + 1
    )
    store.append(replace(errors, metrics={"error": 1.0}), {})
    assert ["err"] == [row.model for row in read_boards(store)[0].rows]
