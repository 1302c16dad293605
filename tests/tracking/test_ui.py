"""`serve_ui`: MLflow's real server and page over records; and that server as a tracking address."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlflow_servers import free_port, until
from seqbench.records import CellRecord
from seqbench.store import Store
from seqbench.tracking.tracker import Tracker
from seqbench.tracking.ui import UiError, _free_port, serve_ui

CHROMIUM = Path("/usr/bin/chromium")
NAME = "seqbench/colours@builtin"


@dataclass(frozen=True)
class Ui:
    """A `serve_ui` that runs: its process, its address, and the page of each task's board."""

    process: subprocess.Popen[str]
    address: str
    boards: dict[str, str]


Served = tuple[Tracker, list[CellRecord]]


def start(tracking_uri: str, port: int) -> subprocess.Popen[str]:
    """A process that does what `seqbench ui` does."""
    code = f"from seqbench.tracking.ui import serve_ui; serve_ui({tracking_uri!r}, port={port})"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def ui(served: Served) -> Iterator[Ui]:
    """The UI over a database with the records."""
    process = start(served[0].tracking_uri, free_port())
    assert process.stdout is not None
    address, boards = "", {}
    for line in process.stdout:
        if found := re.match(r"MLflow: (\S+)", line):
            address = found[1]
        elif found := re.match(r"  (\S+): (http\S+)", line):
            boards[found[1]] = found[2]
            break
    yield Ui(process, address, boards)
    process.send_signal(signal.SIGTERM)
    assert 0 == process.wait(30)


def get(address: str) -> str:
    """The body of a page."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return str(answer.read().decode())


def test_the_printed_address_answers(ui: Ui, served: Served) -> None:
    """`serve_ui` prints an address that answers, a page for each task, and its server gives out artifacts."""
    assert ["colours@builtin"] == list(ui.boards)
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


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_the_page_of_a_board_shows_its_rows(ui: Ui) -> None:
    """In a browser, the printed address shows every row of the board, the best first, with rank and mean."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1800, "height": 900})
        page.goto(ui.boards["colours@builtin"])
        page.get_by_role("link", name="guess", exact=True).wait_for(timeout=60_000)
        names = [link.strip() for link in page.get_by_role("link").all_inner_texts()]
        rows = [name for name in names if name in {"lstm", "rnn", "guess", "odd"} or " seed " in name]
        page.get_by_text(re.compile(r"^0\.85")).first.wait_for(timeout=10_000)  # the mean, in its column
        browser.close()
    assert ["lstm", "rnn", "guess"] == rows[:3]
    assert not [name for name in rows if " seed " in name]


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    """Where nothing was run yet, the error says so and what would do."""
    with pytest.raises(UiError, match=r"no MLflow database at .*mlflow\.db: do a `seqbench run` first"):
        serve_ui(f"sqlite:///{tmp_path}/mlflow.db")


def test_of_a_running_server_the_address_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """For a server that runs elsewhere nothing is started: its address is printed, without a password."""
    serve_ui("https://me:secret@mlflow.example.org")
    assert "MLflow: https://***@mlflow.example.org\n" == capsys.readouterr().out
