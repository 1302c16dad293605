"""Real MLflow servers that tests stop and start again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqbench.tracking.address import SETTINGS
from seqbench.tracking.tracker import Tracker


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + 150
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.2)


@dataclass
class Server:
    """An MLflow server that can be stopped and started again on the same port."""

    store: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        options = ("--host", "127.0.0.1", "--port", str(self.port), "--workers", "1")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options],
            env={
                **os.environ,
                **SETTINGS,
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_BACKEND_STORE_URI": self.store,
                "MLFLOW_DEFAULT_ARTIFACT_ROOT": (self.folder / "artifacts").as_uri(),
            },
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self.answers, "the server answers")

    def answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=5):
            return True
        return False

    def stop(self, sent: signal.Signals) -> None:
        """The signal goes to the server with all its processes."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, sent)
            self.process.wait(60)
            until(lambda: not self.answers(), "the server is gone")


@dataclass(frozen=True)
class Ui:
    """A `serve_ui` that runs: its process, its address, and the page of each task's board."""

    process: subprocess.Popen[str]
    address: str
    boards: dict[str, str]


def start(tracking_uri: str, port: int) -> subprocess.Popen[str]:
    """A process that does what `seqbench ui` does."""
    code = f"from seqbench.tracking.ui import serve_ui; serve_ui({tracking_uri!r}, port={port})"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_ids(tracker: Tracker) -> dict[str, str]:
    """Every run's id by its name."""
    client = tracker.connect()
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.run_name: run.info.run_id for run in client.search_runs(ids)}
