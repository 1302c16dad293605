"""The observer: what a run does with its tracker, and what it does when MLflow is not there."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqbench.config import RunConfig
from seqbench.records import CellRecord
from seqbench.runs import Run
from seqbench.store import Store
from seqbench.tracking import mlflow as observer
from seqbench.tracking.address import without_password
from seqbench.tracking.tracker import Tracker

NAME = "seqbench/colours@builtin"


def a_run(results: Path, tracking_uri: str) -> Run:
    """A run whose results are in the folder."""
    store = Store(results)
    store.create()
    config = RunConfig(models=("lstm",), tasks=("colours",), results=results)
    return Run(config, store, tracking_uri, "seqbench run", workers=1, devices=("cpu",))


def observe(run: Run, records: list[CellRecord]) -> None:
    """Tell the observer of a whole run, as the engine does."""
    observer.seqbench_run_started(run)
    for record in records:
        run.store.append(record, {})
        observer.seqbench_cell_finished(record)
    observer.seqbench_run_finished(run, records)


def test_a_run_is_in_mlflow_when_it_has_finished(
    tracker: Tracker, records: list[CellRecord], snapshot: Callable[[Tracker], Any]
) -> None:
    """When the last hook returns, MLflow holds every cell and the board of all records, also of earlier runs."""
    run = a_run(tracker.results, tracker.tracking_uri)
    observe(run, [record for record in records if record.model == "rnn"])
    observe(run, [record for record in records if record.model != "rnn"])
    held = snapshot(tracker)
    assert 9 == len(held)
    assert (1, 2) == (held[NAME, "lstm"]["metrics"]["position"], held[NAME, "rnn"]["metrics"]["position"])


def test_a_server_that_is_not_there_costs_one_warning(
    tmp_path: Path, records: list[CellRecord], caplog: pytest.LogCaptureFixture
) -> None:
    """Without MLflow the hooks return at once while training, raise nothing, and end in one warning."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = unused.getsockname()[1]
        run = a_run(tmp_path / "results", f"http://me:secret@127.0.0.1:{port}")
        begin = time.monotonic()
        observer.seqbench_run_started(run)
        for record in records:
            run.store.append(record, {})
            observer.seqbench_cell_finished(record)
        assert time.monotonic() - begin < 2
        observer.seqbench_run_finished(run, records)
    (warning,) = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert warning.startswith(f"MLflow at http://***@127.0.0.1:{port} is not up to date (")
    assert str(tmp_path / "results") in warning
    assert "secret" not in caplog.text


def test_a_server_that_hangs_costs_one_warning(
    tmp_path: Path, records: list[CellRecord], caplog: pytest.LogCaptureFixture
) -> None:
    """A server that takes connections and never answers is given up, and the warning says that it does not answer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        observe(a_run(tmp_path / "results", f"http://127.0.0.1:{silent.getsockname()[1]}"), records[:1])
    (warning,) = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert "is not up to date (the server does not answer within 5 s)" in warning


def test_a_process_that_shows_no_sign_of_life_is_ended(
    tmp_path: Path, records: list[CellRecord], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the process that logs hangs for good, the end of the run stops waiting, ends it and warns."""
    monkeypatch.setattr(observer, "PATIENCE_SECONDS", 0.5)
    run = a_run(tmp_path / "results", f"sqlite:///{tmp_path}/mlflow.db")
    observer.seqbench_run_started(run)
    current = observer._Current.log
    assert current is not None
    assert current._process.pid is not None
    os.kill(current._process.pid, signal.SIGSTOP)
    observer.seqbench_run_finished(run, records[:1])
    current._process.join(30)
    assert -signal.SIGKILL == current._process.exitcode
    assert "is not up to date (no answer for " in caplog.text


def test_the_observer_is_imported_without_mlflow() -> None:
    """Discovering the tracker imports neither MLflow nor what MLflow and the plots need."""
    heavy = ("mlflow", "matplotlib", "pandas", "numpy", "torch", "sqlalchemy")
    code = f"import sys, seqbench.tracking.mlflow\nprint([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert "[]" == done.stdout.strip()


def test_passwords_are_not_shown() -> None:
    """What is shown of an address, or of a text with one, holds no password, whatever characters that has."""
    for address in ("https://me:se/cr@et@host/x", "postgresql://me:secr@et@host:5432/db?sslmode=require"):
        assert "cr" not in without_password(f"cannot reach {address} today")
    assert "postgresql://host/db?user=me&password=***&a=b" == without_password(
        "postgresql://host/db?user=me&password=secret&a=b"
    )
