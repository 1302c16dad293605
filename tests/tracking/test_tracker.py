"""What the tracker writes into a real MLflow database."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqbench.records import CellRecord, EpochRecord, Failure
from seqbench.tracking.background import draws_at_once
from seqbench.tracking.tracker import Tracker

Snapshot = dict[tuple[str, str], dict[str, Any]]
Look = Callable[[Tracker], Snapshot]
MakeRecord = Callable[..., CellRecord]

NAME = "seqbench/colours@builtin"


def again(tracker: Tracker) -> Tracker:
    """The same MLflow as a new process would see it."""
    return Tracker(tracker.tracking_uri, tracker.results)


def test_one_experiment_per_task_with_models_and_seeds(
    tracker: Tracker, records: list[CellRecord], snapshot: Look
) -> None:
    """A task is an experiment, a model a run in it, each of its seeds a run nested in that, a baseline one run."""
    assert [] == tracker.sync(records)
    parents = {run: held["tags"].get("mlflow.parentRunId") for run, held in snapshot(tracker).items()}
    assert {
        (NAME, "guess"): None,
        (NAME, "lstm"): None,
        (NAME, "lstm seed 0"): "lstm",
        (NAME, "lstm seed 1"): "lstm",
        (NAME, "rnn"): None,
        (NAME, "rnn seed 0"): "rnn",
        (NAME, "rnn seed 1"): "rnn",
        (NAME, "odd"): None,
        (NAME, "odd seed 0"): "odd",
    } == parents


def test_a_model_run_holds_the_row_of_the_board(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """Mean, spread, interval and rank are those of the leaderboard, under the metric's own name."""
    tracker.sync(records)
    metrics = snapshot(tracker)[NAME, "lstm"]["metrics"]
    assert pytest.approx(0.85) == metrics["accuracy"]
    assert pytest.approx(0.75) == metrics["macro_f1"]
    assert pytest.approx(0.1 / math.sqrt(2)) == metrics["accuracy_sd"]
    # Student's t for one degree of freedom at 95 % is 12.706.
    assert pytest.approx(0.85 - 12.706 * 0.05, abs=1e-4) == metrics["accuracy_ci_low"]
    assert (1, 2, 1234, 6) == tuple(metrics[name] for name in ("rank", "seeds", "parameters", "train_seconds"))


def test_a_seed_run_holds_the_whole_cell(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """Parameters, the history per epoch, results, provenance, times and files of a cell are in its run."""
    tracker.sync(records)
    held = snapshot(tracker)[NAME, "lstm seed 1"]
    assert {
        "task": "colours",
        "model": "lstm",
        "model.dropout": "0.2",
        "trainer.max_epochs": "3",
        "built.hidden_size": "17",
        "seed": "1",
    } == held["params"]
    assert [(1, 1.0), (2, 0.5), (3, 1 / 3)] == [point[:2] for point in held["history"]["train_loss"]]
    assert [(1, 0.6), (2, 0.7), (3, 0.8)] == [point[:2] for point in held["history"]["validation_accuracy"]]
    assert (0.8, 6, 3) == tuple(held["metrics"][name] for name in ("accuracy", "train_seconds", "best_epoch"))
    assert (1_750_000_010_000, 1_750_000_018_000) == held["times"]
    assert all(held["times"][0] <= point[2] <= held["times"][1] for point in held["history"]["train_loss"])
    assert ("1.2", "abc", "f00d", "2.11.0") == tuple(
        held["tags"][f"seqbench.{name}"] for name in ("model.version", "model.source_hash", "data.fingerprint", "torch")
    )
    assert [
        "log.txt",
        "plots/confusion.png",
        "plots/learning_curve.png",
        "predictions.csv",
        "record.json",
    ] == held["artifacts"]


def test_a_cell_that_did_not_end_well_says_why(
    tracker: Tracker, make_record: MakeRecord, records: list[CellRecord], snapshot: Look
) -> None:
    """A failed cell is a FAILED run with its reason, an interrupted one KILLED, and one that was skipped none."""
    stopped = make_record("gru", 0, None, status="interrupted", started_at=0.0)
    skipped = make_record("bow", 0, None, status="skipped")
    tracker.sync([*records, stopped, skipped])
    held = snapshot(tracker)
    assert ("FAILED", "FAILED") == (held[NAME, "odd seed 0"]["status"], held[NAME, "odd"]["status"])
    assert "ValueError: the loss was a string" == held[NAME, "odd seed 0"]["tags"]["seqbench.failure"]
    assert ("KILLED", "FINISHED") == (held[NAME, "gru seed 0"]["status"], held[NAME, "lstm"]["status"])
    assert not [run for _, run in held if run.startswith("bow")]


def test_sync_twice_equals_sync_once(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """Nothing is added, changed or doubled when records that MLflow has are synced again, by whomever."""
    tracker.sync(records)
    once = snapshot(tracker)
    tracker.sync(records)
    again(tracker).sync(records)
    assert once == snapshot(tracker)


def test_cells_logged_as_they_finish_give_what_sync_gives(
    tracker: Tracker, records: list[CellRecord], snapshot: Look, tmp_path: Path, empty_database: Path
) -> None:
    """Logging during a run and rebuilding from the records afterwards end in the same runs."""
    for record in records:
        tracker.log_cell(record)
    tracker.sync(records)
    rebuilt = tmp_path / "rebuilt.db"
    rebuilt.write_bytes(empty_database.read_bytes())
    other = Tracker(f"sqlite:///{rebuilt}", tracker.results)
    other.sync(records)
    assert snapshot(other) == snapshot(tracker)


def test_a_half_written_run_is_completed(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """After a crash in the middle of logging, sync finishes what is there instead of making a second run."""
    tracker.sync(records)
    whole = snapshot(tracker)
    client = tracker.connect()
    (found,) = client.search_runs(["1"], filter_string="tags.mlflow.runName = 'lstm seed 1'")
    client.update_run(found.info.run_id, "RUNNING")
    again(tracker).sync(records)
    assert whole == snapshot(tracker)


def test_a_cell_trained_again_replaces_its_run(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """A cell trained again has the new history only; the model's mean follows, and one that is no more is NaN."""
    tracker.sync(records)
    epoch = EpochRecord(1, 0.25, 0.3, 0.9, 1.0, 0.001, 2.0)
    newer = replace(records[1], metrics={"accuracy": 0.6}, history=(epoch,), finished_at=records[1].finished_at + 60)
    again(tracker).sync([*records, newer])
    held = snapshot(tracker)
    assert [(1, 0.25)] == [point[:2] for point in held[NAME, "lstm seed 0"]["history"]["train_loss"]]
    assert pytest.approx(0.7) == held[NAME, "lstm"]["metrics"]["accuracy"]
    assert math.isnan(held[NAME, "lstm"]["metrics"]["macro_f1"])


@pytest.mark.parametrize("status", ["timeout", "oom", "crashed", "interrupted"])
def test_a_cell_that_is_mended_replaces_what_was_wrong(
    tracker: Tracker, make_record: MakeRecord, snapshot: Look, status: str
) -> None:
    """A cell that did not end well is there with its status and reason, and when it does end well only that is left."""
    bad = make_record("lstm", 0, None, status=status, history=(), failure=Failure("Why", "it was not to be"))
    tracker.sync([bad])
    held = snapshot(tracker)
    for name in ("lstm", "lstm seed 0"):
        assert ("KILLED" if status == "interrupted" else "FAILED") == held[NAME, name]["status"]
        assert (status, "Why: it was not to be") == tuple(
            held[NAME, name]["tags"][f"seqbench.{tag}"] for tag in ("status", "failure")
        )
    again(tracker).sync([bad, make_record("lstm", finished_at=bad.finished_at + 60)])
    held = snapshot(tracker)
    assert 2 == len(held)
    for name in ("lstm", "lstm seed 0"):
        assert ("FINISHED", 0.8) == (held[NAME, name]["status"], held[NAME, name]["metrics"]["accuracy"])
        assert "ok" == held[NAME, name]["tags"]["seqbench.status"]
        assert not held[NAME, name]["tags"].get("seqbench.failure")


def test_doubles_that_others_made_are_removed(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """Where a cell or a model is there twice, sync keeps the run that was written as a whole and deletes the other."""
    tracker.sync(records)
    whole, client = snapshot(tracker), tracker.connect()
    for run in client.search_runs(["1"]):
        client.create_run("1", tags=run.data.tags)
    assert 18 == len(client.search_runs(["1"]))
    again(tracker).sync(records)
    assert whole == snapshot(tracker)


def test_an_older_result_does_not_replace_a_newer_one(
    tracker: Tracker, records: list[CellRecord], snapshot: Look
) -> None:
    """A results folder with an older result of the same cell leaves what a newer one has logged."""
    newer = replace(records[1], metrics={"accuracy": 0.6}, finished_at=records[1].finished_at + 60)
    tracker.sync([newer])
    again(tracker).sync(records)
    again(tracker).log_cell(records[1])
    assert 0.6 == snapshot(tracker)[NAME, "lstm seed 0"]["metrics"]["accuracy"]


def test_plots_that_a_run_left_are_drawn_by_sync(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """A run draws the plots of long cells; sync draws the others, and then there is no difference any more."""
    long = replace(records[4], started_at=records[4].finished_at - 3600)
    records = [*records[:4], long, records[5]]
    during = Tracker(tracker.tracking_uri, tracker.results, draws_at_once)
    for record in records:
        during.log_cell(record)
    during.sync(records)
    drawn = {name for (_, name), run in snapshot(tracker).items() if "plots/confusion.png" in run["artifacts"]}
    assert {"rnn seed 1"} == drawn
    again(tracker).sync(records)
    whole = snapshot(tracker)
    assert "plots/confusion.png" in whole[NAME, "lstm seed 1"]["artifacts"]
    again(tracker).sync(records)
    assert whole == snapshot(tracker)


def test_ranks_follow_a_better_model(
    tracker: Tracker, records: list[CellRecord], make_record: MakeRecord, snapshot: Look
) -> None:
    """When a better model arrives, the ranks of the others in MLflow are those of the new board."""
    tracker.sync(records)
    again(tracker).sync([*records, make_record("gru", 0, 0.95)])
    held = snapshot(tracker)
    assert [1, 2, 3, 4] == [held[NAME, name]["metrics"]["rank"] for name in ("gru", "lstm", "rnn", "guess")]
    assert "2" == held[NAME, "lstm"]["tags"]["seqbench.rank"]


def test_what_newer_code_replaced_has_no_rank(tracker: Tracker, records: list[CellRecord]) -> None:
    """The run of a model's older code stays, without a rank and marked as not current."""
    tracker.sync(records)
    newer = [
        replace(record, key=f"new-{record.key}", series="new", label="lstm", finished_at=record.finished_at + 60)
        for record in records
        if record.model == "lstm"
    ]
    again(tracker).sync([*records, *newer])
    client = tracker.connect()
    runs = client.search_runs(["1"], filter_string="tags.mlflow.runName = 'lstm'")
    current = {run.data.tags["seqbench.current"]: run.data.metrics["rank"] for run in runs}
    assert 1 == current["true"]
    assert math.isnan(current["false"])


def test_a_deleted_experiment_is_told_and_the_others_are_written(
    tracker: Tracker, records: list[CellRecord], make_record: MakeRecord, snapshot: Look
) -> None:
    """Of a task whose experiment was deleted the user learns how to restore it; other tasks are logged."""
    tracker.sync(records)
    tracker.connect().delete_experiment("1")
    problems = again(tracker).sync([*records, make_record("lstm", task="sounds")])
    expected = (
        f"the MLflow experiment '{NAME}' is deleted, so nothing was logged to it: restore it with `mlflow experiments "
        "restore --experiment-id 1` or remove it with `mlflow gc`."
    )
    assert [expected] == problems
    assert ("seqbench/sounds@builtin", "lstm") in snapshot(tracker)


def test_a_damaged_file_of_predictions_costs_only_its_plot(
    tracker: Tracker, records: list[CellRecord], snapshot: Look, caplog: pytest.LogCaptureFixture
) -> None:
    """Where predictions cannot be read, the plots are missing with a warning, and the numbers are logged."""
    (tracker.results / records[1].folder / "predictions.csv").write_text("id,target\na,0\n")
    tracker.sync(records)
    held = snapshot(tracker)[NAME, "lstm seed 0"]
    assert ["log.txt", "predictions.csv", "record.json"] == held["artifacts"]
    assert 0.9 == held["metrics"]["accuracy"]
    assert "no plots of colours@builtin lstm seed 0" in caplog.text


def test_the_experiment_shows_the_board(tracker: Tracker, records: list[CellRecord]) -> None:
    """An experiment's description is the board, its artifacts are beside the database."""
    tracker.sync(records)
    experiment = tracker.connect().get_experiment_by_name(NAME)
    assert experiment is not None
    assert "| 1 | lstm | 0.8500 | 0.6353 | 2 | 1,234 | 6.0 |" in experiment.tags["mlflow.note.content"]
    assert "custom_model_development" == experiment.tags["mlflow.experimentKind"]
    assert (tracker.results / "mlartifacts").as_uri() == experiment.artifact_location
