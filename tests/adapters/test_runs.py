"""What adapters make is trained: from plugin files as the guide shows them, and from a program that sends it."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from seqbench.registry import discover
from trained_cells import planned, train
from whole_runs import NO_MLFLOW

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "adapters.md"
SNIPPETS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The guide's plugin files."""
    for name, text in SNIPPETS.items():
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in SNIPPETS if name != "notebook.py"]


@pytest.mark.parametrize(
    ("task", "models"),
    [
        ("walks", ("pooled", "script_lstm", "leaky", "forest")),
        ("reviews", ("script_lstm", "leaky", "forest")),
        ("load", ("pooled", "script_lstm", "leaky")),
    ],
)
def test_the_guides_plugins_train(
    task: str, models: tuple[str, ...], files: list[str], tmp_path: Path, cache: Path
) -> None:
    """Every file of the guide is a plugin, and its models train on its tasks, on the easy one without a mistake."""
    registry = discover(files, strict=True)
    assert {"walks", "reviews", "load"} <= set(registry.tasks)
    cells = planned(task, models, params={}, plugin_files=files, max_epochs=2)
    records = train(tmp_path / "results", cells, files)
    assert dict.fromkeys(models, ("ok", None)) == {record.model: (record.status, record.failure) for record in records}
    if task == "reviews":
        assert 1.0 == max(record.metrics["accuracy"] for record in records)


PROGRAM = """
import numpy as np, pandas as pd, torch
from sklearn.linear_model import Ridge, LogisticRegression
from torch import nn
import seqbench

class Cell(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.map = nn.Linear(input_size + hidden_size, hidden_size)
    def forward(self, x, state):
        return torch.tanh(self.map(torch.cat([x, state], 1)))

class Net(nn.Module):
    def __init__(self, input_dim, output_dim):
        super().__init__()
        self.gru = nn.GRU(input_dim, output_dim, batch_first=True)
    def forward(self, x):
        return self.gru(x)

@seqbench.model_from_function
def function(input, output, embedding_size: int = 8):
    from seqbench.nn import input_size
    return seqbench.model_from_module(Net).build(input, output, seqbench.model_from_module(Net).params())

class Pairs(torch.utils.data.Dataset):
    def __len__(self):
        return 40
    def __getitem__(self, index):
        return torch.full((3 + index % 4, 1), float(index % 2)), index % 2

if __name__ == "__main__":
    models = [seqbench.model_from_cell(Cell), function,
              seqbench.model_from_estimator(LogisticRegression(), "linear", regressor=Ridge())]
    tasks = [
        seqbench.task_from_dataset("pairs", Pairs()),
        seqbench.task_from_frame("frame", pd.DataFrame({"y": np.sin(np.arange(200) / 3)}), target="y", look_back=5),
    ]
    options = {"seeds": 1, "settings": {"trainer.max_epochs": 1}, "workers": 1, "progress": False, "tracking_uri": URI}
    found, again = (seqbench.run(models, tasks, **options) for _ in range(2))
    print(len(found.records), {record.status for record in found.records})
    print([one.finished_at for one in found.records] == [one.finished_at for one in again.records])
    print(*sorted({record.model for record in found.records}))
"""


def test_a_program_sends_what_it_adapts(tmp_path: Path, cache: Path) -> None:
    """Specs of its own functions, classes and data reach worker processes by value; a second run finds all recorded."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.replace("URI", repr(NO_MLFLOW[1])))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert 0 == done.returncode, done.stderr
    # Three models on each of two tasks, and the majority, or the naive forecast and the mean.
    expected = ["9 {'ok'}", "True", "cell function linear majority mean naive"]
    assert expected == done.stdout.splitlines(), done.stdout + done.stderr


def test_the_guides_notebook_runs(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first example of the guide prints a board with both models and the baseline; here in this process."""
    script = tmp_path / "notebook.py"
    here = f"seeds=1, executor='inline', progress=False, tracking_uri={NO_MLFLOW[1]!r},"
    script.write_text(SNIPPETS["notebook.py"].replace("seeds=1,", here))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("gru_cell", "lstm", "majority")), printed
