"""Whatever ends a run, and whenever: what had finished is kept, and the same command makes it whole."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this file
from whole_runs import NASTY, NO_MLFLOW, reproducible

MOMENTS = int(os.environ.get("SEQBENCH_SOAK_MOMENTS", "2"))
TRACKER = "resource_tracker"
STARTED_SECONDS = 1.5
"""After which the run has its own handlers of signals, on any machine."""
SLOW = ["--set", "models.nasty_slow.seconds=0.02", "--set", "trainer.max_epochs=12", "--set", "trainer.patience=0"]


@pytest.fixture(scope="module")
def command(toy: str, cache: Path) -> list[str]:
    """A run of seven cells, some slow enough to be hit in the middle."""
    models = ["--models", "toy_gru,nasty_slow", "--seeds", "0-2", "--tasks", "toy"]
    return [sys.executable, "-m", "seqbench.cli", "run", "--plugin", toy, "--plugin", NASTY, *models, *SLOW, *NO_MLFLOW]


@contextmanager
def started(command: list[str], folder: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process whose output goes to `folder / "output.txt"`; it is ended at the end."""
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, **options)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def finish(command: list[str], folder: Path) -> None:
    """Run the command to its end, which must be good."""
    with started(command, folder) as process:
        assert 0 == process.wait(240), (folder / "output.txt").read_text()


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something is the case."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def undisturbed(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """The outcomes of a run that nothing happens to, and the seconds it takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    begin = time.monotonic()
    finish(command, folder)
    return reproducible(folder / "results"), time.monotonic() - begin


def role(victim: psutil.Process, run: int) -> str:
    """What a process of the run is there for."""
    command = " ".join(victim.cmdline())
    if victim.pid == run:
        return "the run"
    if TRACKER in command:
        return TRACKER
    if "spawn_main" in command:
        return "the process that logs to MLflow"
    return "the forkserver" if victim.ppid() == run else "a worker"


def strike(process: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Kill some process of the run, or ask the run politely to stop; what was done."""
    if chance.random() < 0.25:
        number = chance.choice([signal.SIGTERM, signal.SIGINT])
        process.send_signal(number)
        return number.name
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        victim = chance.choice(family)
        name = role(victim, process.pid)
        victim.kill()
    except psutil.NoSuchProcess:
        return "nothing: it was gone"
    return f"SIGKILL of {name}"


@pytest.mark.timeout(60 + 90 * MOMENTS)
def test_killed_at_random_moments(
    command: list[str], undisturbed: tuple[dict[str, Any], float], tmp_path: Path, record_property: Callable[..., None]
) -> None:
    """A process of the run, any of them, is killed at a random moment: the same command again, as often as it takes,
    gives the records and files of an undisturbed run, bit for bit, and no record is lost or damaged on the way.
    """
    expected, seconds = undisturbed
    seed = int(os.environ.get("SEQBENCH_SOAK_SEED", str(time.time_ns())))
    chance = random.Random(seed)  # noqa: S311
    for moment in range(MOMENTS):
        folder = tmp_path / f"moment-{moment}"
        folder.mkdir()
        delay = chance.uniform(0, seconds)
        with started(command, folder) as process:
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                what = strike(process, chance)
            else:
                what = "nothing: it had ended"
            code = process.wait(240)
        told = f"seed {seed} moment {moment}: {what} after {delay:.1f} s of {seconds:.1f} s, exit {code}"
        print(told)  # noqa: T201 - the log of a soak
        kept = reproducible(folder / "results") if (folder / "results").is_dir() else {}
        whole = {cell for cell, (record, _) in kept.items() if record["status"] == "ok"}
        assert {cell: kept[cell] for cell in whole} == {cell: expected[cell] for cell in whole}, told
        finish(command, folder)
        assert expected == reproducible(folder / "results"), told
        # A tracker that Python has started again complains of what it does not know, and Python itself of a signal that
        # comes while it starts.
        if TRACKER not in what and (delay > STARTED_SECONDS or "SIGKILL" in what):
            assert "Traceback" not in (folder / "output.txt").read_text(), told


def test_a_long_cell_goes_on_from_its_last_epoch(toy: str, cache: Path, tmp_path: Path) -> None:
    """Killed in the middle of a long cell, the run goes on from a checkpoint and ends as if nothing had been."""
    command = [sys.executable, "-m", "seqbench.cli", "run", "--plugin", toy, "--plugin", NASTY, "--tasks", "toy"]
    command += ["--models", "nasty_slow", "--seeds", "0", "--no-baselines", "--set", "models.nasty_slow.seconds=0.05"]
    command += ["--set", "trainer.max_epochs=25", "--set", "trainer.patience=0", *NO_MLFLOW]
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    finish(command, tmp_path / "whole")
    results = tmp_path / "broken" / "results"
    with started(command, tmp_path / "broken") as process:
        wait_for(lambda: list(results.glob("checkpoints/*.safetensors")))
        time.sleep(1)
        process.kill()
    finish(command, tmp_path / "broken")
    assert reproducible(tmp_path / "whole" / "results") == reproducible(results)
    [log] = results.glob("cells/*/log.txt")
    assert "epochs come from a checkpoint" in log.read_text()
    assert [] == list(results.glob("checkpoints/*"))


def test_ctrl_c_ends_within_five_seconds(toy: str, cache: Path, tmp_path: Path) -> None:
    """Once Ctrl-C, as a terminal sends it, while a worker hangs in C: exit 130 in 5 s, and no process is left."""
    command = [sys.executable, "-m", "seqbench.cli", "run", "--plugin", toy, "--plugin", NASTY, "--tasks", "toy"]
    command += ["--models", "nasty_hang", "--seeds", "0-1", "--no-baselines", "--workers", "2", *NO_MLFLOW]
    with started(command, tmp_path, start_new_session=True) as process:
        family = psutil.Process(process.pid)
        wait_for(lambda: len(family.children(recursive=True)) >= 4)
        time.sleep(4)
        others = family.children(recursive=True)
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert 130 == process.wait(30)
        assert time.monotonic() - begin < 5
        psutil.wait_procs(others, timeout=20)
        assert [] == [other for other in others if other.is_running() and other.status() != psutil.STATUS_ZOMBIE]
    found = reproducible(tmp_path / "results")
    assert {"interrupted"} == {record["status"] for record, _ in found.values()}
    output = (tmp_path / "output.txt").read_text()
    assert "the same command goes on from there" in output
    assert "Traceback" not in output


def test_a_full_disk_costs_nothing_earned(
    command: list[str], undisturbed: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    """When results cannot be written any more the run ends with a sentence; with room it goes on to the same end."""
    folder = tmp_path / "full"
    folder.mkdir()
    size = 10_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    # Coverage's own files are no part of what is tested.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    with started(command, folder, preexec_fn=limit, env=environment) as process:
        assert 1 == process.wait(240)
    output = (folder / "output.txt").read_text()
    assert "cannot write to" in output
    assert "Traceback" not in output
    kept = reproducible(folder / "results")
    assert kept
    assert (folder / "results" / "records.jsonl").stat().st_size <= size
    finish(command, folder)
    assert undisturbed[0] == reproducible(folder / "results")


def test_two_runs_on_one_folder(command: list[str], undisturbed: tuple[dict[str, Any], float], tmp_path: Path) -> None:
    """Two runs at once on one results folder: the second waits, trains nothing twice, and both end well."""
    folder = tmp_path / "shared"
    folder.mkdir()
    with started(command, folder) as first:
        wait_for((folder / "results" / ".run.lock").exists)
        time.sleep(1)
        with started(command, folder) as second:
            assert [0, 0] == [first.wait(240), second.wait(240)]
    output = (folder / "output.txt").read_text()
    assert "waiting for its end" in output
    assert "nothing to train" in output
    assert len(undisturbed[0]) == len((folder / "results" / "records.jsonl").read_text().splitlines())
    assert undisturbed[0] == reproducible(folder / "results")
