"""`seqbench check` as its users call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqbench.cli import app
from seqbench.errors import SeqbenchError

BROKEN = Path(__file__).resolve().parents[1] / "third_party" / "broken"
MODELS, TASKS = (("--plugin", str(BROKEN / f"{name}.py")) for name in ("models", "tasks"))


def call(*arguments: str) -> Any:
    """In this process, at 80 columns and without colour."""
    return CliRunner().invoke(app, ["check", *arguments], env={"COLUMNS": "80", "NO_COLOR": "1"})


def test_a_table_and_what_failed(seqbench: Callable[..., Any]) -> None:
    """A line per check within 80 columns; below, what was expected, what was seen, and where to look; exit 1."""
    done = seqbench("check", "other_input", *TASKS)
    assert 1 == done.code, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out
    text = " ".join(done.out.split())
    assert "prepares FAILED see below" in text
    assert "expected prepare gives TaskData with the promised input" in text
    assert "seen dense input, where the spec says input_kind 'tokens'" in text
    assert "look at tasks.py:" in text
    assert "1 failed" in text


def test_json_has_every_finding() -> None:
    """`--json` prints the report and nothing else; all is well is exit 0."""
    done = call("sound_labels", *TASKS, "--set", "look_back=7", "--set", "tasks.sound_labels.seed=3", "--json")
    assert 0 == done.exit_code, done.output
    report = json.loads(done.stdout)
    assert ("task", "sound_labels", True) == (report["kind"], report["name"], report["is_well"])
    assert {"check", "status", "expected", "seen", "where"} == set(report["findings"][0])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lstn"], "did you mean 'lstm'"),
        (["lstm", "--kind", "task"], "there is no task 'lstm'"),
        (["lstm", "--data", "x.csv"], "leave --data out"),
        (["lstm", "--set", "models.gru.hidden_size=3"], "a parameter of 'lstm'"),
        (["lstm", "--set", "hidden_size=none"], "'models.lstm.hidden_size' is not valid"),
        (["failing", "--plugin", "failing.py"], "left out: ValueError: not today"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong name, kind, option or plugin is one sentence and exit 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "failing.py").write_text("raise ValueError('not today')\n")
    done = call(*arguments)
    assert isinstance(done.exception, SeqbenchError)
    assert 2 == done.exception.exit_code
    assert expected in str(done.exception)
