"""Two rows of a results folder beside each other, down to single test examples. Needs no plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench.analysis import read_boards
from seqbench.errors import ConfigError
from seqbench.examples import PREDICTIONS, read_table, scores_in
from seqbench.leaderboard import grouped
from seqbench.naming import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame as Table

    from seqbench.board import Board, Row
    from seqbench.store import Store

SHOWN = ("text", "series", "date", "speaker", "path")
"""Columns of stored predictions that tell a person which example it is, where they are there."""


@dataclass(frozen=True)
class Disagreement:
    """A test example, its target, and the mean scores over seeds of both rows. text: what the task tells of it."""

    id: str
    target: str
    one: float
    other: float
    text: str

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def chosen_boards(store: Store, one: str, other: str, task: str | None) -> list[Board]:
    """The boards on which both have a result; of one task (name or id), if given.

    Raises ConfigError for a task or model that is not there, with the nearest that is.
    """
    boards = read_boards(store)
    if task is not None:
        chosen = [board for board in boards if task in (board.task, board.task_name)]
        if not chosen:
            raise ConfigError(f"there is no task '{task}' in {store.folder}{nearest(task, [b.task for b in boards])}")
        boards = chosen
    known = {row.model for board in boards for row in board.rows if row.position is not None}
    for name in (one, other):
        if name not in known:
            raise ConfigError(f"there is no result of '{name}' in {store.folder}{nearest(name, known)}")
    if one == other:
        raise ConfigError(f"'{one}' is compared with itself: name two different models.")
    found = [board for board in boards if all(_has(board, name) for name in (one, other))]
    if not found:
        raise ConfigError(f"'{one}' and '{other}' have no task in common in {store.folder}.")
    return found


def _has(board: Board, name: str) -> bool:
    return any(row.model == name and row.position is not None for row in board.rows)


def named(board: Board, name: str) -> Row:
    """The row of that label."""
    return next(row for row in board.rows if row.model == name)


def disagreements(
    store: Store, board: Board, rows: tuple[Row, Row], most: int, labels: Sequence[str]
) -> tuple[int, list[Disagreement]]:
    """On how many test examples the mean scores of two rows differ, and those on which they do so most.

    labels: the names of the classes.
    """
    groups = {group[0].label: group for group in grouped(store.outcomes())[board.task]}
    found = []
    table: Table | None = None
    for row in rows:
        scores = []
        for outcome in groups[row.model]:
            if outcome.status != "ok":
                continue
            read = read_table(store.folder / outcome.folder / PREDICTIONS, SHOWN)
            values = None if read is None else scores_in(read, outcome.metrics[outcome.primary])
            if read is None or values is None or (table is not None and not _same(table, read)):
                return 0, []
            table = table if table is not None else read
            scores.append(values)
        found.append(np.mean(scores, axis=0))
    assert table is not None  # both rows have a result
    gap = found[0] - found[1]
    return int((gap != 0).sum()), [_told(table, int(index), found, labels) for index in _largest(gap, most)]


def class_labels(store: Store) -> dict[str, tuple[str, ...]]:
    """By task id, the names of the classes; none for a forecast."""
    return {
        record.task_id: tuple(map(str, record.output.get("labels", ()))) for record in store.records() if record.output
    }


def _same(one: Table, other: Table) -> bool:
    return len(one) == len(other) and bool((one["id"] == other["id"]).all())


def _largest(gap: NDArray[np.float64], most: int) -> Sequence[int]:
    """Where two differ most, in favour of either in turn, so that both sides are seen."""
    order = np.argsort(-np.abs(gap), kind="stable")
    ahead, behind = [i for i in order if gap[i] > 0], [i for i in order if gap[i] < 0]
    mixed = [index for pair in zip(ahead, behind, strict=False) for index in pair]
    rest = ahead[len(behind) :] + behind[len(ahead) :]
    return [*mixed, *rest][:most]


def _told(table: Table, index: int, scores: Sequence[NDArray[np.float64]], labels: Sequence[str]) -> Disagreement:
    row = table.iloc[index]
    if "target" in table.columns:
        number = int(row["target"])
        target = labels[number] if number < len(labels) else str(number)
    else:
        target = ", ".join(f"{row[name]:.4g}" for name in table.columns if name.startswith("target_"))
    return Disagreement(
        id=str(row["id"]),
        target=target,
        one=float(scores[0][index]),
        other=float(scores[1][index]),
        text=" ".join(str(row[name]) for name in SHOWN if name in table.columns),
    )
