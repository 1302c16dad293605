"""A cell that harms its process costs itself and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this file
from whole_runs import NASTY, NO_MLFLOW, reproducible


@pytest.fixture
def run(seqbench: Callable[..., Any], toy: str) -> Callable[..., Any]:
    """`seqbench run` on the toy task with the models that harm."""

    def call(*arguments: str) -> Any:
        return seqbench(
            "run", "--plugin", toy, "--plugin", NASTY, "--tasks", "toy", "--seeds", "0", *NO_MLFLOW, *arguments
        )

    return call


def statuses(results: Path) -> dict[str, tuple[str, str]]:
    """By model: how its cell ended, and why."""
    found = {record["model"]: record for record, _ in reproducible(results).values()}
    return {model: (record["status"], (record["failure"] or {}).get("message", "")) for model, record in found.items()}


def test_each_harm_costs_its_own_cell(run: Callable[..., Any], tmp_path: Path) -> None:
    """Exits, crashes, hangs, memory without end and leaks have each their status and reason; the others do not notice.

    A lost worker is tried again twice, a model's own fault is a result.
    """
    harms = "nasty_exit,nasty_quit,nasty_abort,nasty_segfault,nasty_killed,nasty_hang,nasty_hog,nasty_leak,nasty_mess"
    limits = ["--cell-timeout", "15", "--cell-memory", "2000"]
    done = run("--models", f"{harms},toy_gru,nasty_slow", *limits)
    assert 1 == done.code
    assert "Traceback" not in done.err + done.out
    found = statuses(tmp_path / "results")
    lost = {
        "nasty_exit": "exited with status 0",
        "nasty_abort": "signal 6 (SIGABRT)",
        "nasty_segfault": "signal 11 (SIGSEGV)",
        "nasty_killed": "signal 9 (SIGKILL)",
    }
    for model, reason in lost.items():
        assert (
            "crashed",
            f"its worker process {'' if 'exit' in model else 'was killed by '}{reason}; it was tried 3 times",
        ) == found[model]
    assert ("failed", "the plugin called exit(enough)") == found["nasty_quit"]
    assert ("timeout", "it was stopped after its limit of 15 s (--cell-timeout)") == found["nasty_hang"]
    assert "oom" == found["nasty_hog"][0]
    well = {"toy_gru", "nasty_slow", "nasty_mess", "nasty_leak", "majority"}
    assert {("ok", "")} == {found[model] for model in well}
    assert "--retry crashed,failed,oom,timeout" in done.out

    assert 0 == run("--models", "toy_gru,nasty_slow", "--workers", "1", "--results", "alone").code
    beside, alone = reproducible(tmp_path / "results"), reproducible(tmp_path / "alone")
    assert alone == {cell: beside[cell] for cell in alone}

    again = run("--models", f"{harms},toy_gru,nasty_slow", "--retry", "failed,oom", *limits)
    assert "2 cells to run, 10 already recorded" in again.out


def test_limits_and_retry_are_checked(run: Callable[..., Any], tmp_path: Path) -> None:
    """A status that is none, a limit that cannot be kept or is no number: one sentence, exit 2, nothing started."""
    wrong = {
        ("--retry", "fialed"): "did you mean 'failed'",
        ("--retry", "ok"): "no status",
        ("--cell-timeout", "0"): "cell_timeout",
        ("--executor", "inlin"): "executor",
        ("--executor", "inline", "--cell-memory", "100"): "--cell-memory needs worker processes",
        ("--executor", "inline", "--workers", "2"): "one cell at a time",
        ("--ray-address", "auto"): "--executor ray",
    }
    for arguments, expected in wrong.items():
        done = run("--models", "toy_gru", *arguments)
        assert 2 == done.code, arguments
        assert expected in done.err, arguments
        assert "Traceback" not in done.err
    assert not (tmp_path / "results").exists()


def test_a_run_file_may_set_limits(run: Callable[..., Any], tmp_path: Path) -> None:
    """Limits of a run file count; the hanging cell is stopped."""
    (tmp_path / "run.toml").write_text("[run]\ncell_timeout = 3.5\nworkers = 1\n")
    done = run("--config", "run.toml", "--models", "nasty_hang", "--no-baselines")
    assert 1 == done.code
    lines = (tmp_path / "results" / "records.jsonl").read_text().splitlines()
    assert ["timeout"] == [json.loads(line)["status"] for line in lines]
    assert "3.5 s" in done.err
