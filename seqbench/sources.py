"""Sources of data: what a string means, and getting there what is not on this machine yet.

A source is `builtin`, a path (a file, a folder, a glob pattern), the `https://` address of a file, or `SCHEME:REST`
with a scheme that the task has a fetcher for (`hf:OWNER/NAME`, say).
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.cache import PARTIAL, downloads_folder, file_hashes, is_whole, made
from seqbench.errors import ConfigError, DataError
from seqbench.naming import nearest

if TYPE_CHECKING:
    from seqbench.spec import TaskSpec

BUILTIN = "builtin"
PATTERN = re.compile(r"[*?\[]")
REMOTE = re.compile(r"([a-z][a-z0-9]+):(.+)", re.DOTALL)
"""At least two letters before the colon: one is a drive."""
WEB = ("https", "http")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
TIMEOUT_SECONDS = 30
DESCRIPTION = "source.json"
CONTENT = "content"


def is_remote(source: str) -> bool:
    """Does the source name something that has to be fetched? A file of that very name is a path."""
    return REMOTE.fullmatch(source) is not None and not is_there(Path(source))


def absolute(source: str) -> str:
    """`builtin` and remote sources as they are; paths and patterns absolute."""
    if source == BUILTIN or is_remote(source):
        return source
    path = Path(source).expanduser()
    return str(path.absolute()) if PATTERN.search(source) and not is_there(path) else str(path.resolve())


def label_of(source: str) -> str:
    """What the board calls a source: the name of a file or folder, or what a remote source names."""
    if source == BUILTIN:
        return source
    if is_remote(source):
        scheme, rest = _parts(source)
        name = re.sub(r"[?#].*$", "", rest).rstrip("/").rpartition("/")[2] if scheme in WEB else rest
        if scheme in WEB:
            name = _without_suffix(name)
    else:
        path = Path(source)
        name = _without_suffix(path.name) if is_there(path) and path.is_file() else path.name
        if PATTERN.search(name):
            said = re.sub(r"[*?\[\]!]+", "", _without_suffix(name)).strip("-_. ")
            name = "-".join(part for part in (path.parent.name, said) if part)
    return clean(name)


def clean(name: str) -> str:
    """A name as it may stand in a task's id and a file's name."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") or "data"


def expand(source: str) -> list[Path]:
    """The paths that a local source means, sorted: one, or those that match a pattern.

    Raises DataError when there is nothing.
    """
    path = Path(source)
    if is_there(path):
        return [path]
    found = sorted(map(Path, glob.glob(source, recursive=True))) if PATTERN.search(source) else []  # noqa: PTH207
    if not found:
        what = "nothing matches" if PATTERN.search(source) else "there is nothing at"
        raise DataError(f"{what} {source}: give a file or folder that exists.")
    return found


def exists(source: str) -> bool:
    """Is there anything at a local source?"""
    return is_there(Path(source)) or (bool(PATTERN.search(source)) and any(glob.iglob(source, recursive=True)))  # noqa: PTH207


def is_there(path: Path) -> bool:
    """Does the path lead to something? A name too long for the system leads nowhere."""
    try:
        return path.exists()
    except OSError:
        return False


def walk_files(folder: Path) -> list[Path]:
    """Every file below a folder, in the order of their names; links to folders are followed, each folder once."""
    found: list[Path] = []
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        # A folder and a link to it are one: the name that shows counts.
        folders.sort(key=lambda name: (name.startswith("."), name))
        found += [path for path in (Path(parent, name) for name in names) if path.is_file()]
    return sorted(found)


def files_of(source: str, sidecars: Iterable[str] = ()) -> list[Path]:
    """Every file of a local source, in the order of their names. Raises DataError when there is nothing.

    sidecars: patterns of names that count as well where they lie beside what a glob pattern matches.
    """
    paths = expand(source)
    found = {file for path in paths for file in ([path] if path.is_file() else walk_files(path))}
    if paths != [Path(source)]:
        beside = {entry for path in paths for entry in path.parent.iterdir() if entry.is_file()}
        found |= {entry for entry in beside if any(fnmatch(entry.name.casefold(), pattern) for pattern in sidecars)}
    return sorted(found)


def obtain(spec: TaskSpec, source: str, params: Any) -> str:
    """The local path of a source: itself, or where it was downloaded to, once.

    Raises ConfigError for a scheme that the task has no fetcher for, DataError for what cannot be reached.
    """
    if not is_remote(source):
        return _unpacked(source) if source.lower().endswith(ARCHIVES) and Path(source).is_file() else source
    scheme, rest = _parts(source)
    if scheme not in WEB and scheme not in spec.fetchers:
        known = ("builtin", "https", *spec.fetchers)
        raise ConfigError(
            f"task '{spec.name}' takes no source '{source}' ('{scheme}' is no kind of source that it knows)"
            f"{nearest(scheme, known)}"
        )
    asked = "" if scheme in WEB else repr([getattr(params, name) for name in spec.fetch_params])
    digest = hashlib.sha256(f"{spec.name} {source} {asked}".encode()).hexdigest()[:12]
    folder = made(downloads_folder()) / f"{scheme}-{clean(rest)[:60]}-{digest}"
    from filelock import FileLock

    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not is_whole(folder, trusting=True):
            _download_into(folder, spec, source, params)
        described: Mapping[str, str] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return str(folder / CONTENT / described["path"])


def _unpacked(source: str) -> str:
    """A local archive's content, unpacked into the cache once for its content; of a single file the file itself."""
    archive = Path(source)
    try:
        digest = file_hashes([archive])[0]
    except OSError as error:
        raise DataError(f"cannot read {archive}: {error.strerror}.") from None
    folder = made(downloads_folder()) / f"archive-{clean(_without_suffix(archive.name))[:60]}-{digest[:12]}"
    from filelock import FileLock

    def copy(beside: Path) -> Path:
        return unpack(Path(shutil.copy(archive, beside)))

    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not is_whole(folder, trusting=True):
            _make(folder, "", source, copy)
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return str(folder / CONTENT / described["path"])


def _parts(source: str) -> tuple[str, str]:
    scheme, _, rest = source.partition(":")
    return scheme, rest


def _download_into(folder: Path, spec: TaskSpec, source: str, params: Any) -> None:
    scheme, rest = _parts(source)

    def fetch(content: Path) -> Path:
        return fetch_file(source, content) if scheme in WEB else spec.fetchers[scheme](rest, params, content)

    _make(folder, spec.name, source, fetch)


def _make(folder: Path, task: str, source: str, fill: Callable[[Path], Path]) -> None:
    """Fill beside, then rename: what was broken off leaves nothing behind. `fill(content)` gives a path in it."""
    beside = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
    content = beside / CONTENT
    content.mkdir()
    try:
        path = fill(content)
        files = walk_files(content)
        if not files or not path.exists():
            raise DataError(f"{source} holds nothing: give another source.")
        sums = zip(files, file_hashes(files), strict=True)
        description = {
            "task": task,
            "source": source,
            "path": path.relative_to(content).as_posix(),
            "fetched_at": time.time(),
            "checksums": {f"{CONTENT}/{file.relative_to(content).as_posix()}": digest for file, digest in sums},
        }
        (beside / DESCRIPTION).write_text(json.dumps(description, indent=2), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def fetch_file(address: str, folder: Path) -> Path:
    """Download the file at an `https://` address into the folder; an archive is unpacked, and its folder given.

    `#sha256=HEX` at the end of the address is checked. Raises DataError when it cannot be reached or does not match.
    """
    import pooch

    url, _, fragment = address.partition("#")
    wanted = fragment.removeprefix("sha256=").lower() if fragment.startswith("sha256=") else None
    name = re.sub(r"\?.*$", "", url).rpartition("/")[2].strip(".") or "data"
    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)
    try:
        file = Path(pooch.retrieve(url, known_hash=wanted, fname=name, path=folder, downloader=downloader))
    except ValueError as error:
        if wanted is None:
            raise _unreachable(url, error) from None
        raise DataError(
            f"what lies at {url} does not have the checksum sha256={wanted}: correct the checksum or the address."
        ) from None
    except Exception as error:
        raise _unreachable(url, error) from None
    return unpack(file) if name.lower().endswith(ARCHIVES) else file


def unpack(archive: Path) -> Path:
    """Unpack a zip or tar archive beside itself and delete it; gives the folder, or the only file or folder in it.

    Nothing is written outside. Raises DataError for a damaged archive.
    """
    folder = archive.parent / "unpacked"
    folder.mkdir()
    try:
        if archive.name.lower().endswith(".zip"):
            shutil.unpack_archive(archive, folder, "zip")
        else:
            import tarfile

            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
    except Exception as error:
        raise DataError(f"{archive.name} cannot be unpacked ({_reason(error)}): fetch it anew or unpack it.") from None
    archive.unlink()
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
    return entries[0] if len(entries) == 1 else folder


def _without_suffix(name: str) -> str:
    suffix = next((end for end in sorted(ARCHIVES, key=len, reverse=True) if name.lower().endswith(end)), "")
    return name[: -len(suffix)] if suffix else Path(name).stem


def _unreachable(what: str, error: Exception) -> DataError:
    return DataError(
        f"cannot fetch {what} ({_reason(error)}): check the address and the connection, or download it elsewhere and "
        "give the path of the file."
    )


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    text = " ".join(str(error).split()).rstrip(".")
    return text[:160] or type(error).__name__
