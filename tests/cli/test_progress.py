"""Live progress as a terminal shows it: a run in a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

SLOW = '''
"""A task that takes a while to prepare and a model that takes a while to train."""

import time
from pathlib import Path

import numpy as np

from seqbench import Classes, Dense, SequenceSet, TaskData, TaskSpec, hookimpl, track


def prepare(source, params, cache):
    for _ in track(range(20), "counting", 20):
        time.sleep(0.12)
    random = np.random.default_rng(0)

    def split(count):
        labels = random.integers(0, 2, count)
        return SequenceSet.from_sequences([np.full((3, 1), label, np.float32) for label in labels], labels)

    return TaskData(Dense(1), Classes(("no", "yes")), split(2000), split(50), split(50))


def accuracy(outputs, split):
    return float((outputs.argmax(1) == split.targets).mean())


@hookimpl
def seqbench_tasks():
    return [TaskSpec("slow", prepare, "dense", {"accuracy": accuracy}, "accuracy", True, "cross_entropy",
                     trainer={"max_epochs": 8, "patience": 0})]


@hookimpl
def seqbench_preparation_advanced(advance):
    with Path("advances.txt").open("a") as file:
        file.write(f"{advance.task} {advance.what} {advance.done}/{advance.total}\\n")
'''


def shown_in_a_terminal(arguments: list[str], folder: Path) -> str:
    """What `seqbench ARGUMENTS` writes to a pseudo-terminal, with everything that a terminal would wipe again."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "seqbench.cli", *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "110", "SEQBENCH_CACHE": str(folder / "cache")},
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while read := os.read(ours, 65536):
            shown += read
    os.close(ours)
    text = shown.decode(errors="replace")
    assert 0 == process.wait(60), text
    return text


def test_live_progress(tmp_path: Path) -> None:
    """A terminal shows the overall bar with its ETA, a preparation's bar, and a line per running cell with its metric.

    Observers are told of the preparation, the last time when it is done.
    """
    (tmp_path / "slow.py").write_text(SLOW)
    text = shown_in_a_terminal(
        [*("run", "--plugin", "slow.py", "--tasks", "slow"), *("--models", "lstm", "--seeds", "0-1", "--workers", "1")],
        tmp_path,
    )
    for expected in ("all cells", "prepare slow", "counting", "slow lstm seed 0", "accuracy", "ETA"):
        assert expected in text, expected
    told = (tmp_path / "advances.txt").read_text().splitlines()
    assert "slow counting 20/20" == told[-1]
    assert len(told) > 3


def test_preparing_by_itself_has_a_bar(tmp_path: Path) -> None:
    """`data prepare` shows a bar after a second, with what the task tells, also for a task that tells nothing."""
    (tmp_path / "slow.py").write_text(SLOW)
    text = shown_in_a_terminal(["data", "prepare", "--plugin", "slow.py", "--tasks", "slow"], tmp_path)
    assert "preparing slow@builtin: counting" in text
    (tmp_path / "slow.py").write_text(SLOW.replace('track(range(20), "counting", 20)', "range(20)"))
    text = shown_in_a_terminal(["data", "prepare", "--plugin", "slow.py", "--tasks", "slow"], tmp_path)
    assert "preparing slow@builtin" in text
