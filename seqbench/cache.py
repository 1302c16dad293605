"""The cache folder: prepared data, downloads, and the hashes of files that were read before."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

SETTLED_SECONDS = 2.0
"""A file changed more recently than this may change again without a new time: its hash is not kept."""


def cache_folder() -> Path:
    """Where prepared data lies: `SEQBENCH_CACHE`, else the platform's cache folder."""
    return Path(os.environ.get("SEQBENCH_CACHE") or user_cache_path("seqbench")).expanduser().absolute()


def prepared_folder() -> Path:
    """Where prepared data lies, a folder per key."""
    return cache_folder() / "prepared"


def downloads_folder() -> Path:
    """Where downloads lie, a folder per source."""
    return cache_folder() / "downloads"


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(files: Iterable[Path]) -> list[str]:
    """SHA-256 of each file; one whose path, size and time are as before is not read again.

    Raises OSError when one cannot be read.
    """
    paths = [path.absolute() for path in files]
    stats = [path.stat() for path in paths]
    facts = [f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}" for stat in stats]
    with _table() as table:
        known = dict(table.execute("SELECT path || char(0) || facts, sha256 FROM hashes")) if table else {}
        found = [known.get(f"{path}\0{fact}") for path, fact in zip(paths, facts, strict=True)]
        unread = [number for number, digest in enumerate(found) if digest is None]
        with ThreadPoolExecutor() as pool:
            digests = list(pool.map(file_hash, [paths[number] for number in unread]))
        for number, digest in zip(unread, digests, strict=True):
            found[number] = digest
        settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
        rows = [(str(paths[n]), facts[n], found[n]) for n in unread if stats[n].st_mtime_ns < settled]
        if table and rows:
            with table:
                table.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)
    return [digest for digest in found if digest is not None]


@contextmanager
def _table() -> Iterator[sqlite3.Connection | None]:
    """The table of known hashes, or None where there can be none: it saves time and decides nothing."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(cache_folder() / "hashes.db", timeout=30)
        connection.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, facts TEXT, sha256 TEXT)")
    except (OSError, sqlite3.Error):
        yield None
        return
    with closing(connection):
        yield connection


@dataclass(frozen=True)
class Entry:
    """One thing in the cache: prepared data or a download.

    name: of its folder. what: the task and source, or the address. bytes: on disk. made_at: seconds since 1970 UTC.
    """

    kind: str
    name: str
    what: str
    folder: Path
    bytes: int
    made_at: float

    def problem(self) -> str:
        """Why it cannot be used, from its checksums; empty when it is whole."""
        try:
            described = json.loads((self.folder / DESCRIPTIONS[self.kind]).read_text(encoding="utf-8"))
            if self.kind == "prepared":
                sums = dict(described["checksums"])
            else:
                sums = {described["path"]: described["sha256"]} if described["sha256"] else {}
            bad = [name for name, digest in sums.items() if file_hash(self.folder / name) != digest]
        except (OSError, ValueError, KeyError) as error:
            return f"it lacks a part ({type(error).__name__})"
        return f"{bad[0]} does not match its checksum" if bad else ""


DESCRIPTIONS = {"prepared": "meta.json", "download": "source.json"}


def entries() -> list[Entry]:
    """Everything in the cache, prepared data first, the newest first."""
    found = []
    for kind, parent in (("prepared", prepared_folder()), ("download", downloads_folder())):
        folders = [path for path in parent.glob("*") if path.is_dir() and (path / DESCRIPTIONS[kind]).is_file()]
        found += sorted((_entry(kind, folder) for folder in folders), key=lambda entry: -entry.made_at)
    return found


def _entry(kind: str, folder: Path) -> Entry:
    try:
        described = json.loads((folder / DESCRIPTIONS[kind]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        described = {}
    what = " ".join(str(described[key]) for key in ("task", "source") if key in described) or "unknown"
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Entry(kind, folder.name, what, folder, size, (folder / DESCRIPTIONS[kind]).stat().st_mtime)


def remove(entry: Entry) -> None:
    """Delete one thing; whoever has it memory-mapped keeps it until done. Its lock stays: somebody may wait for it."""
    shutil.rmtree(entry.folder, ignore_errors=True)
