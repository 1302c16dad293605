"""The best model of each task in a real MLflow model registry."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench.answering import Answerer, Description
from seqbench.config import RunConfig
from seqbench.errors import DataError
from seqbench.records import CellRecord
from seqbench.registry import discover
from seqbench.runs import Run
from seqbench.serving import WEIGHTS, Kept
from seqbench.store import Store
from seqbench.tracking import mlflow as observer
from seqbench.tracking.pyfunc import stored_outputs
from seqbench.tracking.sync import sync_all
from seqbench.tracking.tracker import Tracker
from trained_cells import planned, train

PLUGIN = str(Path(__file__).resolve().parent.parent / "served_plugin.py")
NAME = "seqbench-sign-builtin"


@dataclass
class Bench:
    """A results folder with an MLflow of its own."""

    results: Path
    plugin: str = PLUGIN

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.results}/mlflow.db"

    def train(self, *models: str, seeds: tuple[int, ...] = (0,), **trainer: Any) -> list[CellRecord]:
        settings = {"max_epochs": 2, **trainer}
        return train(self.results, planned("sign", models, seeds, {}, [self.plugin], **settings), [self.plugin])

    def sync(self) -> list[str]:
        return sync_all(self.uri, self.results, Store(self.results).records(), [self.plugin])

    @property
    def client(self) -> Any:
        return Tracker(self.uri, self.results).connect()

    def versions(self) -> dict[str, Any]:
        found = self.client.search_model_versions(f"name = '{NAME}'")
        return {str(version.version): version for version in found}

    def best(self) -> str:
        return str(self.client.get_registered_model(NAME).aliases["best"])


@pytest.fixture
def bench(tmp_path: Path, cache: Path, empty_database: Path) -> Bench:
    results = tmp_path / "results"
    results.mkdir()
    shutil.copy(empty_database, results / "mlflow.db")
    return Bench(results)


def test_sync_twice_gives_one_version(bench: Bench) -> None:
    """The best model has one version however often it is synced, with the alias `best`, and says who and how good."""
    trained = bench.train("blind", "sighted", seeds=(0, 1))
    record = max(
        trained, key=lambda item: (item.model == "sighted", item.history[(item.best_epoch or 0) - 1].validation_metric)
    )
    told = bench.sync()
    assert [f"sign@builtin: sighted, seed {record.seed}, is models:/seqbench-sign-builtin@best"] == told
    once = bench.versions()
    assert told == bench.sync()
    assert ["1"] == list(once) == list(bench.versions())
    assert "1" == bench.best()
    version = once["1"]
    assert ("sighted", str(record.seed), "sign@builtin") == tuple(
        version.tags[f"seqbench.{name}"] for name in ("model", "seed", "task")
    )
    assert (record.key, record.metrics["accuracy"]) == (
        version.tags["seqbench.key"],
        float(version.tags["seqbench.score"]),
    )
    assert version.description.startswith(f"sighted on sign@builtin, seed {record.seed}: of 2 the best on validation (")


def test_a_run_registers_its_best_model(bench: Bench) -> None:
    """When a run has ended, the best model is registered without a sync, though a plugin that is one file made it."""
    records = bench.train("blind", "sighted")
    config = RunConfig(models=("blind", "sighted"), tasks=("sign",), results=bench.results)
    run = Run(config, Store(bench.results), bench.uri, "seqbench run", 1, ("cpu",), (PLUGIN,))
    observer.seqbench_run_started(run)
    observer.seqbench_run_finished(run, records)
    assert [("1", "sighted")] == [(name, held.tags["seqbench.model"]) for name, held in bench.versions().items()]
    assert "1" == bench.best()
    assert ["sign@builtin: sighted, seed 0, is models:/seqbench-sign-builtin@best"] == bench.sync()
    assert ["1"] == list(bench.versions())


def test_a_changed_winner_is_a_second_version(bench: Bench) -> None:
    """A new best model gets a version and the alias; when the old one is the best again, the alias goes back to it."""
    bench.train("blind")
    bench.sync()
    assert ("1", "blind") == (bench.best(), bench.versions()["1"].tags["seqbench.model"])
    (better,) = bench.train("sighted")
    bench.sync()
    assert ("2", "sighted") == (bench.best(), bench.versions()["2"].tags["seqbench.model"])
    lines = (bench.results / "records.jsonl").read_text().splitlines(keepends=True)
    (bench.results / "records.jsonl").write_text("".join(line for line in lines if better.key not in line))
    bench.sync()
    assert ("1", ["1", "2"]) == (bench.best(), sorted(bench.versions()))


def test_a_winner_trained_again_is_a_new_version(bench: Bench) -> None:
    """A newer result of the same cell replaces the older one's run, so its model is a version of its own."""
    bench.train("sighted")
    bench.sync()
    bench.train("sighted")
    bench.sync()
    bench.sync()
    assert ("2", ["1", "2"]) == (bench.best(), sorted(bench.versions()))


def test_what_is_said_of_a_version_follows_the_board(bench: Bench) -> None:
    """The version's description and tags tell ties and seeds that came later."""
    bench.train("sighted")
    bench.sync()
    assert "the only one trained" in bench.versions()["1"].description
    bench.train("sighted", seeds=(1, 2))
    bench.sync()
    latest = bench.versions()[bench.best()]
    assert "of 3 the best on validation" in latest.description
    assert "95 % interval" in latest.description


def test_a_model_of_a_plugin_file_needs_nothing_of_this_machine(bench: Bench, tmp_path: Path) -> None:
    """In a new process, without the plugin's file, the data, the cache or the results, it answers as it was stored."""
    bench.plugin = shutil.copy(PLUGIN, str(tmp_path / "mine.py"))
    (record,) = bench.train("sighted")
    bench.sync()
    (source,) = [version.source for version in bench.versions().values()]
    stored = stored_outputs(bench.results / record.folder / "predictions.csv", ["test-0", "test-1"])
    example = json.loads((Path(source.removeprefix("file://")) / "input_example.json").read_text())
    shutil.rmtree(bench.results / "cells")
    Path(bench.plugin).unlink()
    script = (
        "import sys, json, mlflow, pandas\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "rows = pandas.DataFrame({'numbers': json.loads(sys.argv[2])})\n"
        "print(model.predict(rows).to_json(orient='records'))\n"
    )
    raw = [example["data"][0][0], "100 100", "-100 -100"]
    done = subprocess.run(
        [sys.executable, "-c", script, f"models:/{NAME}@best", json.dumps(raw)],
        env={**os.environ, "MLFLOW_TRACKING_URI": bench.uri, "SEQBENCH_CACHE": str(tmp_path / "none")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout.splitlines()[-1])
    logits = np.array(stored["test-0"])
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert np.allclose(expected, [answers[0]["probabilities"][label] for label in ("below", "above")], atol=1e-5)
    assert ["above", "below"] == [answer["label"] for answer in answers[1:]]
    assert not list((tmp_path / "results").rglob("*.pkl"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (["1 2", "x"], r"^row 2: 'x' has something other than numbers"),
        (["1", ""], r"^row 2: 'numbers' has nothing in it"),
        (["nan"], r"^'numbers' gives values that are not finite"),
    ],
)
def test_what_the_core_checks_of_raw_inputs(bench: Bench, raw: list[str], reason: str) -> None:
    """An input that a task refuses, that is empty or not finite, is told in one sentence, with its row."""
    (record,) = bench.train("sighted")
    folder = bench.results / record.folder
    kept = Kept.read(folder)
    assert kept is not None
    answerer = Answerer.made(Description.of(record, kept), folder / WEIGHTS, discover([bench.plugin]))
    with pytest.raises(DataError, match=reason):
        answerer.answers(raw)
    assert [] == answerer.answers([])


def test_a_task_without_raw_inputs_is_told(bench: Bench, toy: str) -> None:
    """Models of a task that takes no raw inputs are not registered, and sync says why."""
    train(bench.results, planned("toy", ("toy_gru",), (0,), {}, [toy]), [toy])
    bench.plugin = toy
    assert [
        "toy@builtin: no model is registered: the task 'toy' takes no raw inputs (TaskSpec.serving)."
    ] == bench.sync()
    assert [] == list(bench.client.search_registered_models())


def other_predictions(folder: Path) -> None:
    (folder / "predictions.csv").write_text("id,output_0,output_1\ntest-0,5,5\ntest-1,5,5\n")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "weights.safetensors").unlink(), "its weights are not in"),
        (lambda folder: (folder / "serving.json").unlink(), "trained before seqbench kept what serving needs"),
        (lambda folder: (folder / "serving.json").write_text("{}"), "cannot be used"),
        (other_predictions, "does not answer as it did"),
        (lambda folder: (folder / "predictions.csv").unlink(), "its predictions cannot be read"),
    ],
    ids=["no weights", "old cell", "broken", "other answers", "no predictions"],
)
def test_a_model_that_cannot_be_vouched_for_is_not_registered(
    bench: Bench, damage: Callable[[Path], Any], reason: str
) -> None:
    """A cell that lacks a file, or answers otherwise than it did, is not registered; sync says why and ends well."""
    (record,) = bench.train("sighted")
    damage(bench.results / record.folder)
    (told,) = bench.sync()
    assert told.startswith("sign@builtin: no model is registered: sighted, seed 0, is the best, but ")
    assert reason in told
    assert {} == bench.versions()


def test_a_name_that_is_taken_is_left_alone(bench: Bench) -> None:
    """A registered model that somebody else has made under the name is not touched."""
    bench.train("sighted")
    bench.client.create_registered_model(NAME, description="mine")
    assert ["the name 'seqbench-sign-builtin' is taken" in sentence for sentence in bench.sync()] == [True]
    assert {} == bench.versions()


def test_without_a_registry_sync_does_the_rest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the registry cannot be used all runs are in MLflow, and one warning says what is missing."""
    bench.train("sighted")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING, "seqbench"):
        assert [] == bench.sync()
    (warning,) = [entry.getMessage() for entry in caplog.records if "registry" in entry.getMessage()]
    assert warning.startswith("no model is registered, since MLflow's model registry cannot be used (")
    experiment = bench.client.get_experiment_by_name("seqbench/sign@builtin")
    assert {"sighted", "sighted seed 0"} == {
        run.info.run_name for run in bench.client.search_runs([experiment.experiment_id])
    }
