"""What workers tell beside their results: one connection each, so that a killed worker leaves no lock behind."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import time
from dataclasses import asdict, astuple
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from typing import Any, TypeVar

from seqbench.execution.jobs import Advance
from seqbench.records import EpochRecord

T = TypeVar("T")


class Inbox:
    """The parent's end: accepts workers and collects what they send."""

    def __init__(self) -> None:
        self.authkey = os.urandom(32)
        # Without the key: the handshake is done in the connection's own thread, where a stopped worker holds up nobody.
        self._listener = Listener(backlog=128)
        self._is_closed = False
        self._epochs: queue.SimpleQueue[tuple[str, EpochRecord]] = queue.SimpleQueue()
        self._advances: queue.SimpleQueue[Advance] = queue.SimpleQueue()
        self._workers: dict[str, int] = {}
        self._begun: dict[int, tuple[int, float]] = {}
        threading.Thread(target=self._accept, name="seqbench-inbox", daemon=True).start()

    @property
    def address(self) -> str | tuple[str, int]:
        """Where workers connect."""
        address: str | tuple[str, int] = self._listener.address
        return address

    def _accept(self) -> None:
        while not self._is_closed:
            # A worker that was killed while it called is not the next one's concern.
            with contextlib.suppress(OSError, EOFError):
                connection = self._listener.accept()
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: Connection[object, object]) -> None:
        with contextlib.suppress(EOFError, OSError, ValueError, AuthenticationError), connection:
            deliver_challenge(connection, self.authkey)
            answer_challenge(connection, self.authkey)
            while True:
                kind, *values = json.loads(connection.recv_bytes())
                self._take(kind, values)

    def _take(self, kind: str, values: list[Any]) -> None:
        if kind == "epoch":
            self._epochs.put((values[0], EpochRecord(**values[1])))
        elif kind == "advance":
            self._advances.put(Advance(*values))
        elif kind == "hello":
            self._workers[values[0]] = values[1]
        elif kind == "begin":
            self._begun[values[0]] = (values[1], time.monotonic())

    def pid(self, worker: str) -> int | None:
        """The process of the worker of that name; None before it has started."""
        return self._workers.get(worker)

    def begun(self, job: int) -> tuple[int, float] | None:
        """Which process began the job of that number, and when (monotonic seconds); None before it did."""
        return self._begun.get(job)

    def forget(self, job: int) -> None:
        """The job is over."""
        self._begun.pop(job, None)

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs that arrived since the last call, each with its cell's key."""
        return _drained(self._epochs)

    def advances(self) -> list[Advance]:
        """Advances of preparation that arrived since the last call."""
        return _drained(self._advances)

    def close(self) -> None:
        """Stop accepting."""
        self._is_closed = True
        self._listener.close()


def _drained(messages: queue.SimpleQueue[T]) -> list[T]:
    found = []
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(messages.get_nowait())
    return found


class Outbox:
    """A worker's end. Telling of epochs is a courtesy: the record holds the history, so a lost message is no harm.

    Raises OSError or EOFError when the run cannot be reached.
    """

    def __init__(self, address: str | tuple[str, int], authkey: bytes) -> None:
        self._connection: Connection[object, object] = Client(address, authkey=authkey)

    def send(self, key: str, epoch: EpochRecord) -> None:
        """Tell of one epoch of the cell `key`."""
        self._tell(["epoch", key, asdict(epoch)])

    def hello(self, worker: str) -> None:
        """Tell that this process is the worker of that name."""
        self._tell(["hello", worker, os.getpid()])

    def begin(self, job: int) -> None:
        """Tell that this process begins the job of that number."""
        self._tell(["begin", job, os.getpid()])

    def advance(self, advance: Advance) -> None:
        """Tell how far a preparation is."""
        self._tell(["advance", *astuple(advance)])

    def _tell(self, message: list[object]) -> None:
        with contextlib.suppress(OSError):
            self._connection.send_bytes(json.dumps(message).encode())
