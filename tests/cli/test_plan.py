"""`seqbench plan` says what a run will cost, from records, pilots or not at all, and trains nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqbench.cli.plan import duration, size
from seqbench.estimates import PILOTS
from seqbench.wording import ranges
from whole_runs import NO_MLFLOW

Seqbench = Callable[..., Any]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """A cache without anybody else's pilots."""
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def toy_plan(seqbench: Seqbench, toy: str, *more: str, models: str = "toy_gru") -> list[dict[str, Any]]:
    done = seqbench("plan", "--plugin", toy, "--tasks", "toy", "--models", models, "--json", *more)
    assert 0 == done.code, done.err
    cells: list[dict[str, Any]] = json.loads(done.out)
    return cells


def test_a_pilot_is_run_once(seqbench: Seqbench, toy: str, own_cache: Path, tmp_path: Path) -> None:
    """Cells of a series share its pilot's cost, the next plan remembers it, and no results folder is made."""
    cells = toy_plan(seqbench, toy)
    assert [None, "pilot", "pilot", "pilot"] == [cell["estimate"] for cell in cells]
    assert 1 == len({cell["seconds"] for cell in cells[1:]})
    assert all(cell[name] > 0 for cell in cells[1:] for name in ("seconds", "memory_bytes", "disk_bytes"))
    written = (own_cache / PILOTS).read_bytes()
    assert cells == toy_plan(seqbench, toy) == toy_plan(seqbench, toy, "--no-pilot")
    assert written == (own_cache / PILOTS).read_bytes()
    assert not (tmp_path / "results").exists()


def test_records_replace_pilots(seqbench: Seqbench, toy: str) -> None:
    """After a run the costs are the records', also of seeds that are still to run."""
    arguments = ("--plugin", toy, "--tasks", "toy", "--models", "toy_gru")
    assert 0 == seqbench("run", *arguments, "--seeds", "0-1", *NO_MLFLOW).code
    cells = toy_plan(seqbench, toy)
    assert ["recorded (ok)"] * 3 + ["to run"] == [cell["state"] for cell in cells]
    assert {"records"} == {cell["estimate"] for cell in cells}
    done = seqbench("plan", *arguments)
    assert (0, "") == (done.code, done.err)
    text = done.out
    assert "4 cells, 1 to run" in text
    assert "Already there: 3 cells (3 ok)." in text
    assert "Costs of 1 cell from records." in text
    assert "at most" not in text


def test_what_cannot_be_timed_is_unknown(seqbench: Seqbench, toy: str) -> None:
    """A model that raises, or takes its process with it, has no cost and one sentence; the others are timed."""
    models = "toy_gru,toy_broken,toy_deadly,toy_reader"
    done = seqbench("plan", "--plugin", toy, "--tasks", "toy", "--models", models, "--no-baselines", "--workers", "1")
    assert (0, "") == (done.code, done.err)
    assert "toy@builtin toy_broken cannot be timed: this model is broken on purpose" in done.out
    assert "toy@builtin toy_deadly cannot be timed: " in done.out
    assert "The cost of 6 cells is not known and in no sum." in done.out
    assert "Time: at most about " in done.out


def test_a_source_that_cannot_be_used_ends_the_plan(seqbench: Seqbench, toy: str, tmp_path: Path) -> None:
    """The user's broken source is one sentence and exit code 2 as in a run; without pilots it is not looked into."""
    (tmp_path / "broken.csv").write_text("x")
    arguments = ("plan", "--plugin", toy, "--tasks", "toy", "--models", "toy_gru", "--data", "toy=broken.csv")
    done = seqbench(*arguments)
    assert 2 == done.code
    assert "line 3 has no label" in done.err
    assert "Traceback" not in done.err
    assert 0 == seqbench(*arguments, "--no-pilot").code


def test_without_pilots_nothing_is_started(toy: str, tmp_path: Path) -> None:
    """`--no-pilot` imports no torch and no pebble, which starts processes."""
    code = (
        "import sys\nsys.argv = ['seqbench', 'plan', '--no-pilot', '--plugin', sys.argv[1]]\n"
        "from seqbench.cli import main\ntry: main()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'pebble', 'mlflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, toy], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.splitlines()[-1]
    assert "is not known" in done.stdout


def test_seeds_are_shown_as_they_are_given() -> None:
    """Neighbouring numbers are a range, in the form that `--seeds` takes."""
    assert "0-2,5,7-8" == ranges([7, 8, 0, 2, 1, 5])
    assert "" == ranges([])


def test_durations_and_sizes_are_said_as_people_do() -> None:
    """Seconds, minutes and hours; bytes in powers of a thousand."""
    assert ["0.1 s", "45 s", "2 min", "3.4 h"] == [duration(value) for value in (0.1, 45.2, 118.0, 12240.0)]
    assert ["0 B", "640 kB", "1.2 GB", "3 TB"] == [size(value) for value in (0, 640e3, 1.2e9, 3e12)]
