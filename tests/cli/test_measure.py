"""`seqbench measure` takes costs again, alone, and tells of each row that it cannot."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqbench.analysis import read_boards
from seqbench.campaign import Campaign, rows_of
from seqbench.cli.measure import told
from seqbench.errors import ConfigError
from seqbench.hardware import Device, Hardware
from seqbench.measurements import MEASURED, MEASUREMENTS, Measurement, append, read, read_all
from seqbench.records import Costs
from seqbench.registry import discover
from seqbench.store import Store
from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this file
from whole_runs import NO_MLFLOW

Seqbench = Callable[..., Any]
TIMED = str(Path(__file__).parent.parent / "timed_plugin.py")
SLOW = "counting"
WEIGHTS = "weights.safetensors"


@pytest.fixture(scope="module")
def trained(toy: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of a run of two models on two tasks, one of which takes five milliseconds a pass."""
    folder = tmp_path_factory.mktemp("trained")
    plugins = ["--plugin", toy, "--plugin", TIMED, "--set", "models.counting.milliseconds=5"]
    options = ["--tasks", "toy,drawn", "--models", "toy_gru,counting", "--seeds", "0-1", "--workers", "2"]
    command = [sys.executable, "-m", "seqbench.cli", "run", *plugins, *options, *NO_MLFLOW]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "results"


@pytest.fixture
def results(trained: Path, tmp_path: Path) -> Path:
    """A copy of that folder where a command looks for it."""
    return Path(shutil.copytree(trained, tmp_path / "results"))


def folder_of(results: Path, label: str, seed: int, task: str) -> Path:
    """Of a cell's files."""
    found = next(
        record for record in Store(results).records() if (record.model, record.seed, record.task) == (label, seed, task)
    )
    return results / found.folder


def test_costs_are_taken_again_and_boards_show_them(seqbench: Seqbench, toy: str, results: Path) -> None:
    """Each cost has its mean and spread over the repeats, of the lowest seed; a board has them in place of the run's,
    and `show` beside them.
    """
    done = seqbench(
        "measure", "--plugin", toy, "--plugin", TIMED, "--task", "drawn", "--model", SLOW, "--repeats", "2", "--json"
    )
    assert 0 == done.code, done.err
    (printed,) = json.loads(done.out)
    (measured,) = read(results).values()
    assert {"task": "drawn@builtin", "model": "counting[milliseconds=5.0]", "seed": 0}.items() <= printed.items()
    assert measured == Measurement.from_json(printed)
    assert 2 == measured.repeats
    assert {*MEASURED, "batch_size"} == measured.values.keys()
    assert set(MEASURED) == measured.spread.keys()
    for name in ("latency_p50_ms", "latency_p95_ms", "batch_latency_p50_ms", "batch_latency_p95_ms"):
        assert 5.0 <= measured.values[name] < 100.0
    assert 256 == measured.values["batch_size"]
    # Batches of 64 of 100 examples: no more than 64 in a step of five milliseconds.
    assert 0 < measured.values["examples_per_second"] < 64 / 0.005
    assert 100e6 < measured.values["peak_memory_bytes"] < 4e9
    assert "predictions" not in " ".join(measured.remarks)

    rows = {(row.task_name, row.model): row for board in read_boards(Store(results)) for row in board.rows}
    row = rows["drawn", "counting[milliseconds=5.0]"]
    assert measured.values["latency_p50_ms"] == row.latency_p50_ms
    assert dict(measured.spread) == dict(row.cost_spread)
    assert rows["toy", "toy_gru"].alone is False

    shown = json.loads(seqbench("show", measured.key).out)
    assert measured == Measurement.from_json(shown["measurement"])
    assert shown["costs"]["latency_p50_ms"] != measured.values["latency_p50_ms"]


def test_rows_that_cannot_be_measured_are_told_and_the_others_go_on(
    seqbench: Seqbench, toy: str, results: Path
) -> None:
    """Without weights of the lowest seed the next is taken, without any a sentence says so; altered predictions are a
    warning; the exit code is 1.
    """
    (folder_of(results, "toy_gru", 0, "toy") / WEIGHTS).unlink()
    altered = folder_of(results, "toy_gru", 1, "toy") / "predictions.csv"
    altered.write_text(altered.read_text().replace("-0.", "-9."))
    for seed in (0, 1):
        (folder_of(results, SLOW, seed, "toy") / WEIGHTS).unlink()
    done = seqbench("measure", "--plugin", toy, "--plugin", TIMED, "--task", "toy", "--repeats", "1")
    assert 1 == done.code
    assert "counting[milliseconds=5.0] was not measured: its weights are not in" in done.err
    assert "toy_gru: its test predictions are not the stored ones" in done.err
    assert "[2/2] toy@builtin toy_gru: " in done.out
    (key,) = read(results)
    assert [1] == [record.seed for record in Store(results).records() if record.key == key]
    assert {} == dict(read(results)[key].spread)
    assert "Traceback" not in done.err


def test_changed_data_and_changed_models_are_told(seqbench: Seqbench, toy: str, results: Path, tmp_path: Path) -> None:
    """A task that prepares other data, and a plugin whose model the weights do not fit, are sentences, no figures."""
    other = tmp_path / "other_toy.py"
    other.write_text(Path(toy).read_text().replace("default_rng(0)", "default_rng(1)"))
    changed = tmp_path / "other_timed.py"
    changed.write_text(Path(TIMED).read_text().replace("self.head", "self.neck"))
    options = ("--plugin", str(other), "--plugin", str(changed), "--repeats", "1")
    done = seqbench("measure", *options, "--task", "toy", "--model", "toy_gru")
    assert 1 == done.code
    assert "toy_gru was not measured: its data is not what it was trained on" in done.err
    done = seqbench("measure", *options, "--task", "drawn", "--model", SLOW)
    assert 1 == done.code
    assert "do not fit the model that 'counting' builds now" in done.err
    assert not (results / MEASUREMENTS).exists()
    assert "Traceback" not in done.err


def test_without_the_plugin_each_row_says_where_it_is(seqbench: Seqbench, toy: str, results: Path) -> None:
    """Models whose plugin is not given are told with its file."""
    done = seqbench("measure")
    assert 1 == done.code
    assert 4 == done.err.count("was not measured")
    assert f"--plugin {toy}" in done.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--task", "toys"), "did you mean 'toy'"),
        (("--model", "counting[milliseconds=6]"), "on the boards: did you mean"),
        (("--device", "cuda:9"), "there is no device 'cuda:9'"),
        (("--repeats", "0"), "--repeats"),
        (("--results", "nowhere"), "there is no trained model in"),
    ],
)
def test_what_is_not_there_is_said(
    seqbench: Seqbench, results: Path, arguments: tuple[str, ...], expected: str
) -> None:
    """A task, model, device or results folder that is not there is one sentence; the exit code is 2."""
    done = seqbench("measure", *arguments)
    assert 2 == done.code
    assert expected in done.err
    assert "Traceback" not in done.err


def test_ctrl_c_leaves_what_was_measured(toy: str, results: Path, tmp_path: Path) -> None:
    """After the first row Ctrl-C ends the command with 130; that row is kept, and no process is left."""
    options = ["--plugin", toy, "--plugin", TIMED, "--repeats", "2"]
    command = [sys.executable, "-m", "seqbench.cli", "measure", *options]
    with (tmp_path / "told.txt").open("wb") as file:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=file, stderr=file, env=dict(os.environ))
        end = time.monotonic() + 120
        while not (results / MEASUREMENTS).exists():
            assert time.monotonic() < end
            assert process.poll() is None, (tmp_path / "told.txt").read_text()
            time.sleep(0.05)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert 130 == process.wait(30)
    assert 1 == len(read(results))
    _, alive = psutil.wait_procs(started, timeout=20)
    assert [] == alive


def measurement(**changes: Any) -> Measurement:
    """One of a model on this machine."""
    values = dict.fromkeys((*MEASURED, "batch_size"), 2.0)
    environment = {"device": "cpu", "device_kind": "cpu", "trained_on": "cpu", "load_percent": 0.0}
    made = Measurement("a", values, dict.fromkeys(MEASURED, 0.5), 3, 1.0, environment)
    return replace(made, **changes)


def test_the_last_whole_measurement_counts(tmp_path: Path) -> None:
    """Of several of one cell the last is read; one that was torn or altered is left out with its line; one of another
    kind of device than the cell's is for no board.
    """
    store = Store(tmp_path)
    elsewhere = measurement(environment={**measurement().environment, "device_kind": "cuda"})
    for item in (measurement(), measurement(measured_at=2.0), elsewhere, measurement(key="b")):
        append(store, item)
    path = tmp_path / MEASUREMENTS
    path.write_text(path.read_text().replace('"key":"b"', '"key":"c"') + '{"torn')
    append(store, measurement(key="d"))
    warnings: list[str] = []
    assert {"a": measurement(measured_at=2.0), "d": measurement(key="d")} == read(tmp_path, warnings)
    assert elsewhere == read_all(tmp_path)["a", "cuda"]
    assert ["line 4", "line 5"] == [warning.split()[1] + " " + warning.split()[2] for warning in warnings]


def test_a_measurement_takes_the_place_of_costs() -> None:
    """What was measured replaces the run's, as the kinds of numbers that a record has; the rest stays."""
    of_run = Costs(parameters=7, fit_seconds=3.0, latency_p50_ms=9.0, peak_memory_bytes=9, alone=False)
    costs = measurement().costs(of_run)
    assert (7, 3.0, 2.0, 2, True) == (
        costs.parameters,
        costs.fit_seconds,
        costs.latency_p50_ms,
        costs.peak_memory_bytes,
        costs.alone,
    )
    assert isinstance(costs.peak_memory_bytes, int)
    assert measurement(environment={"load_percent": 80.0}).costs(of_run).alone is False


def test_what_was_measured_on_an_idle_machine_is_not_measured_again(results: Path) -> None:
    """A row is done when it has as many repeats on this device and PyTorch, taken while the machine was idle."""
    store = Store(results)
    hardware = Hardware(2, 8, "a CPU", "Linux", (Device("cpu", "a CPU", 8),))
    campaign = Campaign(store, discover(), (), hardware, repeats=3)
    record = rows_of(store)[0]
    here = campaign._environment(record)
    done = measurement(environment={**here, "load_percent": 3.0})
    assert campaign.is_measured(record, done)
    assert not campaign.is_measured(record, None)
    assert not campaign.is_measured(record, replace(done, repeats=2))
    for change in ({"load_percent": 50.0}, {"torch": "1.0"}, {"cpu": "another"}, {"device": "cuda:0"}):
        assert not campaign.is_measured(record, replace(done, environment={**done.environment, **change}))
    with pytest.raises(ConfigError, match="trained on cuda, which this machine has not"):
        campaign.device(replace(record, device_kind="cuda"))


def test_a_measurement_in_one_line() -> None:
    """Means have three digits and spreads one, without exponents."""
    values = {
        "examples_per_second": 12345.6,
        "latency_p50_ms": 0.03123,
        "latency_p95_ms": 0.05,
        "batch_latency_p50_ms": 10.0,
        "batch_latency_p95_ms": 12.0,
        "peak_memory_bytes": 471.4e6,
        "batch_size": 256.0,
    }
    spread = {"examples_per_second": 123.0, "latency_p50_ms": 0.0004, "batch_latency_p50_ms": 0.0}
    expected = "12,300 ± 100 examples/s, 0.0312 ± 0.0004 ms for one (p95 0.05), 10.0 ± 0 ms for 256 (p95 12), 471 MB"
    assert expected == told(measurement(values=values, spread=spread))
