"""Records as a run leaves them, cell folders to go with them, and MLflow databases to write them to."""

from __future__ import annotations

import functools
import re
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlflow_servers import Ui, free_port, start
from seqbench.config import RunConfig
from seqbench.records import CellRecord, Costs, EpochRecord, Failure
from seqbench.runs import Run
from seqbench.store import Store
from seqbench.tracking import mlflow as observer
from seqbench.tracking.tracker import Tracker
from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this folder

STARTED = 1_750_000_000.0
MakeRecord = Callable[..., CellRecord]
Snapshot = dict[tuple[str, str], dict[str, Any]]

HISTORY = tuple(
    EpochRecord(
        epoch=epoch,
        train_loss=1.0 / epoch,
        validation_loss=1.1 / epoch,
        validation_metric=0.5 + 0.1 * epoch,
        gradient_norm=1.5,
        learning_rate=0.001,
        seconds=2.0,
    )
    for epoch in (1, 2, 3)
)


def a_record(results: Path, model: str, seed: int = 0, accuracy: float | None = 0.8, **changed: Any) -> CellRecord:
    """A record of a cell of three epochs, and its files in the results folder."""
    is_baseline = bool(changed.get("is_baseline", False))
    task = str(changed.get("task", "colours"))
    record = CellRecord(
        key=f"key-{task}-{model}-{seed}",
        series=f"series-{task}-{model}",
        task=task,
        source="builtin",
        task_id=f"{task}@builtin",
        model=model,
        label=model,
        is_baseline=is_baseline,
        seed=seed,
        status="ok",
        primary="accuracy",
        higher_is_better=True,
        metrics={} if accuracy is None else {"accuracy": accuracy, "macro_f1": accuracy - 0.1},
        history=() if is_baseline else HISTORY,
        best_epoch=None if is_baseline else 3,
        costs=Costs(parameters=None if is_baseline else 1234, fit_seconds=6.0, evaluate_seconds=0.5),
        output={"kind": "classes", "labels": ["red", "green"]},
        configuration={"hidden_size": 17},
        parameters={"model": {"dropout": 0.2}, "trainer": {"max_epochs": 3}, "task": {}},
        environment={"torch": "2.11.0", "device": "cpu"},
        provenance={"model": {"version": "1.2", "source_hash": "abc"}, "seqbench": "0.1.0"},
        data={"fingerprint": "f00d"},
        folder=f"cells/{task}-{model}-{seed}",
        started_at=STARTED + 10 * seed,
        finished_at=STARTED + 10 * seed + 8,
    )
    folder = results / record.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predictions.csv").write_text("id,target,output_0,output_1\na,0,1.5,-1.0\nb,1,0.5,0.25\n")
    (folder / "log.txt").write_text("all well\n")
    return replace(record, **changed)


def some_records(results: Path) -> list[CellRecord]:
    """Two models with two seeds each, a baseline, and a cell that failed."""
    failure = Failure("ValueError", "the loss was a string")
    return [
        a_record(results, "guess", accuracy=0.5, is_baseline=True),
        a_record(results, "lstm", 0, 0.9),
        a_record(results, "lstm", 1, 0.8),
        a_record(results, "rnn", 0, 0.7),
        a_record(results, "rnn", 1, 0.7),
        a_record(results, "odd", 0, None, status="failed", failure=failure),
    ]


WHOLE_TASKS = ("shapes", "sounds")
WHOLE_MODELS = {"gru": 0.86, "lstm": 0.85, "rnn": 0.7}
EXAMPLES = 300


def whole_boards(results: Path) -> list[CellRecord]:
    """Two tasks whose predictions are there: two models that are hard to tell apart, a worse one, and a baseline."""
    records = []
    for number, task in enumerate(WHOLE_TASKS):
        random = np.random.default_rng(number)
        difficulty = random.random(EXAMPLES)
        for place, (model, ability) in enumerate(WHOLE_MODELS.items()):
            for seed in range(3):
                is_right = difficulty + random.normal(0, 0.05, EXAMPLES) < ability
                costs = Costs(
                    parameters=1000 * (place + 1),
                    macs=50_000 * (place + 1),
                    peak_memory_bytes=2**28 + 2**20 * place,
                    fit_seconds=9.0 - place,
                    examples_per_second=1000.0,
                    latency_p50_ms=0.5 + place,
                    latency_p95_ms=0.75 + place,
                    batch_latency_p50_ms=5.0,
                    batch_latency_p95_ms=7.5,
                    batch_size=32,
                    alone=False,
                )
                records.append(_with_predictions(results, model, seed, is_right, task=task, costs=costs))
        is_right = np.arange(EXAMPLES) % 2 == 0
        records.append(_with_predictions(results, "majority", 0, is_right, task=task, is_baseline=True))
    return records


def _with_predictions(results: Path, model: str, seed: int, is_right: NDArray[np.bool_], **changed: Any) -> CellRecord:
    """A record whose accuracy is the mean of what its predictions say."""
    record = a_record(results, model, seed, float(is_right.mean()), **changed)
    lines = ["id,target,output_0,output_1"]
    for index, right in enumerate(is_right):
        target = index % 2
        lines.append(
            f"{index},{target},{0.0 if (target == 1) == right else 1.0},{1.0 if (target == 1) == right else 0.0}"
        )
    (results / record.folder / "predictions.csv").write_text("\n".join(lines) + "\n")
    return record


@pytest.fixture
def make_record(tmp_path: Path) -> MakeRecord:
    """`make_record(model, seed, accuracy, **changed)`: a record, with its files in `tmp_path / "results"`."""
    return functools.partial(a_record, tmp_path / "results")


@pytest.fixture
def records(tmp_path: Path) -> list[CellRecord]:
    """Two models with two seeds each, a baseline, and a cell that failed; files in `tmp_path / "results"`."""
    return some_records(tmp_path / "results")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new MLflow database; making one takes seconds, copying it nothing."""
    folder = tmp_path_factory.mktemp("mlflow")
    Tracker(f"sqlite:///{folder}/mlflow.db", folder).connect()
    return folder / "mlflow.db"


@pytest.fixture
def tracker(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    """A tracker of `tmp_path / "results"` with a database of its own, in an empty current folder that stays empty."""
    results, current = tmp_path / "results", tmp_path / "current"
    results.mkdir(exist_ok=True)
    current.mkdir()
    monkeypatch.chdir(current)
    shutil.copy(empty_database, results / "mlflow.db")
    yield Tracker(f"sqlite:///{results}/mlflow.db", results)
    assert [] == [path for path in current.iterdir() if not path.name.startswith(".coverage")]


def look(tracker: Tracker) -> Snapshot:
    """All that MLflow holds, by experiment and run name, with the parent's name in place of its id."""
    client = tracker.connect()
    found: Snapshot = {}
    for experiment in client.search_experiments():
        runs = client.search_runs([experiment.experiment_id])
        names = {run.info.run_id: run.info.run_name for run in runs}
        for run in runs:
            tags = dict(run.data.tags)
            if "mlflow.parentRunId" in tags:
                tags["mlflow.parentRunId"] = names[tags["mlflow.parentRunId"]]
            key = (experiment.name, run.info.run_name)
            assert key not in found, f"{key} is there twice"
            found[key] = {
                "status": run.info.status,
                "times": (run.info.start_time, run.info.end_time),
                "params": run.data.params,
                "metrics": run.data.metrics,
                "history": {name: _history(client, run.info.run_id, name) for name in run.data.metrics},
                "tags": tags,
                "artifacts": sorted(_artifacts(client, run.info.run_id)),
            }
    return found


def _history(client: Any, run_id: str, name: str) -> list[tuple[int, float, int]]:
    return sorted((point.step, point.value, point.timestamp) for point in client.get_metric_history(run_id, name))


def _artifacts(client: Any, run_id: str, path: str | None = None) -> Iterable[str]:
    for item in client.list_artifacts(run_id, path):
        if item.is_dir:
            yield from _artifacts(client, run_id, item.path)
        else:
            yield item.path


@pytest.fixture
def snapshot() -> Callable[[Tracker], Snapshot]:
    """`snapshot(tracker)`: all that MLflow holds."""
    return look


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> tuple[Tracker, list[CellRecord]]:
    """A database with records of three tasks that tests only read, and those of the first."""
    results = tmp_path_factory.mktemp("served")
    shutil.copy(empty_database, results / "mlflow.db")
    address, records = f"sqlite:///{results}/mlflow.db", some_records(results)
    Tracker(address, results).sync(records)
    tracker = Tracker(address, results, lambda record: False)  # plots take longer than all else
    tracker.sync([*records, *whole_boards(results)])
    return Tracker(address, results), records


@pytest.fixture
def whole(tmp_path: Path) -> list[CellRecord]:
    """Records of two tasks with predictions, in `tmp_path / "results"`: three models over three seeds, a baseline."""
    return whole_boards(tmp_path / "results")


@pytest.fixture(scope="session")
def ui(served: tuple[Tracker, list[CellRecord]]) -> Iterator[Ui]:
    """The UI over a database with the records."""
    process = start(served[0].tracking_uri, free_port())
    assert process.stdout is not None
    address, boards = "", {}
    for line in process.stdout:
        if found := re.match(r"MLflow: (\S+)", line):
            address = found[1]
        elif found := re.match(r"  (\S+): (http\S+)", line):
            boards[found[1]] = found[2]
            if len(boards) == 4:
                break
    yield Ui(process, address, boards)
    process.send_signal(signal.SIGTERM)
    assert 0 == process.wait(30)


@pytest.fixture
def observe_all(
    tmp_path: Path, records: list[CellRecord], caplog: pytest.LogCaptureFixture
) -> Callable[[str], list[str]]:
    """`observe_all(tracking_uri)`: tell the observer of a run with the records; the warnings."""

    def call(tracking_uri: str) -> list[str]:
        store = Store(tmp_path / "results")
        store.create()
        config = RunConfig(models=("lstm",), tasks=("colours",), results=store.folder)
        run = Run(config, store, tracking_uri, "seqbench run", workers=1, devices=("cpu",))
        observer.seqbench_run_started(run)
        for record in records:
            store.append(record, {})
            observer.seqbench_cell_finished(record)
        observer.seqbench_run_finished(run, records)
        return [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]

    return call
