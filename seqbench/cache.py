"""The cache folder: prepared data, downloads, and the hashes of files that were read before."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from seqbench.errors import DataError

DESCRIPTIONS = ("meta.json", "source.json")
"""The file that says what a folder of the cache holds, and the checksums of its parts."""
PARTIAL = ".partial-"
"""What the name of a folder begins with that is being made."""
HASHES = "hashes.db"
LEFT_SECONDS = 3600.0
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
    known = _known_hashes()
    found = [known.get((str(path), fact)) for path, fact in zip(paths, facts, strict=True)]
    unread = [number for number, digest in enumerate(found) if digest is None]
    with ThreadPoolExecutor() as pool:
        digests = dict(zip(unread, pool.map(file_hash, [paths[number] for number in unread]), strict=True))
    settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    kept = [n for n in unread if stats[n].st_mtime_ns < settled and _is_text(str(paths[n]))]
    _remember([(str(paths[n]), facts[n], digests[n]) for n in kept])
    return [digests[number] if digest is None else digest for number, digest in enumerate(found)]


def _is_text(path: str) -> bool:
    """Can the path be stored? A name that is not in the system's encoding cannot."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _known_hashes() -> dict[tuple[str, str], str]:
    """By path and facts. The table saves time and decides nothing: a damaged one is thrown away."""
    try:
        with closing(_table()) as table:
            return {(path, facts): digest for path, facts, digest in table.execute("SELECT * FROM hashes")}
    except sqlite3.DatabaseError:
        with suppress(OSError):
            (cache_folder() / HASHES).unlink(missing_ok=True)
    except OSError:
        pass
    return {}


def _remember(rows: list[tuple[str, str, str]]) -> None:
    if rows:
        with suppress(OSError, sqlite3.Error), closing(_table()) as table, table:
            table.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)


def _table() -> sqlite3.Connection:
    cache_folder().mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(cache_folder() / HASHES, timeout=30)
    connection.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, facts TEXT, sha256 TEXT)")
    return connection


def is_whole(folder: Path, *, trusting: bool = False) -> bool:
    """Is everything there that the folder's description has a checksum of, and as it says?

    trusting: a file that has not been touched since it was last read is not read again.
    """
    return not problem_of(folder, trusting=trusting)


def problem_of(folder: Path, *, trusting: bool = False) -> str:
    """Why what lies in a folder of the cache cannot be used, from its checksums; empty when it is whole."""
    try:
        description = next(folder / name for name in DESCRIPTIONS if (folder / name).is_file())
        sums = json.loads(description.read_text(encoding="utf-8"))["checksums"]
        files = [folder / name for name in sums]
        found = file_hashes(files) if trusting else [file_hash(file) for file in files]
    except (OSError, ValueError, KeyError, StopIteration) as error:
        return f"it lacks a part ({type(error).__name__})"
    bad = [name for name, digest in zip(sums, found, strict=True) if digest != sums[name]]
    return f"{bad[0]} does not match its checksum" if bad else ""


@dataclass(frozen=True)
class Entry:
    """One thing in the cache: prepared data or a download.

    name: of its folder. source: the path or address. bytes: on disk. made_at: seconds since 1970 UTC.
    """

    kind: str
    name: str
    task: str
    source: str
    folder: Path
    bytes: int
    made_at: float

    def problem(self) -> str:
        """Why it cannot be used; empty when it is whole."""
        return problem_of(self.folder)


def entries() -> list[Entry]:
    """Everything in the cache, prepared data first, the newest first."""
    found = []
    for kind, parent in (("prepared", prepared_folder()), ("download", downloads_folder())):
        folders = [path for path in parent.glob("[!.]*") if any((path / name).is_file() for name in DESCRIPTIONS)]
        found += sorted((_entry(kind, folder) for folder in folders), key=lambda entry: -entry.made_at)
    return found


def left_behind() -> list[Path]:
    """What a process that was killed left half made, more than an hour ago."""
    parents = (prepared_folder(), downloads_folder())
    found = [path for parent in parents for path in parent.glob(f"{PARTIAL}*")]
    return [path for path in found if time.time() - path.stat().st_mtime > LEFT_SECONDS]


def _entry(kind: str, folder: Path) -> Entry:
    description = next(folder / name for name in DESCRIPTIONS if (folder / name).is_file())
    try:
        described = json.loads(description.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        described = {}
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    task, source = str(described.get("task", "")), str(described.get("source", "unknown"))
    return Entry(kind, folder.name, task, source, folder, size, description.stat().st_mtime)


def remove(entry: Entry) -> bool:
    """Delete one thing, unless somebody is just making it; whoever has it memory-mapped keeps it until done."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(entry.folder.with_name(f"{entry.name}.lock"), timeout=0):
            shutil.rmtree(entry.folder, ignore_errors=True)
    except Timeout:
        return False
    return True


def made(folder: Path) -> Path:
    """The folder, made if it is not there. Raises DataError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the cache folder {folder} cannot be made ({error.strerror}): set SEQBENCH_CACHE to a folder that can."
        ) from None
    return folder
