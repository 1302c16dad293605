"""New metrics come from stored predictions, and nothing is trained or guessed for them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqbench.leaderboard import latest
from seqbench.records import CellRecord
from seqbench.store import Store
from whole_runs import NO_MLFLOW

SOURCE = (Path(__file__).parent / "scored_plugin.py").read_text()
RUN = ("run", "--plugin", "scored.py", "--tasks", "scored", "--models", "gru", "--executor", "inline", *NO_MLFLOW)


def write_plugin(folder: Path, *metrics: str) -> None:
    """The plugin as its next version might be, with these metrics."""
    (folder / "scored.py").write_text(SOURCE.replace('METRICS = ("accuracy",)', f"METRICS = {metrics!r}"))


def cell(folder: Path) -> CellRecord:
    """What counts of the only cell."""
    return next(iter(latest(Store(folder / "results").records()).values()))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of the recorded cell, and its results once they are there."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "walks.txt").write_text("7")
    return folder


@pytest.fixture
def run(seqbench: Callable[..., Any], trained: Path, tmp_path: Path) -> Callable[..., Any]:
    """The cell of a baseline on the task's first version, recorded in `results`, and `rescore` of it."""
    if not (trained / "results").exists():
        write_plugin(tmp_path, "accuracy")
        place = ("--data", f"scored={trained / 'walks.txt'}", "--results", str(trained / "results"))
        done = seqbench(*RUN, *place, "--set", "trainer.max_epochs=1", "--seeds", "0")
        assert 0 == done.code, done.err
        lines = (trained / "results" / "records.jsonl").read_text().splitlines()
        baseline = next(line for line in lines if '"is_baseline":true' in line)
        (trained / "results" / "records.jsonl").write_text(baseline + "\n")
    shutil.copytree(trained / "results", tmp_path / "results")
    write_plugin(tmp_path, "accuracy")
    return lambda *arguments: seqbench("rescore", "--plugin", "scored.py", *arguments)


def test_a_new_metric_is_computed_from_what_is_stored(run: Callable[..., Any], tmp_path: Path) -> None:
    """A metric that the task has since is in the record then, under the old key, with a note of who computed it."""
    before = cell(tmp_path)
    assert 0 == run().code
    assert 1 == len(Store(tmp_path / "results").records()), "where nothing has changed nothing is written"
    write_plugin(tmp_path, "accuracy", "error")
    would = run("--dry-run")
    assert "error" in would.out
    assert 1 == len(Store(tmp_path / "results").records()), "a dry run writes nothing"
    done = run()
    assert (0, True) == (done.code, "1 cells changed" in done.out), done.err
    after = cell(tmp_path)
    assert after.metrics["error"] == 1 - after.metrics["accuracy"]
    assert before.metrics["accuracy"] == after.metrics["accuracy"]
    assert ("2 metrics",) == after.remarks
    assert (before.key, before.series, before.finished_at) == (after.key, after.series, after.finished_at)
    assert before.provenance["task"] == after.provenance["task"]
    assert before.provenance["task"]["source_hash"] != after.provenance["rescored"]["source_hash"]
    assert 2 == len(Store(tmp_path / "results").records())
    assert "0 cells changed, 1 are as they were" in run().out, "and the second time nothing changes"


def test_other_data_leaves_a_cell_as_it_is(run: Callable[..., Any], trained: Path, tmp_path: Path) -> None:
    """Where the data has changed, moved or gone, a sentence says so; with --data it is found again."""
    write_plugin(tmp_path, "accuracy", "error")
    shutil.move(trained / "walks.txt", tmp_path / "walks.txt")
    try:
        done = run()
        assert (1, True) == (done.code, "give --data scored=SOURCE" in done.err)
        (trained / "walks.txt").write_text("8")
        done = run()
        assert (1, True) == (done.code, "has not the files that it was trained on" in done.err)
        assert 1 == len(Store(tmp_path / "results").records())
        assert 0 == run("--data", "scored=walks.txt").code
        assert {"accuracy", "error"} == set(cell(tmp_path).metrics)
    finally:
        shutil.move(tmp_path / "walks.txt", trained / "walks.txt")


def test_predictions_of_other_examples_are_not_scored(run: Callable[..., Any], tmp_path: Path) -> None:
    """Ids and targets are those of the test split, each in its place, or the cell is left as it is; so are columns."""
    path = tmp_path / "results" / cell(tmp_path).folder / "predictions.csv"
    good = path.read_text()
    write_plugin(tmp_path, "accuracy", "error")
    first = good.splitlines()[1]
    number, target, rest = first.split(",", 2)
    for wrong, told in (
        (good.replace(first, f"x{first}", 1), "are not those of the test split"),
        (good.replace(first, f"{number},{1 - int(target)},{rest}", 1), "the targets in"),
        (good.replace("output_1", "output_2", 1), "one column per target and output"),
        ("".join(good.splitlines(keepends=True)[:-1]), "39 there, 40 here"),
        ("", "no readable predictions"),
    ):
        path.write_text(wrong)
        done = run("--json")
        assert (1, True) == (done.code, told in json.loads(done.out)[0]["problem"]), done.out
        assert wrong == path.read_text()
    assert 1 == len(Store(tmp_path / "results").records())


def test_a_metric_that_raises(run: Callable[..., Any], tmp_path: Path) -> None:
    """A mistake in the new metric is told as the task's, and the record is as it was."""
    write_plugin(tmp_path, "accuracy", "broken")
    done = run()
    assert (1, True) == (done.code, "its task 'scored' raised ZeroDivisionError: nothing to divide" in done.err)
    assert "Traceback" not in done.err
    assert {"accuracy"} == set(cell(tmp_path).metrics)
    (tmp_path / "scored.py").write_text("")
    assert "there is no task 'scored' here" in run().err
