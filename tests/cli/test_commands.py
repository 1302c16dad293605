"""The other commands: quick, and clear about what is missing."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whole_runs import NO_MLFLOW


def test_help_imports_nothing_heavy() -> None:
    """`seqbench --help` loads neither torch nor mlflow nor pandas nor numpy."""
    code = (
        "import sys\nsys.argv = ['seqbench', '--help']\nfrom seqbench.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'mlflow', 'pandas', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.splitlines()[-1]
    assert "leaderboard" in done.stdout


def test_discovery_imports_no_torch() -> None:
    """Finding every plugin loads neither torch nor mlflow nor pandas nor NumPy."""
    code = (
        "import sys\nfrom seqbench.registry import discover\ndiscover()\n"
        "print(sorted({'torch', 'mlflow', 'pandas', 'datasets', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.splitlines()[-1]


def test_version(seqbench: Callable[..., Any]) -> None:
    """`--version` prints the name and the version."""
    assert "seqbench 0.1.0" == seqbench("--version").out.strip()


def test_plugins_lists_what_there_is(seqbench: Callable[..., Any]) -> None:
    """Every built-in is listed with kind, distribution, version, source and status."""
    listed = {item["name"]: item for item in json.loads(seqbench("plugins", "--json").out)}
    assert ("model", "seqbench", "0.1.0", "ok") == tuple(
        listed["gru"][key] for key in ("kind", "distribution", "version", "status")
    )
    assert listed["gru"]["source"].endswith("gru.py")
    assert "observer" == listed["mlflow"]["kind"]
    assert "bidirectional" in seqbench("plugins").out


def test_a_plugin_can_be_left_out(seqbench: Callable[..., Any]) -> None:
    """`--no-plugin` takes a model out of a plan; a name of no plugin is one sentence and exit code 2."""
    done = seqbench("plan", "--no-pilot", "--json", "--no-plugin", "gru", "--no-plugin", "mlflow", "--seeds", "0")
    assert {"rnn", "lstm", "bidirectional"} == {
        cell["model"] for cell in json.loads(done.out) if not cell["is_baseline"]
    }
    wrong = seqbench("plugins", "--no-plugin", "grru")
    assert (2, "error: there is no plugin 'grru' to leave out: did you mean 'gru'?") == (
        wrong.code,
        wrong.err.partition(" There")[0],
    )


def test_plugins_fits_a_terminal() -> None:
    """On a terminal of 80 columns no line of the list is longer, and NO_COLOR leaves no colour in any command."""
    for arguments in (["plugins"], ["run", "--help"], ["plan", "--no-pilot"]):
        shown = on_terminal(arguments)
        assert shown
        assert not re.findall(r"\x1b\[(?:\d+;)*(?:3|4|9|10)[0-8](?:;\d+)*m", shown)
        if arguments == ["plugins"]:
            assert max(map(len, shown.splitlines())) <= 80


def on_terminal(arguments: list[str]) -> str:
    """What a command writes to a terminal of 80 columns."""
    code = "import pty, sys\nsys.exit(pty.spawn([sys.executable, '-m', 'seqbench.cli', *sys.argv[1:]]))"
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("seqbench run --models ls", ["lstm"]),
        ("seqbench run --models gru,", ["gru,bidirectional", "gru,lstm", "gru,rnn"]),
        ("seqbench plan --tasks st", ["stock_forecasting"]),
        ("seqbench leaderb", ["leaderboard"]),
    ],
)
def test_the_shell_completes(words: str, expected: list[str]) -> None:
    """A shell is told the commands, and the models and tasks that are installed, also within a list."""
    environment = {
        **os.environ,
        "_SEQBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "import sys\nsys.argv = ['seqbench']\nfrom seqbench.cli import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert expected == done.stdout.split()


def test_plan_is_a_list_of_cells(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """`plan --json` lists every cell with its key and state, and starts nothing."""
    cells = json.loads(seqbench("plan", "--models", "lstm", "--seeds", "0-1", "--no-pilot", "--json").out)
    assert {"stock_forecasting", "speech_commands", "sentiment"} == {cell["task"] for cell in cells}
    assert {"to run"} == {cell["state"] for cell in cells}
    assert 6 == sum(not cell["is_baseline"] for cell in cells)
    assert not (tmp_path / "results").exists()
    assert "cells" in seqbench("plan", "--no-pilot").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["leaderboard"], "run seqbench run first"),
        (["show", "abc"], "there is no cell 'abc'"),
        (["ui"], "seqbench run"),
        (["sync"], "run seqbench run first"),
        (["leaderboard", "--format", "pdf"], "pdf"),
        (["lederboard"], "No such command"),
    ],
)
def test_what_is_missing_is_said(seqbench: Callable[..., Any], arguments: list[str], expected: str) -> None:
    """Without results, or with a wrong word, a command says so and exits with 2."""
    done = seqbench(*arguments)
    assert 2 == done.code
    assert expected in done.err
    assert "Traceback" not in done.err


def test_formats(seqbench: Callable[..., Any], toy: str) -> None:
    """The board comes as a table within 80 columns, JSON with the promised fields, CSV and Markdown."""
    seqbench("run", "--plugin", toy, "--tasks", "toy", "--models", "toy_gru", "--seeds", "0-1", *NO_MLFLOW)
    row = json.loads(seqbench("leaderboard", "--format", "json").out)[0]
    promised = (
        "task model is_baseline metric higher_is_better mean sd ci_low ci_high seeds rank parameters train_seconds "
        "statuses"
    )
    assert set(promised.split()) <= set(row)
    table = seqbench("leaderboard").out
    assert max(map(len, table.splitlines())) <= 80
    assert "toy_gru" in table
    header, first, *_ = seqbench("leaderboard", "--format", "csv").out.splitlines()
    assert "task" == header.split(",")[0]
    assert "toy@builtin" == first.split(",")[0]
    assert "| 1 | toy_gru |" in seqbench("leaderboard", "--format", "markdown").out
    record = json.loads(seqbench("show", "toy/toy_gru/1").out)
    assert record == json.loads(seqbench("show", record["key"][:10]).out)
    assert "means 2 cells" in seqbench("show", "").err or 2 == seqbench("show", "").code


def test_sync(seqbench: Callable[..., Any], toy: str, tmp_path: Path) -> None:
    """`sync` writes a lost MLflow store anew from the records, twice as once; one out of reach is a sentence.

    A line per task says what is registered, or why nothing is.
    """
    seqbench("run", "--plugin", toy, "--tasks", "toy", "--models", "toy_gru", "--seeds", "0-1")
    database = tmp_path / "results" / "mlflow.db"
    database.unlink()
    unknown = "the task 'toy' is not installed here (--plugin FILE, if it is a file)."
    for options, reason in (
        ((), unknown),
        (("--plugin", toy), "the task 'toy' takes no raw inputs (TaskSpec.serving)."),
    ):
        done = seqbench("sync", *options)
        assert 0 == done.code, done.err
        told = ["MLflow has all 3 cells.", f"toy@builtin: no model is registered: {reason}"]
        assert told == done.out.splitlines()
    with sqlite3.connect(database) as connection:
        assert (4,) == connection.execute("select count(*) from runs").fetchone()
    done = seqbench("sync", "--tracking-uri", "http://127.0.0.1:9")
    assert 2 == done.code
    assert "cannot be written" in done.err
    assert "Traceback" not in done.err
