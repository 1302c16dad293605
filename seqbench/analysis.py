"""Boards of a results folder: records, predictions and measurements read, and what was computed before kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.board import Board, Pair, Row
from seqbench.examples import PREDICTIONS, example_scores
from seqbench.leaderboard import board_of, grouped_and_left_out
from seqbench.measurements import read
from seqbench.overall import overall
from seqbench.version import __version__

if TYPE_CHECKING:
    from seqbench.records import Outcome
    from seqbench.store import Store

KEPT = "boards.json"
"""The file in a results folder with boards that were computed; it may be deleted at any time."""

FORMAT = 2
"""To be raised when boards of the same records come out differently."""

__all__ = ["overall", "read_boards"]


def read_boards(store: Store, tasks: Iterable[str] | None = None, series: Collection[str] = frozenset()) -> list[Board]:
    """A board of every task (or of `tasks`, by id) in a results folder, by the task's id.

    Needs no plugin. A board whose records, predictions and measurements are as they were comes from the file
    `boards.json`, so that only what is new is computed; a folder that cannot be written is read all the same.
    series: those that a label stands for where there are newer ones: of a run whose code was there before.
    """
    groups, left_out = grouped_and_left_out(store.outcomes(), series)
    wanted = sorted(groups if tasks is None else set(tasks) & groups.keys())
    measured = read(store.folder)
    kept = _kept(store.folder)
    found, is_new = [], False
    for task in wanted:
        stamp = _stamp(groups[task], measured, store.folder)
        board = _restored(kept.get(task), stamp)
        if board is None:
            board = board_of(groups[task], partial(example_scores, results=store.folder), measured)
            kept[task], is_new = {"stamp": stamp, "board": board.to_json()}, True
        found.append(_with_note(board, left_out.get(task, ())))
    if is_new:
        _keep(store.folder, kept)
    return found


def _with_note(board: Board, left_out: Sequence[str]) -> Board:
    """The board, saying whose results are not on it."""
    if not left_out:
        return board
    who, are = ", ".join(left_out), "are" if len(left_out) > 1 else "is"
    told = (
        f"{who} {are} not on this board: tested on other data, or by another metric, than the newest row, "
        f"since the task has changed. Run {'them' if len(left_out) > 1 else 'it'} again."
    )
    return replace(board, notes=(*board.notes, told))


def _stamp(groups: Sequence[Sequence[Outcome]], measured: Mapping[str, Any], results: Path) -> str:
    """What changes whenever the board may."""
    digest = hashlib.sha256(f"{FORMAT} {__version__}".encode())
    for group in sorted(groups, key=lambda group: group[0].series):
        for record in group:
            facts = (record.key, record.status, record.finished_at, dict(record.metrics))
            digest.update(repr((*facts, _size(results / record.folder / PREDICTIONS))).encode())
            if record.key in measured:
                digest.update(repr(measured[record.key]).encode())
    return digest.hexdigest()


def _size(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (-1, 0)
    return found.st_size, found.st_mtime_ns


def _kept(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads((folder / KEPT).read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _keep(folder: Path, kept: Mapping[str, Any]) -> None:
    """Whole or not at all; it is only a saving of time."""
    beside = folder / f"{KEPT}.{os.getpid()}.partial"
    with suppress(OSError):
        beside.write_text(json.dumps(kept), encoding="utf-8")
        beside.replace(folder / KEPT)


def _restored(entry: Any, stamp: str) -> Board | None:
    """The board as it was computed, if it is of the same stamp."""
    try:
        if entry["stamp"] != stamp:
            return None
        values = entry["board"]
        rows = tuple(Row(**{**row, **_tuples(row, ("seeds", "scores", "pareto"))}) for row in values["rows"])
        pairs = tuple(Pair(**{**pair, **_tuples(pair, ("seeds",))}) for pair in values["pairs"])
        return Board(**{**values, "rows": rows, "pairs": pairs, "notes": tuple(values["notes"])})
    except (KeyError, TypeError, ValueError):
        return None


def _tuples(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(values[name]) for name in names}
