"""Runs and syncs against real MLflow servers and databases that stop, start, hang, refuse and are locked."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlflow_servers import Server, free_port, run_ids, until
from seqbench.records import CellRecord
from seqbench.store import Store
from seqbench.tracking.sync import sync_all
from seqbench.tracking.tracker import Tracker

GATED = Path(__file__).with_name("gated_plugin.py")
MODELS = ("first", "second", "third")
NAME = "seqbench/toy@builtin"
Look = Callable[[Tracker], Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Server]:
    """A server with a SQLite store; it runs."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_database, folder / "server.db")
    server = Server(f"sqlite:///{folder}/server.db", folder, free_port())
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@dataclass
class Going:
    """A `seqbench run` of the gated models that is going on."""

    process: subprocess.Popen[str]
    results: Path
    gates: Path

    def open(self, model: str) -> None:
        """Let the model's cell go on, and return when it is recorded."""
        (self.gates / model).touch()
        until(lambda: model in self.recorded(), f"{model} is recorded")

    def recorded(self) -> list[str]:
        return [record.model for record in Store(self.results).records() if record.status == "ok"]

    def ended(self) -> tuple[int, list[str]]:
        """The exit code and the warnings."""
        _, errors = self.process.communicate(timeout=200)
        assert {*MODELS, "majority"} == set(self.recorded()), errors
        assert "Traceback" not in errors
        return self.process.returncode, [line for line in errors.splitlines() if "WARNING" in line]


@pytest.fixture
def begin(tmp_path: Path, cache: Path, toy: str) -> Iterator[Callable[[str], Going]]:
    """`begin(tracking_uri)`: start a run whose results are in `tmp_path / "results"`."""
    started: list[Going] = []

    def call(tracking_uri: str) -> Going:
        gates = tmp_path / "gates"
        gates.mkdir()
        chosen = ("--models", ",".join(MODELS), "--tasks", "toy", "--seeds", "0", "--workers", "1")
        plugins = ("--plugin", toy, "--plugin", str(GATED))
        process = subprocess.Popen(
            [sys.executable, "-m", "seqbench.cli", "run", *plugins, *chosen, "--tracking-uri", tracking_uri],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "GATES": str(gates)},
        )
        started.append(Going(process, tmp_path / "results", gates))
        return started[-1]

    yield call
    for going in started:
        going.process.kill()
        going.process.wait()


def assert_sync_changes_nothing(tracker: Tracker, snapshot: Look) -> None:
    """Sync again and again: the same runs with the same content."""
    once, ids = snapshot(tracker), run_ids(tracker)
    for _ in range(3):
        sync_all(tracker.tracking_uri, tracker.results, Store(tracker.results).records())
    assert (once, ids) == (snapshot(tracker), run_ids(tracker))


def test_a_server_that_is_killed_and_comes_back_during_a_run(
    server: Server, begin: Callable[[str], Going], seqbench: Callable[..., Any], snapshot: Look
) -> None:
    """Training goes on without the server, and when the run ends everything is there: no warning, no double.

    Meanwhile `seqbench sync` writes the same records, and has no part in a double either.
    """
    run = begin(server.address)
    run.open("first")
    during = seqbench("sync", "--tracking-uri", server.address)
    assert 0 == during.code, during.err
    server.stop(signal.SIGKILL)
    run.open("second")
    server.start()
    run.open("third")
    assert (0, []) == run.ended()
    tracker = Tracker(server.address, run.results)
    held = snapshot(tracker)
    assert {"majority", *MODELS, *(f"{model} seed 0" for model in MODELS)} == {
        run for name, run in held if name == NAME
    }
    sync_all(server.address, run.results, Store(run.results).records())
    assert run_ids(tracker).keys() == {run for _, run in held}
    assert "plots/confusion.png" in snapshot(tracker)[NAME, "third seed 0"]["artifacts"]
    assert_sync_changes_nothing(tracker, snapshot)


def test_a_server_that_stays_away_is_synced_later(
    server: Server, begin: Callable[[str], Going], seqbench: Callable[..., Any], snapshot: Look
) -> None:
    """A server that is ended and still away when the run ends costs one warning, and `seqbench sync` mends it.

    The other run's results have the same cells and were logged to the same server: the newer result stays, once.
    """
    run = begin(server.address)
    run.open("first")
    server.stop(signal.SIGTERM)
    run.open("second")
    run.open("third")
    code, (warning,) = run.ended()
    assert 0 == code
    assert "is not up to date (nothing can be connected to there)" in warning
    refused = seqbench("sync", "--tracking-uri", server.address)
    assert 2 == refused.code
    assert "nothing can be connected to there" in refused.err
    server.start()
    assert 0 == seqbench("sync", "--tracking-uri", server.address).code
    tracker = Tracker(server.address, run.results)
    held = snapshot(tracker)
    for record in Store(run.results).records():
        name = record.label if record.is_baseline else f"{record.label} seed 0"
        assert repr(record.finished_at) == held[NAME, name]["tags"]["seqbench.finished_at"]
    assert_sync_changes_nothing(tracker, snapshot)


def test_a_server_that_hangs_holds_up_no_cell(begin: Callable[[str], Going]) -> None:
    """While a server takes connections and never answers, every cell is trained; it costs one warning."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        run = begin(f"http://127.0.0.1:{silent.getsockname()[1]}")
        for model in MODELS:
            run.open(model)
        code, (warning,) = run.ended()
    assert 0 == code
    assert "is not up to date (the server does not answer within 5 s)" in warning


def test_a_server_that_only_fails_costs_one_warning(tmp_path: Path, observe_all: Callable[[str], list[str]]) -> None:
    """A server that answers every call with 500 is told about once, with what it answered."""

    class Failing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        do_POST = do_GET  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing) as failing:
        threading.Thread(target=failing.serve_forever, daemon=True).start()
        (warning,) = observe_all(f"http://127.0.0.1:{failing.server_port}")
        failing.shutdown()
    assert "is not up to date (API request to" in warning
    assert "500" in warning


def test_a_locked_database_is_synced_when_it_is_free(
    tmp_path: Path,
    begin: Callable[[str], Going],
    seqbench: Callable[..., Any],
    empty_database: Path,
    snapshot: Look,
) -> None:
    """A SQLite file that another process keeps locked costs one warning; sync says so too, and later writes it all."""
    file = tmp_path / "mlflow.db"
    shutil.copy(empty_database, file)
    address = f"sqlite:///{file}"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = begin(address)
        for model in MODELS:
            run.open(model)
        code, (warning,) = run.ended()
        refused = seqbench("sync", "--tracking-uri", address)
    assert 0 == code
    assert "is not up to date (mlflow.db: database is locked)" in warning
    assert (2, 1) == (refused.code, refused.err.count("database is locked"))
    assert 0 == seqbench("sync", "--tracking-uri", address).code
    assert 7 == len(snapshot(Tracker(address, run.results)))


def test_a_database_that_is_deleted_during_a_run_is_made_again_by_sync(
    tmp_path: Path, begin: Callable[[str], Going], seqbench: Callable[..., Any], snapshot: Look
) -> None:
    """A SQLite file that is deleted while it is written costs a warning and no cell, and a sync makes it anew."""
    file = tmp_path / "mlflow.db"
    run = begin(f"sqlite:///{file}")
    run.open("first")
    until(file.exists, "the database is there")
    file.unlink()
    for model in MODELS[1:]:
        run.open(model)
    code, (warning,) = run.ended()
    assert 0 == code
    assert "is not up to date (" in warning
    assert 0 == seqbench("sync", "--tracking-uri", f"sqlite:///{file}").code
    assert 7 == len(snapshot(Tracker(f"sqlite:///{file}", run.results)))


def test_two_syncs_at_once_make_no_double(
    tmp_path: Path, records: list[CellRecord], empty_database: Path, snapshot: Look
) -> None:
    """Two processes that sync the same folder to the same database at the same time leave each run once."""
    store = Store(tmp_path / "results")
    for record in records:
        store.append(record, {})
    shutil.copy(empty_database, store.folder / "mlflow.db")
    command = [sys.executable, "-m", "seqbench.cli", "sync", "--results", str(store.folder)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate(timeout=200)[1], process.returncode) for process in both]
    assert [0, 0] == [code for _, code in ends], ends
    assert 9 == len(snapshot(Tracker(f"sqlite:///{store.folder}/mlflow.db", store.folder)))
