"""`seqbench run` as its users call it: a real process, real workers, real files."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from whole_runs import NO_MLFLOW


def rows(seqbench: Callable[..., Any], *arguments: str) -> dict[str, dict[str, Any]]:
    """The leaderboard's rows by model."""
    board = seqbench("leaderboard", "--format", "json", *arguments)
    assert 0 == board.code, board.err
    return {row["model"]: row for row in json.loads(board.out)}


@pytest.fixture
def run(seqbench: Callable[..., Any], toy: str) -> Callable[..., Any]:
    """`seqbench run` on the toy task, logged to MLflow only where that is wanted."""

    def call(*arguments: str, tracked: bool = False) -> Any:
        return seqbench("run", "--plugin", toy, "--tasks", "toy", *arguments, *(() if tracked else NO_MLFLOW))

    return call


def test_run_board_and_files(run: Callable[..., Any], seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """A run trains, shows a board with the baseline, keeps files per cell; run again, it trains nothing."""
    first = run("--models", "toy_gru", "--seeds", "0-1", tracked=True)
    assert 0 == first.code, first.err
    assert "toy@builtin" in first.out
    assert str(tmp_path / "results") in first.out
    assert "seqbench ui" in first.out

    board = rows(seqbench)
    assert (1, True, [0, 1]) == (board["toy_gru"]["rank"], board["majority"]["is_baseline"], board["toy_gru"]["seeds"])
    assert board["toy_gru"]["mean"] > board["majority"]["mean"] + 0.2
    assert {"ok": 2} == board["toy_gru"]["statuses"]

    lines = (tmp_path / "results" / "records.jsonl").read_text().splitlines()
    assert 3 == len(lines)
    record = next(item for item in map(json.loads, lines) if item["model"] == "toy_gru")
    folder = tmp_path / "results" / record["folder"]
    with (folder / "predictions.csv").open(newline="") as file:
        predictions = list(csv.DictReader(file))
    assert 200 == len(predictions)
    right = sum(int(float(row["output_1"]) > float(row["output_0"])) == int(row["target"]) for row in predictions)
    assert record["metrics"]["accuracy"] == pytest.approx(right / 200)
    assert "epoch 1" in (folder / "log.txt").read_text()
    assert ["200 were looked at"] == record["remarks"]
    stored = sum(value.numel() for value in load_file(folder / "weights.safetensors").values())
    assert stored == record["costs"]["parameters"]

    again = run("--models", "toy_gru", "--seeds", "0-1")
    assert 0 == again.code
    assert "nothing to train" in again.out
    assert "toy@builtin" in again.out
    assert 3 == len((tmp_path / "results" / "records.jsonl").read_text().splitlines())

    more = run("--models", "toy_gru", "--seeds", "0-2")
    assert "1 cells to run, 3 already recorded" in more.out
    forced = run("--models", "toy_gru", "--seeds", "0", "--force")
    assert "2 cells to run" in forced.out
    assert 6 == len((tmp_path / "results" / "records.jsonl").read_text().splitlines())


def test_one_bad_cell_costs_only_itself(run: Callable[..., Any], seqbench: Callable[..., Any]) -> None:
    """A model that raises, one that exits and one that gives NaN are told with reasons; the others run; exit 1."""
    done = run("--models", "toy_gru,toy_broken,toy_deadly,toy_diverging,toy_reader", "--seeds", "0-1")
    assert 1 == done.code
    assert "this model is broken on purpose" in done.err
    assert "Traceback" not in done.err
    board = rows(seqbench)
    assert {
        "toy_gru": {"ok": 2},
        "majority": {"ok": 1},
        "toy_broken": {"failed": 2},
        "toy_deadly": {"crashed": 2},
        "toy_diverging": {"diverged": 2},
        "toy_reader": {"skipped": 2},
    } == {model: row["statuses"] for model, row in board.items()}
    shown = seqbench("show", "toy/toy_broken/0")
    assert "RuntimeError" in json.loads(shown.out)["failure"]["traceback"]
    assert 1 == run("--models", "toy_broken", "--seeds", "0-1").code


def test_fail_fast_stops(run: Callable[..., Any], seqbench: Callable[..., Any]) -> None:
    """With --fail-fast the first failure ends the run; what finished is kept."""
    done = run("--models", "toy_broken", "--seeds", "0-9", "--workers", "1", "--fail-fast", "--no-baselines")
    assert 1 == done.code
    assert "--fail-fast" in done.err
    assert {"failed": 1} == rows(seqbench)["toy_broken"]["statuses"]


def test_settings_make_rows_of_their_own(run: Callable[..., Any], seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """A run file and --set give the model another label, so that results never mix."""
    (tmp_path / "run.toml").write_text('[run]\nmodels = ["toy_gru"]\nseeds = [0]\n[trainer]\nmax_epochs = 2\n')
    run("--config", "run.toml", "--set", "models.toy_gru.hidden_size=5")
    run("--config", "run.toml", "--set", "trainer.max_epochs=1")
    expected = {"toy_gru[hidden_size=5,trainer.max_epochs=2]", "toy_gru[trainer.max_epochs=1]", "majority"}
    assert expected == set(rows(seqbench))


def test_a_bad_source_stops_before_training(run: Callable[..., Any], tmp_path: Path) -> None:
    """A source that is missing or malformed is one sentence and exit 2, and nothing is recorded."""
    (tmp_path / "broken.csv").write_text("x")
    for source, expected in (("broken.csv", "line 3 has no label"), ("nothing.csv", "there is nothing at")):
        done = run("--models", "toy_gru", "--data", f"toy={source}")
        assert 2 == done.code
        assert expected in done.err
        assert "Traceback" not in done.err
    assert not (tmp_path / "results" / "records.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--models", "lsmt"], "did you mean 'lstm'"),
        (["--set", "trainer.max_epoch=1"], "did you mean 'max_epochs'"),
        (["--device", "cuda:9"], "there is no device 'cuda:9'"),
        (["--config", "none.toml"], "cannot read the run file"),
        (["--seeds", "x"], "write 0-4"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_mistakes_exit_with_2_before_anything_starts(
    run: Callable[..., Any], tmp_path: Path, arguments: list[str], expected: str
) -> None:
    """A mistake on the command line is one sentence on stderr, exit 2, and no results folder."""
    done = run(*arguments)
    assert 2 == done.code
    assert expected in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "results").exists()


def test_a_broken_plugin_is_told_and_harmless(run: Callable[..., Any], tmp_path: Path) -> None:
    """A plugin that cannot be loaded is a warning with its reason; strict, it is fatal."""
    (tmp_path / "bad.py").write_text("import nothing_of_that_name")
    done = run("--models", "toy_gru", "--seeds", "0", "--plugin", "bad.py")
    assert 0 == done.code
    assert "nothing_of_that_name" in done.err
    assert 2 == run("--models", "toy_gru", "--plugin", "bad.py", "--strict-plugins").code


def test_interrupted_and_gone_on_with(toy: str, seqbench: Callable[..., Any], tmp_path: Path, cache: Path) -> None:
    """After Ctrl-C finished cells stay and the running one is recorded as interrupted, exit 130; it runs next time."""
    arguments = ["--plugin", toy, "--tasks", "toy", "--models", "toy_gru", "--seeds", "0", "--workers", "2"]
    slow = ["--set", "trainer.max_epochs=100000", "--set", "trainer.patience=0"]
    log = tmp_path / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "seqbench.cli", "run", *arguments, *slow], cwd=tmp_path, stdout=output, stderr=output
        )
        try:
            while "majority" not in log.read_text() and process.poll() is None:
                time.sleep(0.1)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            assert 130 == process.wait(30)
        finally:
            process.kill()
    assert "interrupted" in log.read_text()
    records = [json.loads(line) for line in (tmp_path / "results" / "records.jsonl").read_text().splitlines()]
    assert {"majority": "ok", "toy_gru": "interrupted"} == {item["model"]: item["status"] for item in records}
    planned = seqbench("plan", *arguments[:-2], *slow, "--json")
    assert {"majority": "recorded (ok)", "toy_gru": "to run"} == {
        cell["model"]: cell["state"] for cell in json.loads(planned.out)
    }
