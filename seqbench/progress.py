"""Telling how far a preparation is: tasks call `track`, and whoever shows progress listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

Listener = Callable[[str, int, int], None]
"""`listener(what, done, total)`."""


class _Current:
    listener: Listener | None = None


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, telling after each how many of `total` are done. what: `reading recordings`, for whoever waits."""
    for done, item in enumerate(items, 1):
        yield item
        if _Current.listener is not None:
            _Current.listener(what, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """While inside, this listener is told."""
    before, _Current.listener = _Current.listener, listener
    try:
        yield
    finally:
        _Current.listener = before
