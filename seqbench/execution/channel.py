"""How workers tell of epochs: one connection each, so that a killed worker can't leave a lock behind."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from dataclasses import asdict
from multiprocessing.connection import Client, Connection, Listener

from seqbench.records import EpochRecord


class EpochInbox:
    """The parent's end: accepts workers and collects what they send."""

    def __init__(self) -> None:
        self.authkey = os.urandom(32)
        self._listener = Listener(authkey=self.authkey)
        self._queue: queue.SimpleQueue[tuple[str, EpochRecord]] = queue.SimpleQueue()
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
                key, epoch = json.loads(connection.recv_bytes())
                self._queue.put((key, EpochRecord(**epoch)))

    def drain(self) -> list[tuple[str, EpochRecord]]:
        """What arrived since the last call."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._queue.get_nowait())
        return found

    def close(self) -> None:
        """Stop accepting."""
        self._listener.close()


class EpochOutbox:
    """A worker's end. Telling is a courtesy: the record holds the history, so a lost message is no harm."""

    def __init__(self, address: str | tuple[str, int], authkey: bytes) -> None:
        self._connection: Connection[object, object] | None = None
        with contextlib.suppress(OSError, EOFError):
            self._connection = Client(address, authkey=authkey)

    def send(self, key: str, epoch: EpochRecord) -> None:
        """Tell of one epoch of the cell `key`."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send_bytes(json.dumps([key, asdict(epoch)]).encode())
