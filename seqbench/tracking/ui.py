"""MLflow's own UI over a tracking store: started as a child process, and ended with this one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO

from seqbench.errors import SeqbenchError
from seqbench.store import RECORDS
from seqbench.tracking.address import SETTINGS, artifact_location, is_server, sqlite_file, with_driver, without_password
from seqbench.tracking.links import board_links

START_SECONDS = 120.0
"""How long the server may take until it answers; on a busy machine its imports alone take half a minute."""

END_SECONDS = 5.0
PORTS_TRIED = 100


class UiError(SeqbenchError):
    """The UI cannot be started."""


def serve_ui(tracking_uri: str, host: str = "127.0.0.1", port: int = 5000, *, opens: bool = False) -> None:
    """Start MLflow's UI, print its address and that of each board, and stay until Ctrl-C or SIGTERM.

    port: the next free one is taken if it is in use. opens: also open a browser at the first board.
    A database beside its records is synced meanwhile, and boards that this makes are printed when they are there. Of a
    running server (`http://`) only the addresses are printed. Raises UiError when there is nothing to show or the
    server does not start.
    """
    if is_server(tracking_uri):
        _say(f"MLflow: {without_password(tracking_uri)}")
        _Boards(tracking_uri, opens).show(is_last=True)
        return
    file = sqlite_file(tracking_uri)
    if file is not None and not file.is_file():
        raise UiError(
            f"there is no MLflow database at {file}: do a `seqbench run` first, or give its --results folder."
        )
    with (
        contextlib.suppress(KeyboardInterrupt),
        _on_signals(_interrupt),
        tempfile.TemporaryFile() as output,
        _server(tracking_uri, host, port, output) as address,
        _syncing(file) as sync,
    ):
        _say(f"MLflow: {address}  (Ctrl-C ends it)")
        boards = _Boards(address, opens)
        boards.show(is_last=sync is None)
        if sync is not None:
            sync.wait()
            boards.show(is_last=True)
        while True:
            time.sleep(3600)


class _Boards:
    """Says where the boards of a server are, each once, and opens a browser once if that is wanted."""

    def __init__(self, address: str, opens: bool) -> None:
        self._address, self._opens = address, opens
        self._said: set[str] = set()

    def show(self, *, is_last: bool) -> None:
        """Say what is new. is_last: no more boards are expected, so that a browser opens even without one."""
        links = [link for link in board_links(self._address) if link.name not in self._said]
        for link in links:
            _say(f"  {link.name}: {without_password(link.address)}")
        self._said |= {link.name for link in links}
        if self._opens and (links or is_last):
            self._opens = False
            page = links[0].address if links else self._address
            if not webbrowser.open(page):
                _say(f"there is no browser that can be opened here: open {without_password(page)}")


@contextlib.contextmanager
def _server(tracking_uri: str, host: str, port: int, output: IO[bytes]) -> Iterator[str]:
    """A server that answers; it and all its processes are gone when this is left."""
    port = _free_port(host, port)
    folder = tempfile.TemporaryDirectory()
    _say(f"starting MLflow's UI on {host}:{port} ...")
    # In a session of its own Ctrl-C reaches only us, and all of its processes can be ended together.
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"],
        env=_environment(tracking_uri, Path(folder.name)),
        cwd=folder.name,  # it may write where it is
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        address = f"http://{host}:{port}"
        _wait_until_it_answers(process, address, output)
        yield address
    finally:
        _end(process)
        folder.cleanup()


@contextlib.contextmanager
def _syncing(file: Path | None) -> Iterator[subprocess.Popen[bytes] | None]:
    """While inside, a process brings the database up to date: draws what the run has left, writes what it could not."""
    if file is None or not (file.parent / RECORDS).is_file():
        yield None
        return
    options = ("--results", str(file.parent), "--tracking-uri", f"sqlite:///{file}")
    process = subprocess.Popen(
        [sys.executable, "-m", "seqbench.cli", "sync", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _environment(tracking_uri: str, folder: Path) -> dict[str, str]:
    """The server's settings; the address goes this way because a process list would show its password."""
    file = sqlite_file(tracking_uri)
    uri = f"sqlite:///{file}" if file else with_driver(tracking_uri)
    return {
        **SETTINGS,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        **os.environ,
        "MLFLOW_LOGGING_LEVEL": "ERROR",  # its last words say why it does not start
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": artifact_location(uri, folder) or (folder / "mlartifacts").as_uri(),
    }


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str, output: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise UiError(f"MLflow's server ended with exit code {process.returncode}: {_last_words(output)}")
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{address}/health", timeout=5).close()  # noqa: S310
            return
        time.sleep(0.2)
    raise UiError(f"MLflow's server did not answer at {address} within {START_SECONDS:.0f} s: try again, or --port.")


def _last_words(output: IO[bytes]) -> str:
    """The last line that names an error, else the last one."""
    output.seek(0)
    lines = [line.strip() for line in output.read().decode(errors="replace").split("\n") if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return without_password((errors or lines or ["it said nothing"])[-1])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server with all its processes; those that do not go are killed, also when Ctrl-C is pressed again."""
    with _on_signals(signal.SIG_IGN):
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)


def _free_port(host: str, first: int) -> int:
    """The first port from `first` on that nobody listens on."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    raise UiError(f"no free port on {host} from {first} on: choose another --port.")


@contextlib.contextmanager
def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """While inside, this is what Ctrl-C, SIGTERM and a closed terminal do."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
