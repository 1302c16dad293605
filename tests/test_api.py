"""A benchmark from a program: models and tasks that are made there, and what comes back."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import seqbench
from seqbench import Input, ModelSpec, Output, Results

SCRIPT = """
from dataclasses import dataclass, field
import numpy as np
import seqbench
from seqbench import ModelSpec

SLOPE = {slope}


@dataclass(frozen=True)
class Params:
    size: int = 4
    names: list = field(default_factory=list)


def build(input, output, params):
    from torch import nn
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(input.features, output.size)
        def forward(self, x, lengths):
            return SLOPE * self.head(x.sum(1) / lengths[:, None])
    return Mean()


def fit(train, validation, input, output, params, seed):
    from sklearn.linear_model import LogisticRegression
    def features(split):
        return np.array([split.example(index).mean(0) for index in range(len(split))])
    model = LogisticRegression(C=params.size, random_state=seed % 2**32).fit(features(train), train.targets)
    return lambda split: model.predict_log_proba(features(split))


results = seqbench.run(
    models=[ModelSpec("mean", build, Params), ModelSpec("regression", fit=fit, params=Params), "toy_gru"],
    tasks="toy",
    seeds=2,
    plugins=[{toy!r}],
    settings={{"models.regression.size": 2}},
    tracking_uri="http://127.0.0.1:9",
    workers=1,
)
print(sorted({{(record.label, record.status) for record in results.records}}))
print(max(record.finished_at for record in results.records if record.model == "mean"))
print(max(record.finished_at for record in results.records if record.model == "regression"))
print(results.leaderboard("toy").set_index("model").loc["mean", "mean"])
"""


def ran(folder: Path, toy: str, slope: float = 1.0) -> list[str]:
    """What the script prints last, run as a program of its own without any guard."""
    file = folder / "script.py"
    file.write_text(SCRIPT.format(slope=slope, toy=toy))
    done = subprocess.run([sys.executable, str(file)], cwd=folder, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, "" if done.returncode == 0 else done.stderr)
    return done.stdout.splitlines()[-4:]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: Path, toy: str) -> tuple[Path, list[str]]:
    """A folder in which the script has run once, and what it printed."""
    folder = tmp_path_factory.mktemp("script")
    return folder, ran(folder, toy)


def test_a_script_trains_its_own_models(finished: tuple[Path, list[str]]) -> None:
    """Models of a script without a main guard, a network and an estimator, are trained by worker processes beside
    those of a plugin file and the task's baselines.
    """
    _, printed = finished
    for label in ("mean", "regression[size=2]", "toy_gru", "majority"):
        assert f"('{label}" in printed[0]
    assert "failed" not in printed[0]


def test_only_what_has_changed_is_trained_again(finished: tuple[Path, list[str]], toy: str) -> None:
    """The same script trains nothing; when one model's code has changed, that model alone is trained again."""
    folder, first = finished
    assert first == ran(folder, toy)
    changed = ran(folder, toy, slope=0.0)
    assert changed[1] != first[1]
    assert changed[2] == first[2]
    board = Results(folder / "results").leaderboard("toy").set_index("model")
    undone = ran(folder, toy)
    assert first[:3] == undone[:3]
    assert float(undone[3]) != pytest.approx(board.loc["mean", "mean"])
    assert first[3] == undone[3]


def test_results_are_tables(finished: tuple[Path, list[str]]) -> None:
    """A results folder is read as a leaderboard with ranks and intervals, and as predictions per test example."""
    results = Results(finished[0] / "results")
    board = results.leaderboard("toy")
    assert {"mean", "regression[size=2]", "toy_gru", "majority"} <= set(board["model"])
    assert board["rank"].is_monotonic_increasing
    assert (board["low"] <= board["mean"]).all()
    assert {"accuracy"} == set(board["metric"])
    estimator = board.set_index("model").loc["regression[size=2]"]
    assert (2, False) == (estimator["seeds"], estimator["is_baseline"])
    predictions = results.predictions("toy", "mean", seed=1)
    record = results.record("toy", "mean", 1)
    outputs = predictions[[name for name in predictions.columns if name.startswith("output")]].to_numpy()
    assert record.metrics["accuracy"] == pytest.approx((outputs.argmax(1) == predictions["target"]).mean())
    assert "<table" in results._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "means"}, "there is no model 'means' on toy: did you mean 'mean'"),
        ({"task": "tow"}, "there is no task 'tow'"),
        ({"seed": 7}, "mean on toy has no seed 7"),
    ],
)
def test_a_cell_that_is_not_there(finished: tuple[Path, list[str]], arguments: dict[str, object], said: str) -> None:
    """Asking for a cell that is not there says what there is."""
    wanted = {"task": "toy", "model": "mean", "seed": 0, **arguments}
    with pytest.raises(seqbench.ConfigError, match=said):
        Results(finished[0] / "results").predictions(**wanted)  # type: ignore[arg-type]


def build(input: Input, output: Output, params: Any) -> Any:
    """Never called."""


def test_wrong_arguments_are_told_before_anything_starts(tmp_path: Path) -> None:
    """A taken name, a spec in the wrong place, an unknown name or key: an error that says so, and no folder is made."""
    folder = tmp_path / "results"
    lock = threading.Lock()
    wrong = [
        ({"models": ModelSpec("lstm", build)}, "'lstm' cannot be used: the name 'lstm' is already taken"),
        ({"models": (spec for spec in [ModelSpec("gru", build)])}, "'gru' cannot be used: the name 'gru' is already"),
        ({"tasks": ModelSpec("mine", build)}, "'mine' is no TaskSpec"),
        ({"models": ["ltsm"]}, "did you mean 'lstm'"),
        ({"models": [7]}, "7 is no model or task"),
        ({"settings": {"trainer.max_epoch": 1}}, "max_epochs"),
        ({"settings": {"trainer": 1, "trainer.max_epochs": 1}}, "leads through 'trainer'"),
        (
            {"models": ModelSpec("mine", lambda given, output, params: build(given, output, lock))},
            "cannot be sent to worker processes",
        ),
    ]
    for arguments, said in wrong:
        with pytest.raises(seqbench.SeqbenchError, match=said):
            seqbench.run(results=folder, progress=False, **arguments)  # type: ignore[arg-type]
    assert not folder.exists()
