"""What a plugin is made of: its files, and a hash of them that is part of every cell's key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def source_hash(source: str) -> str:
    """SHA-256 over what a plugin is made of: the whole top-level package that its file is in, or the file alone.

    Python files count with their content, other files with their name and size. Files are read again when they have
    changed: a notebook goes on while its author edits.
    """
    folder, files = source_files(source)
    stats = [file.stat() for file in files]
    return _hashed(
        folder, tuple((file, stat.st_mtime_ns, stat.st_size) for file, stat in zip(files, stats, strict=True))
    )


@lru_cache(maxsize=1024)
def _hashed(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    return hash_files([file for file, _, _ in files], folder)


def source_files(source: str) -> tuple[Path, list[Path]]:
    """The top-level package that a plugin's file is in and all its files, or the file's folder and it alone."""
    path = Path(source)
    folder = path.parent
    if not (folder / "__init__.py").is_file():
        return folder, [path]
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return folder, sorted(files)


def hash_files(files: Iterable[Path], folder: Path) -> str:
    """SHA-256 over files by their name below `folder`, and their content (Python) or size (others)."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() if file.suffix == ".py" else str(file.stat().st_size).encode())
        digest.update(b"\0")
    return digest.hexdigest()
