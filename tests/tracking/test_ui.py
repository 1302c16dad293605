"""`serve_ui`: MLflow's real server and page over records; and that server as a tracking address."""

from __future__ import annotations

import shutil
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlflow_servers import Ui, free_port, start, until
from seqbench.records import CellRecord
from seqbench.store import Store
from seqbench.tracking.tracker import Tracker
from seqbench.tracking.ui import UiError, _free_port, serve_ui

NAME = "seqbench/colours@builtin"


Served = tuple[Tracker, list[CellRecord]]


def get(address: str) -> str:
    """The body of a page."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return str(answer.read().decode())


def test_the_printed_address_answers(ui: Ui, served: Served) -> None:
    """`serve_ui` prints an address that answers and each board's page, the overall one first; artifacts are there."""
    assert ["overall", "colours@builtin", "shapes@builtin", "sounds@builtin"] == list(ui.boards)
    assert "OK" == get(f"{ui.address}/health")
    assert "<title>MLflow</title>" in get(ui.address)
    (run,) = served[0].connect().search_runs(["1"], filter_string="tags.mlflow.runName = 'lstm seed 0'")
    page = f"{ui.address}/get-artifact?run_uuid={run.info.run_id}&path=predictions.csv"
    assert get(page).startswith("id,target,output_0,output_1\n")


def test_a_server_is_a_tracking_address_like_a_database(
    ui: Ui, served: Served, snapshot: Callable[[Tracker], Any]
) -> None:
    """What is synced to `http://` is what a database gets, artifacts included, and a second sync adds nothing."""
    tracker, records = served
    remote = Tracker(ui.address, tracker.results)
    elsewhere = [replace(record, task_id="colours@elsewhere") for record in records]
    assert [] == remote.sync(elsewhere)
    held = snapshot(remote)
    for name in ("lstm", "lstm seed 1", "guess", "odd seed 0"):
        there, here = held["seqbench/colours@elsewhere", name], held[NAME, name]
        for what in ("status", "times", "params", "metrics", "history", "tags", "artifacts"):
            assert here[what] == there[what]
    remote.sync(elsewhere)
    Tracker(ui.address, tracker.results).sync(elsewhere)
    assert held == snapshot(remote)


def test_the_ui_brings_its_database_up_to_date(
    tmp_path: Path, records: list[CellRecord], empty_database: Path, snapshot: Callable[[Tracker], Any]
) -> None:
    """What a run could not write, or has left to be drawn, is there soon after the UI has been started."""
    results = tmp_path / "results"
    for record in records:
        Store(results).append(record, {})
    shutil.copy(empty_database, results / "mlflow.db")
    tracker = Tracker(f"sqlite:///{results}/mlflow.db", results)
    process = start(tracker.tracking_uri, free_port())
    until(
        lambda: (results / "mlartifacts").exists() and 9 == len(found := snapshot(tracker)) and _drawn(found), "plots"
    )
    process.send_signal(signal.SIGTERM)
    assert 0 == process.wait(30)


def _drawn(found: dict[tuple[str, str], dict[str, Any]]) -> bool:
    cells = [run for (_, name), run in found.items() if name == "guess" or " seed " in name]
    return all("seqbench.plots" in run["tags"] for run in cells)


def test_ctrl_c_ends_the_server_too(served: Served) -> None:
    """Ctrl-C ends `serve_ui` without a traceback even while MLflow is starting, and no process is left behind."""
    process = start(served[0].tracking_uri, free_port())
    deadline = time.monotonic() + 30
    while not (children := psutil.Process(process.pid).children(recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert (0, 1) == (process.returncode, output.count("\n"))
    assert [] == [child for child in children if child.is_running()]


def test_a_port_that_is_taken_is_passed_over() -> None:
    """When somebody listens on the port, the next free one is used."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < _free_port("127.0.0.1", port) <= port + 100


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    """When MLflow's server ends at once, the error has its last words."""
    (tmp_path / "mlflow.db").write_text("this is no database, only text that is long enough to be looked at " * 9)
    with pytest.raises(UiError, match=r"MLflow's server ended with exit code 1: .*not a database"):
        serve_ui(f"sqlite:///{tmp_path}/mlflow.db", port=free_port())


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    """Where nothing was run yet, the error says so and what would do."""
    with pytest.raises(UiError, match=r"no MLflow database at .*mlflow\.db: do a `seqbench run` first"):
        serve_ui(f"sqlite:///{tmp_path}/mlflow.db")


def test_of_a_running_server_the_address_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """For a server that runs elsewhere nothing is started: its address is printed, without a password."""
    serve_ui("https://me:secret@mlflow.example.org")
    assert "MLflow: https://***@mlflow.example.org\n" == capsys.readouterr().out


def test_the_boards_of_a_running_server_are_told(
    ui: Ui, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a server that runs the pages of its boards are printed, and `--open` opens a browser at the first one."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    serve_ui(ui.address, opens=True)
    lines = capsys.readouterr().out.splitlines()
    assert [f"MLflow: {ui.address}", f"  overall: {ui.boards['overall']}"] == lines[:2]
    assert {f"  {name}: {page}" for name, page in ui.boards.items()} <= set(lines)
    until(opened.exists, "the browser is opened")
    assert [ui.boards["overall"]] == opened.read_text().splitlines()
