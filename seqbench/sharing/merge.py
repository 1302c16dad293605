"""Merging archives into a results folder: new cells are added, those that are there already are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from seqbench.errors import ArchiveError
from seqbench.leaderboard import latest
from seqbench.measurements import adopt, read_all
from seqbench.records import CellRecord
from seqbench.sharing.archive import Archive
from seqbench.sharing.compare import differences, explained
from seqbench.store import Store

NO_RESULT = "interrupted"
"""The status of a record that is no result: whatever comes takes its place, and it takes nobody's."""


@dataclass(frozen=True)
class Conflict:
    """A cell that is here and in an archive, with other results. reasons: what differs, in words."""

    key: str
    task_id: str
    label: str
    seed: int
    archive: str
    reasons: tuple[str, ...]
    machines: str

    def sentence(self) -> str:
        """All of it in one."""
        why = f" [{self.machines}]" if self.machines else ""
        return f"{self.task_id} {self.label} seed {self.seed} ({self.key[:12]}): {'; '.join(self.reasons)}{why}"

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {**vars(self), "reasons": list(self.reasons)}


@dataclass
class Merged:
    """What came of merging: how many cells were added, equal, or no result; measurements added; and conflicts.

    replaced: conflicts in which the archive's record was taken. beside: rows of boards, `task label`, that had records
    of other code or versions already: boards show the most recent of these only.
    """

    added: int = 0
    equal: int = 0
    unfinished: int = 0
    measurements: int = 0
    replaced: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    beside: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        conflicts = [conflict.to_json() for conflict in self.conflicts]
        return {**vars(self), "conflicts": conflicts, "beside": sorted(self.beside)}


def merge(store: Store, archives: Sequence[Archive], *, takes_theirs: bool = False) -> Merged:
    """Add the cells of archives, one after the other; only for whoever holds the store's `run_lock`.

    Where a cell is here already with another result, the own record is kept, or with `takes_theirs` the archive's is
    appended, which then counts with its files alone; but a result is never given up for a failure. Each cell is added
    whole or not at all, so a merge that was cut off is done again without doubles. Raises FullError when the disk
    refuses, ArchiveError for a folder that two cells claim.
    """
    merged = Merged()
    own = latest(store.records())
    series = {(record.task_id, record.label): record.series for record in own.values()}
    _check_folders([*own.values(), *(record for archive in archives for _, record in archive.records)])
    for archive in archives:
        for line, record in archive.records:
            before = own.get(record.key)
            if record.status == NO_RESULT or (before is not None and before.status != NO_RESULT):
                is_taken = _is_taken(merged, before, record, archive, takes_theirs)
            else:
                is_taken = True
                merged.added += 1
            if is_taken:
                if series.setdefault((record.task_id, record.label), record.series) != record.series:
                    merged.beside.add(f"{record.task_id} {record.label}")
                store.adopt(line, record.folder, archive.files(record), replaces=before is not None)
                store.discard_checkpoint(record.key)
                own[record.key] = record
        merged.measurements += _measurements(store, archive)
    return merged


def _is_taken(
    merged: Merged, before: CellRecord | None, record: CellRecord, archive: Archive, takes_theirs: bool
) -> bool:
    """Compare with what is here, count it, and say whether the archive's record is to be appended."""
    if record.status == NO_RESULT or before is None:
        merged.unfinished += 1
        return False
    reasons = differences(before, record)
    if not reasons:
        merged.equal += 1
        return False
    machines = explained(before, record)
    where = (record.key, record.task_id, record.label, record.seed)
    merged.conflicts.append(Conflict(*where, str(archive.path), reasons, machines))
    # What a machine could not do is no reason to lose what another has done.
    is_taken = takes_theirs and (record.status == "ok" or before.status != "ok")
    merged.replaced += is_taken
    return is_taken


def _check_folders(records: Sequence[CellRecord]) -> None:
    """No two cells have one folder: the files of one would take the place of the other's."""
    owner: dict[str, str] = {}
    for record in records:
        if owner.setdefault(record.folder, record.key) != record.key:
            raise ArchiveError(f"two cells want their files in '{record.folder}': refused.")


def _measurements(store: Store, archive: Archive) -> int:
    """Add those of cells and kinds of device that were not measured here."""
    known = read_all(store.folder)
    new = [line for line, measurement in archive.measurements if measurement.place not in known]
    for line in new:
        adopt(store, line)
    return len(new)
