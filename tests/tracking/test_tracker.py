"""What the tracker writes into a real MLflow database."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seqbench.examples import example_scores
from seqbench.leaderboard import boards
from seqbench.records import CellRecord, EpochRecord, Failure
from seqbench.store import Store
from seqbench.tracking.background import draws_at_once
from seqbench.tracking.tracker import Tracker

Snapshot = dict[tuple[str, str], dict[str, Any]]
Look = Callable[[Tracker], Snapshot]
MakeRecord = Callable[..., CellRecord]

NAME, OVERALL = "seqbench/colours@builtin", "seqbench/overall"


def again(tracker: Tracker) -> Tracker:
    """The same MLflow as a new process would see it."""
    return Tracker(tracker.tracking_uri, tracker.results)


def quick(tracker: Tracker) -> Tracker:
    """As `again`, without plots, which take longer than all else."""
    return Tracker(tracker.tracking_uri, tracker.results, lambda record: False)


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


def test_a_model_run_holds_the_row_of_the_board(tracker: Tracker, whole: list[CellRecord], snapshot: Look) -> None:
    """Mean, spread, interval, places and costs are those of the board of the same records and predictions."""
    quick(tracker).sync(whole)
    held = snapshot(tracker)
    for board in boards(whole, partial(example_scores, results=tracker.results)):
        for row in board.rows:
            metrics = held[f"seqbench/{board.task}", row.model]["metrics"]
            assert (row.mean, row.ci_low, row.ci_high) == tuple(
                metrics[f"accuracy{end}"] for end in ("", "_ci_low", "_ci_high")
            )
            for name in ("position", "rank", "rank_low", "rank_high", "macs", "latency_p95_ms", "peak_memory_bytes"):
                assert getattr(row, name) == metrics.get(name)
            assert row.letters == held[f"seqbench/{board.task}", row.model]["tags"]["ties"]
            assert not [name for name, value in metrics.items() if math.isnan(value)]


def test_a_seed_run_holds_the_whole_cell(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """Parameters, the history per epoch, results, provenance, times and files of a cell are in its run."""
    tracker.sync(records)
    held = snapshot(tracker)[NAME, "lstm seed 1"]
    assert {
        "task": "colours",
        "model": "lstm",
        "label": "lstm",
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


def test_runs_that_a_killed_logger_left_are_repaired(tracker: Tracker, make_record: MakeRecord, snapshot: Look) -> None:
    """A logging process that is killed leaves runs that are RUNNING; the next sync ends each as its cell has ended."""
    records = [
        make_record("lstm"),
        make_record("gru", 0, None, status="oom", failure=Failure("OutOfMemory", "no room")),
        make_record("rnn", 0, None, status="interrupted"),
        make_record("guess", accuracy=0.5, is_baseline=True),
    ]
    store = Store(tracker.results)
    for record in records:
        store.append(record, {})
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from seqbench.store import Store\nfrom seqbench.tracking.tracker import Tracker\n"
        "from seqbench.tracking.writer import Writer\n"
        "results = Path(sys.argv[2])\n"
        "Writer.end = lambda *arguments: None\n"  # each run is written, and none is ended
        "tracker = Tracker(sys.argv[1], results)\n"
        "for record in Store(results).records(): tracker.log_cell(record)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tracker.tracking_uri, str(tracker.results)], check=False)
    assert -signal.SIGKILL == done.returncode
    assert {"RUNNING"} == {run["status"] for run in snapshot(tracker).values()}
    assert 7 == len(snapshot(tracker))
    again(tracker).sync(store.records())
    assert {
        "lstm": "FINISHED",
        "lstm seed 0": "FINISHED",
        "gru": "FAILED",
        "gru seed 0": "FAILED",
        "rnn": "KILLED",
        "rnn seed 0": "KILLED",
        "guess": "FINISHED",
    } == {name: run["status"] for (_, name), run in snapshot(tracker).items()}


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
    """When a better model arrives, the places of the others in MLflow are those of the new board."""
    tracker.sync(records)
    again(tracker).sync([*records, make_record("gru", 0, 0.95)])
    held = snapshot(tracker)
    assert [1, 2, 3, 4] == [held[NAME, name]["metrics"]["position"] for name in ("gru", "lstm", "rnn", "guess")]
    assert "rank 1 of 4" in held[NAME, "lstm"]["tags"]["mlflow.note.content"]


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


def test_a_colour_that_somebody_chose_stays(tracker: Tracker, records: list[CellRecord], snapshot: Look) -> None:
    """A run's colour is set once: what a person chose in MLflow's pages is not changed by another sync."""
    quick(tracker).sync(records)
    client = tracker.connect()
    (run,) = client.search_runs(["1"], filter_string="tags.mlflow.runName = 'lstm'")
    client.set_tag(run.info.run_id, "mlflow.runColor", "#000000")
    quick(tracker).sync(records)
    assert "#000000" == snapshot(tracker)[NAME, "lstm"]["tags"]["mlflow.runColor"]


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


def test_the_experiment_shows_the_board(tracker: Tracker, whole: list[CellRecord]) -> None:
    """An experiment's description is the board, its artifacts are beside the database, and it opens as training."""
    quick(tracker).sync(whole)
    experiment = tracker.connect().get_experiment_by_name("seqbench/shapes@builtin")
    assert experiment is not None
    note = experiment.tags["mlflow.note.content"]
    assert note.startswith("**gru and lstm are tied for first")
    assert "| 1 | gru | 0.8" in note
    assert "custom_model_development" == experiment.tags["mlflow.experimentKind"]
    assert (tracker.results / "mlartifacts").as_uri() == experiment.artifact_location


def test_two_tasks_have_a_board_over_both(tracker: Tracker, whole: list[CellRecord], snapshot: Look) -> None:
    """With one task there is no overall experiment; with two it has a run per model, and sync twice equals once."""
    quick(tracker).sync([record for record in whole if record.task == "shapes"])
    assert not [run for run in snapshot(tracker) if run[0] == OVERALL]
    quick(tracker).sync(whole)
    held = snapshot(tracker)
    runs = {run: values for (name, run), values in held.items() if name == OVERALL}
    assert {"gru", "lstm", "rnn"} == runs.keys()
    assert {1, 2, 3} == {values["metrics"]["position"] for values in runs.values()}
    assert 3 == runs["rnn"]["metrics"]["rank/shapes"]
    assert {"FINISHED"} == {values["status"] for values in runs.values()}
    quick(tracker).sync(whole)
    assert held == snapshot(tracker)


def test_a_model_that_lacks_a_task_leaves_the_overall_board(
    tracker: Tracker, whole: list[CellRecord], make_record: MakeRecord, snapshot: Look
) -> None:
    """When a task is added that one model has no result on, that model's run over the tasks is no more there."""
    quick(tracker).sync(whole)
    third = [make_record(model, 0, 0.8, task="words") for model in ("gru", "lstm")]
    quick(tracker).sync([*whole, *third])
    assert {"gru", "lstm"} == {run for name, run in snapshot(tracker) if name == OVERALL}


def test_what_another_folder_logged_is_not_on_the_board(
    tracker: Tracker, records: list[CellRecord], make_record: MakeRecord, snapshot: Look
) -> None:
    """Models of another results folder stay as runs; the board's view, which is of one folder, leaves them out."""
    quick(tracker).sync(records)
    quick(tracker).sync([make_record("gru", accuracy=0.6), make_record("lstm", accuracy=0.7)])
    current = {run for (_, run), held in snapshot(tracker).items() if held["tags"].get("seqbench.current") == "true"}
    assert {"gru", "lstm"} == current
    quick(tracker).sync(records)
    current = {run for (_, run), held in snapshot(tracker).items() if held["tags"].get("seqbench.current") == "true"}
    assert {"guess", "lstm", "rnn", "odd"} == current


def test_logging_a_cell_computes_no_board(
    tracker: Tracker, whole: list[CellRecord], monkeypatch: pytest.MonkeyPatch, snapshot: Look
) -> None:
    """While cells finish no statistics are computed: a model's run has its identity, and its seeds are whole."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("seqbench.tracking.tracker.boards_of", "seqbench.tracking.rows.board_of"):
        monkeypatch.setattr(name, refuse)
    tracker.log_cell(whole[0])
    held = snapshot(tracker)
    assert {} == held["seqbench/shapes@builtin", "gru"]["metrics"]
    assert whole[0].metrics["accuracy"] == held["seqbench/shapes@builtin", "gru seed 0"]["metrics"]["accuracy"]


def test_metrics_that_were_computed_again_replace_the_old(
    tracker: Tracker, records: list[CellRecord], snapshot: Look
) -> None:
    """After `seqbench rescore` a cell's run and its model's have the new metric, and there is still one of each."""
    assert [] == quick(tracker).sync(records)
    names = set(snapshot(tracker))
    scored = [
        replace(
            record,
            metrics={**record.metrics, "kappa": 0.5},
            provenance={**record.provenance, "rescored": {"at": record.finished_at + 100}},
        )
        if record.model in ("rnn", "guess") and record.status == "ok"
        else record
        for record in records
    ]
    assert [] == quick(tracker).sync(scored)
    found = snapshot(tracker)
    assert names == set(found)
    assert all("kappa" in found[NAME, run]["metrics"] for run in ("rnn seed 0", "rnn", "guess"))
    assert "kappa" not in found[NAME, "lstm seed 0"]["metrics"]
