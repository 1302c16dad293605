"""Packing a results folder into one archive: the same results give the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqbench.errors import ConfigError, FullError, StoreError
from seqbench.leaderboard import latest
from seqbench.measurements import MEASUREMENTS, measured_lines
from seqbench.naming import nearest
from seqbench.records import CellRecord
from seqbench.serving import SERVING, WEIGHTS
from seqbench.sharing.layout import FILES, FORMAT, MANIFEST, MODEL_FILES, is_cell_folder
from seqbench.store import RECORDS, Store
from seqbench.version import __version__

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the first that a zip file can say."""
CHUNK = 1 << 20
LEVEL = 6
"""Of compression; part of what makes the bytes the same."""


@dataclass(frozen=True)
class Packed:
    """What an archive was given. warnings: what was left out, and what is missing, in sentences."""

    path: Path
    records: int
    files: int
    bytes: int
    warnings: tuple[str, ...]


@dataclass
class _Writer:
    """An archive that is being written, and what its manifest will say."""

    archive: zipfile.ZipFile
    members: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, name: str, content: Callable[[int], bytes]) -> None:
        """A member from what `content(most)` gives until that is empty."""
        digest, size = hashlib.sha256(), 0
        with self.archive.open(_info(name), "w", force_zip64=True) as member:
            while piece := content(CHUNK):
                digest.update(piece)
                size += len(piece)
                member.write(piece)
        self.members[name] = {"size": size, "sha256": digest.hexdigest()}

    def add_bytes(self, name: str, content: bytes) -> None:
        """A member from its content."""
        pieces = iter((content,))
        self.add(name, lambda _: next(pieces, b""))


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def pack(
    store: Store,
    target: Path,
    tasks: Collection[str] = (),
    models: Collection[str] = (),
    *,
    weights: bool = False,
    force: bool = False,
) -> Packed:
    """Write the records, predictions, logs and measurements of a results folder into one archive.

    Of each cell the last record counts; what was interrupted is no result and stays out. tasks, models: only these, by
    name or as on the board; empty for all. force: replace a file that is there. The archive appears whole or not at
    all. Raises StoreError where there is nothing to pack or the target cannot be written, ConfigError for a name that
    is on no board.
    """
    _check_target(target, force)
    warnings: list[str] = []
    chosen = _chosen(store, tasks, models, warnings)
    beside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            files = _write(_Writer(archive), store, chosen, weights, warnings)
        _check_unchanged(store, chosen)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        _check_target(target, force)
        beside.replace(target)
    except OSError as error:
        raise FullError(f"cannot write {target}: {error.strerror}; nothing was written there.") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return Packed(target, len(chosen), files, target.stat().st_size, tuple(warnings))


def _check_target(target: Path, force: bool) -> None:
    if target.is_dir():
        raise StoreError(f"{target} is a folder: give the name of a file.")
    if target.exists() and not force:
        raise StoreError(f"{target} is there already: give another name, or --force to replace it.")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {target.parent}: make it, or give another name.")


def _chosen(
    store: Store, tasks: Collection[str], models: Collection[str], warnings: list[str]
) -> list[tuple[bytes, CellRecord]]:
    """The last line and record of each cell, in an order that says nothing of when they ended."""
    lines = store.lines()
    warnings += store.warnings
    line_of = {id(record): line for line, record in lines}
    records = list(latest(record for _, record in lines).values())
    if not records:
        raise StoreError(f"there are no records in {store.folder}: run seqbench run first, or choose --results.")
    _check("task", tasks, {name for record in records for name in (record.task, record.task_id)})
    _check("model", models, {name for record in records for name in (record.model, record.label)})
    found = []
    for record in sorted(records, key=lambda record: (record.task_id, record.label, record.seed, record.key)):
        is_wanted = (not tasks or bool({record.task, record.task_id} & set(tasks))) and (
            not models or bool({record.model, record.label} & set(models))
        )
        if not is_wanted:
            continue
        name = f"{record.task_id} {record.label} seed {record.seed}"
        if record.status == "interrupted":
            warnings.append(f"{name} was interrupted, which is no result: it is left out")
        elif not is_cell_folder(record.folder, record.key):
            warnings.append(f"{name} has the folder '{record.folder}', which no archive can have: it is left out")
        else:
            found.append((line_of[id(record)].rstrip(b"\n") + b"\n", record))
    if not found:
        raise StoreError(f"nothing in {store.folder} is left to export{': ' + warnings[-1] if warnings else ''}.")
    return found


def _check(kind: str, wanted: Collection[str], known: Collection[str]) -> None:
    for name in wanted:
        if name not in known:
            raise ConfigError(f"there is no {kind} '{name}' among the records{nearest(name, known)}")


def _write(
    writer: _Writer, store: Store, chosen: Sequence[tuple[bytes, CellRecord]], weights: bool, warnings: list[str]
) -> int:
    """Every member, sorted by name, then the manifest. Gives the number of files of cells."""
    files = (*FILES, *MODEL_FILES) if weights else FILES
    for record in sorted((record for _, record in chosen), key=lambda record: record.folder):
        for name in sorted(files):
            path = store.folder / record.folder / name
            try:
                with path.open("rb") as file:
                    writer.add(f"{record.folder}/{name}", file.read)
            except FileNotFoundError:
                if record.status == "ok" and name != SERVING and (name != WEIGHTS or record.is_network):
                    warnings.append(f"{path} is missing: the archive has the record without it")
    count = len(writer.members)
    keys = {record.key for _, record in chosen}
    measured = {item.place: line for line, item in measured_lines(store.folder, warnings) if item.key in keys}
    if measured:
        writer.add_bytes(MEASUREMENTS, b"".join(line for _, line in sorted(measured.items())))
    writer.add_bytes(RECORDS, b"".join(line for line, _ in chosen))
    manifest = {"format": FORMAT, "seqbench": __version__, "members": dict(writer.members)}
    writer.add_bytes(MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return count


def _check_unchanged(store: Store, chosen: Sequence[tuple[bytes, CellRecord]]) -> None:
    """A run that goes on may add cells meanwhile, but none may be ended or scored again whose files are packed."""
    now = latest(store.records())
    for _, record in chosen:
        if record.key not in now or now[record.key].settled_at != record.settled_at:
            raise StoreError(
                f"{store.folder} was changed while it was packed ({record.task_id} {record.label} seed {record.seed}): "
                "export again when the run there has ended."
            )
