"""Waiting for one's turn in a results folder: one run or measurement at a time is at work there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seqbench.signals import StopSignals
    from seqbench.store import Store

WAIT_SECONDS = 0.5
"""How often somebody who waits looks for signals."""


@contextlib.contextmanager
def turn(store: Store, signals: StopSignals) -> Iterator[None]:
    """While inside, this command alone works on the results folder, after others that were there before.

    What one that was killed had half written is taken away first.

    Raises KeyboardInterrupt when a signal comes while another is waited for, StoreError when there can be no lock.
    """
    from filelock import Timeout

    from seqbench.cli import console
    from seqbench.errors import StoreError

    lock = store.run_lock()
    has_waited = False
    while not lock.is_locked:
        try:
            lock.acquire(timeout=WAIT_SECONDS)
        except (OSError, NotImplementedError) as error:
            if not isinstance(error, Timeout):  # which is one
                reason = getattr(error, "strerror", None) or str(error)
                raise StoreError(f"cannot lock {store.folder}: {reason}; choose another --results.") from None
            if not has_waited:
                console.err.print(f"Another run is at work in {store.folder}: waiting for its end.", soft_wrap=True)
            has_waited = True
            if signals.is_stopped():
                raise KeyboardInterrupt from None
    try:
        store.clean()
        yield
    finally:
        lock.release()
