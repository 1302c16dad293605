"""Cells that gave no result, and why: those that failed alike together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from seqbench.records import CellRecord
from seqbench.report.names import cut

MOST_GROUPS = 200
MOST_TRACEBACKS = 20
TRACEBACK_CHARACTERS = 4000
MESSAGE_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Mishap:
    """Cells of one row that ended alike. traceback: of the last of them, its end if it is long; often empty."""

    task: str
    model: str
    seeds: tuple[int, ...]
    status: str
    kind: str
    reason: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Mishaps:
    """All of them: `left_out` groups more than are listed; `counts`: cells by status, all of them."""

    groups: tuple[Mishap, ...]
    left_out: int
    counts: tuple[tuple[str, int], ...]


def mishaps(records: Iterable[CellRecord]) -> Mishaps:
    """Of the records that are not `ok`, by task, row and reason."""
    found: dict[tuple[str, str, str, str, str], list[CellRecord]] = {}
    for record in records:
        if record.status != "ok":
            kind, message = (record.failure.type, record.failure.message) if record.failure else ("", "")
            found.setdefault((record.task_id, record.label, record.status, kind, message), []).append(record)
    counts = Counter(record.status for group in found.values() for record in group)
    groups = [_group(found[key], place < MOST_TRACEBACKS) for place, key in enumerate(sorted(found)[:MOST_GROUPS])]
    return Mishaps(tuple(groups), len(found) - len(groups), tuple(sorted(counts.items())))


def _group(records: list[CellRecord], with_traceback: bool) -> Mishap:
    last = records[-1]
    failure = last.failure
    return Mishap(
        task=last.task_id,
        model=last.label,
        seeds=tuple(sorted(record.seed for record in records)),
        status=last.status,
        kind=failure.type if failure else "",
        reason=cut(failure.message if failure else "no reason was recorded", MESSAGE_CHARACTERS),
        traceback=failure.traceback[-TRACEBACK_CHARACTERS:] if failure and with_traceback else "",
    )
