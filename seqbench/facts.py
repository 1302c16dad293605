"""What a plan needs of the world: versions, the fingerprints of sources, the hash of the core's own code."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from seqbench.cache import file_hashes
from seqbench.config import RunConfig
from seqbench.errors import DataError
from seqbench.plan import Facts
from seqbench.registry import Registry
from seqbench.source_code import hash_files
from seqbench.sources import BUILTIN, absolute, files_of
from seqbench.spec import TaskSpec
from seqbench.version import installed_version

RESULT_DISTRIBUTIONS = ("torch", "numpy", "scikit-learn", "scipy")
"""Distributions whose version can change a result, besides those that a task or a model names."""

CORE_MODULES = (
    "trainer.py",
    "optimisation.py",
    "sequences.py",
    "protocol.py",
    "cell.py",
    "evaluation.py",
    "nn.py",
    "prepare.py",
    "pristine.py",
)
"""The core's modules that decide a result."""


def gather(config: RunConfig, registry: Registry, device_kind: str) -> Facts:
    """Look at the sources of the selected tasks and at what is installed.

    Raises DataError for a source that is not there.
    """
    names = set(RESULT_DISTRIBUTIONS)
    for task in config.tasks:
        names.update(registry.tasks[task].distributions)
    for model in config.models:
        names.update(registry.models[model].distributions)
    return Facts(
        device_kind=device_kind,
        versions={name: installed_version(name) for name in sorted(names)},
        source_fingerprints={task: _fingerprint(config, registry.tasks[task]) for task in config.tasks},
        core_hash=core_hash(),
    )


@cache
def core_hash() -> str:
    """SHA-256 over the core's modules that decide a result."""
    folder = Path(__file__).parent
    return hash_files([folder / name for name in CORE_MODULES], folder)


def _fingerprint(config: RunConfig, spec: TaskSpec) -> str:
    """Of the source, and of the files that parameters name."""
    settings = config.task_settings.get(spec.name, {})
    source = source_fingerprint(config.source(spec.name).location, f"--data {spec.name}=...", spec.sidecars)
    paths = {name: str(settings[name]) for name in spec.file_params if settings.get(name)}
    if not paths:
        return source
    files = [f"{name}={_of_parameter(path, spec, name)}" for name, path in sorted(paths.items())]
    return hashlib.sha256(" ".join([source, *files]).encode()).hexdigest()


def _of_parameter(path: str, spec: TaskSpec, name: str) -> str:
    return source_fingerprint(absolute(path), f"tasks.{spec.name}.{name}")


def source_fingerprint(location: str, where: str, sidecars: Iterable[str] = ()) -> str:
    """`builtin`, or SHA-256 over the names and contents of the files of a local source.

    where: who named it, for errors. Raises DataError when nothing is there or it cannot be read.
    """
    if location == BUILTIN:
        return location
    digest = hashlib.sha256()
    try:
        files = files_of(location, sidecars)
        root = os.path.commonpath([str(file.parent) for file in files] or [location])
        for file, content in zip(files, file_hashes(files), strict=True):
            digest.update(os.fsencode(Path(os.path.relpath(file, root)).as_posix()) + b"\0" + bytes.fromhex(content))
    except DataError as error:
        raise DataError(
            f"{str(error).partition(': give')[0]} for {where}: give a file or folder that exists."
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {error.filename} for {where}: {error.strerror}.") from None
    return digest.hexdigest()
