"""How workers tell of epochs and preparation: one connection each, so that a killed worker leaves no lock behind."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from dataclasses import asdict, astuple
from multiprocessing.connection import Client, Connection, Listener
from typing import TypeVar

from seqbench.execution.jobs import Advance
from seqbench.records import EpochRecord

T = TypeVar("T")


class EpochInbox:
    """The parent's end: accepts workers and collects what they send."""

    def __init__(self) -> None:
        self.authkey = os.urandom(32)
        self._listener = Listener(authkey=self.authkey)
        self._epochs: queue.SimpleQueue[tuple[str, EpochRecord]] = queue.SimpleQueue()
        self._advances: queue.SimpleQueue[Advance] = queue.SimpleQueue()
        threading.Thread(target=self._accept, name="seqbench-epochs", daemon=True).start()

    @property
    def address(self) -> str | tuple[str, int]:
        """Where workers connect."""
        address: str | tuple[str, int] = self._listener.address
        return address

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            except Exception:  # noqa: S112 - a worker that died in its handshake is not the next one's concern
                continue
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: Connection[object, object]) -> None:
        with contextlib.suppress(EOFError, OSError, ValueError):
            while True:
                kind, *values = json.loads(connection.recv_bytes())
                if kind == "epoch":
                    self._epochs.put((values[0], EpochRecord(**values[1])))
                else:
                    self._advances.put(Advance(*values))

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs that arrived since the last call, each with its cell's key."""
        return _drained(self._epochs)

    def advances(self) -> list[Advance]:
        """Advances of preparation that arrived since the last call."""
        return _drained(self._advances)

    def close(self) -> None:
        """Stop accepting."""
        self._listener.close()


def _drained(messages: queue.SimpleQueue[T]) -> list[T]:
    found = []
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(messages.get_nowait())
    return found


class EpochOutbox:
    """A worker's end. Telling is a courtesy: the record holds the history, so a lost message is no harm."""

    def __init__(self, address: str | tuple[str, int], authkey: bytes) -> None:
        self._connection: Connection[object, object] | None = None
        with contextlib.suppress(OSError, EOFError):
            self._connection = Client(address, authkey=authkey)

    def send(self, key: str, epoch: EpochRecord) -> None:
        """Tell of one epoch of the cell `key`."""
        self._tell(["epoch", key, asdict(epoch)])

    def advance(self, advance: Advance) -> None:
        """Tell how far a preparation is."""
        self._tell(["advance", *astuple(advance)])

    def _tell(self, message: list[object]) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send_bytes(json.dumps(message).encode())
