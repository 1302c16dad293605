"""What a plan needs of the world: versions, the fingerprints of sources, the hash of the core's own code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from seqbench.config import RunConfig
from seqbench.errors import DataError
from seqbench.plan import Facts
from seqbench.registry import Registry, hash_files
from seqbench.version import installed_version

RESULT_DISTRIBUTIONS = ("torch", "numpy", "scikit-learn", "scipy")
"""Distributions whose version can change a result, besides those that a task names."""

CORE_MODULES = ("trainer.py", "sequences.py", "protocol.py", "cell.py", "nn.py", "prepare.py")
"""The core's modules that decide a result."""


def gather(config: RunConfig, registry: Registry, device_kind: str) -> Facts:
    """Look at the sources of the selected tasks and at what is installed.

    Raises DataError for a source that is not there.
    """
    names = set(RESULT_DISTRIBUTIONS)
    for task in config.tasks:
        names.update(registry.tasks[task].distributions)
    return Facts(
        device_kind=device_kind,
        versions={name: installed_version(name) for name in sorted(names)},
        source_fingerprints={task: source_fingerprint(config.source(task).location, task) for task in config.tasks},
        core_hash=core_hash(),
    )


@cache
def core_hash() -> str:
    """SHA-256 over the core's modules that decide a result."""
    folder = Path(__file__).parent
    return hash_files([folder / name for name in CORE_MODULES], folder)


def source_fingerprint(location: str, task: str) -> str:
    """`builtin`, or SHA-256 over the names and contents of the files at a path.

    Raises DataError when nothing is there or it cannot be read.
    """
    if location == "builtin":
        return location
    path = Path(location)
    if not path.exists():
        raise DataError(f"there is nothing at {location} for --data {task}=...: give a file or folder that exists.")
    digest = hashlib.sha256()
    try:
        for file in _files(path):
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    except OSError as error:
        raise DataError(f"cannot read {error.filename} for --data {task}=...: {error.strerror}.") from None
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from sorted(file for file in path.rglob("*") if file.is_file())
