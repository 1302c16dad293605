"""Packages by others, as they would be published: installed, listed, checked, and trained beside the built-ins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whole_runs import NO_MLFLOW

GOOD = Path(__file__).resolve().parent / "good"
PACKAGES = sorted(folder.name for folder in GOOD.glob("seqbench-*"))
MODELS = ("mingru", "ssm", "tcn", "transformer")
TASKS = ("adding", "charlm", "copy_memory", "hourly")
LONGEST = 60
"""Lines that a module of a plugin may have, blank ones and all."""
TINY = [
    *("trainer.max_epochs=1", "models.*.parameter_budget=500", "models.tcn.levels=2"),
    *("tasks.adding.length=12", "tasks.adding.examples=64", "tasks.adding.held_out=32"),
    *("tasks.copy_memory.length=6", "tasks.copy_memory.examples=64", "tasks.copy_memory.held_out=32"),
    *("tasks.charlm.window=12", "tasks.hourly.look_back=24"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages' folders: building leaves things beside them."""
    copy = tmp_path_factory.mktemp("third-party") / "good"
    return Path(shutil.copytree(GOOD, copy, ignore=shutil.ignore_patterns("conftest.py")))


@pytest.fixture(scope="module")
def site(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all seven are installed, in one go."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    packages = [str(sources / name) for name in PACKAGES]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that a test starts find the packages."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])))


def test_each_module_is_short() -> None:
    """No model and no task has more than 60 lines: each is one module."""
    lengths = {
        str(file.relative_to(GOOD)): len(file.read_text(encoding="utf-8").splitlines())
        for name in PACKAGES
        for file in (GOOD / name / name.replace("-", "_")).glob("*.py")
    }
    assert {} == {name: length for name, length in lengths.items() if length > LONGEST}
    assert len(MODELS) + len(TASKS) == len([name for name, length in lengths.items() if length > 1])


@pytest.mark.usefixtures("installed")
def test_they_are_listed(seqbench: Callable[..., Any]) -> None:
    """Each of the four models and four tasks is found, well, and said to be of its own distribution."""
    listed = json.loads(seqbench("plugins", "--json").out)
    found = {(item["kind"], item["name"], item["status"]) for item in listed if item["distribution"] in PACKAGES}
    assert {*(("model", name, "ok") for name in MODELS), *(("task", name, "ok") for name in TASKS)} == found


@pytest.mark.usefixtures("installed")
def test_their_own_tests_pass(sources: Path) -> None:
    """Every package's tests pass, and among them the conformance kit for each model and task."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    tests = [str(sources / name / "tests") for name in PACKAGES]
    done = subprocess.run([*command, *tests], cwd=sources, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.usefixtures("installed")
def test_seqbench_check_finds_one_well(seqbench: Callable[..., Any]) -> None:
    """`seqbench check` finds nothing wrong with an installed task, by its name."""
    done = seqbench("check", "copy_memory", *("--set", "examples=300", "--set", "held_out=99", "--json"))
    assert 0 == done.code, done.out + done.err
    statuses = {finding["check"]: finding["status"] for finding in json.loads(done.out)["findings"]}
    assert "ok" == statuses["baselines_run"]
    assert {"ok", "skipped"} >= set(statuses.values())


@pytest.mark.usefixtures("installed")
def test_a_grid_of_all_of_them(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """The models train on each of the tasks beside a built-in, two of the tasks on data of one's own."""
    (tmp_path / "rhyme.txt").write_text(
        "round and round the rugged rock the ragged rascal ran. " * 20, encoding="utf-8"
    )
    hours = np.arange("2024-03-01", "2024-04-01", dtype="datetime64[h]")
    rows = [f"{hour},{10 + index % 24 + index / 100:.2f}" for index, hour in enumerate(hours)]
    (tmp_path / "hours.csv").write_text("\n".join(["time,load", *rows]), encoding="utf-8")
    done = seqbench(
        *("run", "--executor", "inline", "--tasks", ",".join(TASKS), "--models", ",".join((*MODELS, "gru"))),
        *("--data", "charlm=rhyme.txt", "--data", "hourly=hours.csv", "--seeds", "0", *NO_MLFLOW),
        *(part for setting in TINY for part in ("--set", setting)),
    )
    assert 0 == done.code, done.out + done.err
    rows = json.loads(seqbench("leaderboard", "--format", "json").out)
    trained = {
        (row["task"].partition("@")[0], row["model"].partition("[")[0]) for row in rows if not row["is_baseline"]
    }
    assert {(task, model) for task in TASKS for model in (*MODELS, "gru")} == trained
    assert {"one", "chance", "majority", "ngram_1", "ngram_3", "ngram_6", "naive", "mean", "seasonal_naive"} == {
        row["model"] for row in rows if row["is_baseline"]
    }
