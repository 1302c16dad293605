"""What a Ray worker does with a job: the node's own plugins, data and hardware in place of the driver's."""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil

import seqbench.execution.preload  # noqa: F401 - torch and the first optimiser are paid for once per worker
from seqbench.cache import cache_folder
from seqbench.errors import ConfigError, DataError
from seqbench.execution.jobs import CellJob, PrepareJob
from seqbench.execution.ray_parcels import Kit, PluginFile
from seqbench.execution.trouble import Trouble
from seqbench.execution.work import do_cell, do_pilot, do_prepare
from seqbench.hardware import probe
from seqbench.params import validate
from seqbench.prepare import Prepared
from seqbench.registry import Registry, discover
from seqbench.sources import exists, obtain

LOOK_SECONDS = 0.1
"""How often a worker with a memory limit looks at its size."""
GRACE_SECONDS = 5.0
"""How long a worker that is too large waits for the driver to stop it."""

Tell = Callable[..., None]
"""Tells the driver: `started`, `epoch`, `advance` or `memory`, and what it is about."""


@cache
def _registry(kit: bytes) -> Registry:
    """The plugins of this node and those that the driver sent, found once per worker."""
    packed: Kit = pickle.loads(kit)  # noqa: S301 - the driver's own bytes
    with contextlib.suppress(OSError):
        os.chdir(packed.folder)
    return discover([plugin.unpacked() if isinstance(plugin, PluginFile) else plugin for plugin in packed.plugins])


def answer(verb: str, job: bytes, kit: bytes, post: Callable[..., object], number: int) -> bytes:
    """Do a job; what it gives, or a Trouble, pickled. post: tells the driver something. number: of the job."""

    def tell(*message: object) -> None:
        with contextlib.suppress(Exception):  # a courtesy: what is lost does no harm
            post(*message)

    try:
        given: object = WORK[verb](pickle.loads(job), _registry(kit), tell, number)  # noqa: S301
    except Exception as error:
        given = Trouble.of(error)
    return pickle.dumps(given)


def _prepare(job: PrepareJob, registry: Registry, tell: Tell, number: int) -> Prepared:
    _check_code(registry, "task", job.task, "")
    try:
        return do_prepare(_located(job, registry), registry, lambda advance: tell("advance", *astuple(advance)))
    except DataError as error:
        raise DataError(f"on the Ray node {platform.node()}: {error}") from error


def _pilot(job: CellJob, registry: Registry, tell: Tell, number: int) -> object:
    here = _at_home(job, registry)
    tell("started", number, platform.node())
    with _watched(here.limits.memory_bytes, tell, number):
        return do_pilot(here, registry)


def _cell(job: CellJob, registry: Registry, tell: Tell, number: int) -> object:
    here = _at_home(job, registry)
    tell("started", number, platform.node())
    with _watched(here.limits.memory_bytes, tell, number):
        result = do_cell(here, registry, lambda key, epoch: tell("epoch", key, asdict(epoch)))
    if here.checkpoints:  # it has ended: what was kept for another attempt is of no use
        for left in Path(here.checkpoints).glob(f"{here.cell.key}*"):
            left.unlink(missing_ok=True)
    return result


def _nobody(*message: object) -> None:
    """Where a preparation tells that nobody waits for: the driver's was told of."""


_prepared: dict[str, Prepared] = {}
"""What this worker has found prepared and whole, by key."""


def _at_home(job: CellJob, registry: Registry) -> CellJob:
    """The job with this node's data, device, hardware and folder of checkpoints.

    Raises DataError when the data is not the same here, ConfigError when the plugins are not.
    """
    cell = job.cell
    for kind, name in (("task", cell.task), ("model", cell.model)):
        if not (cell.is_baseline and kind == "model"):
            _check_code(registry, kind, name, cell.provenance[kind]["source_hash"])
    prepared = _prepared.get(job.prepare.key)
    if prepared is None or not Path(prepared.folder).is_dir():
        prepared = _prepared[job.prepare.key] = _prepare(job.prepare, registry, _nobody, 0)
    if prepared.fingerprint != job.prepared.fingerprint:
        raise DataError(
            f"the Ray node {platform.node()} prepares other data for task '{cell.task}' from {job.prepare.location} "
            "than the node that prepared it first: let both see the same files."
        )
    probe.cache_clear()  # Ray shows each task its own share of the GPUs
    return replace(
        job,
        prepared=prepared,
        device="cuda:0" if job.device.startswith("cuda") else job.device,
        environment={**probe().to_json(), "node": platform.node()},
        checkpoints=str(cache_folder() / "checkpoints") if job.checkpoints else "",
    )


def _located(job: PrepareJob, registry: Registry) -> PrepareJob:
    """The job with its source on this node: what the driver downloaded or unpacked is fetched here as well."""
    if job.location == job.origin or not job.origin or exists(job.location):
        return job
    spec = registry.tasks[job.task]
    location = obtain(spec, job.origin, validate(spec.params, job.params, f"tasks.{spec.name}"))
    return replace(job, location=location)


def _check_code(registry: Registry, kind: str, name: str, planned: str) -> None:
    """Raises ConfigError when this node lacks a model or task, or has other code for it than was planned with."""
    found = [item for item in registry.plugins if (item.kind, item.name, item.status) == (kind, name, "ok")]
    if not found:
        raise ConfigError(f"the Ray node {platform.node()} has no {kind} '{name}': install its plugin there.")
    if planned and found[0].source_hash != planned:
        raise ConfigError(
            f"the Ray node {platform.node()} has other code for the {kind} '{name}' than the machine that started "
            "the run: install the same version of its plugin on both."
        )


WORK: dict[str, Callable[[Any, Registry, Tell, int], object]] = {"prepare": _prepare, "pilot": _pilot, "cell": _cell}


@contextlib.contextmanager
def _watched(limit: int | None, tell: Tell, number: int) -> Iterator[None]:
    """While inside, tell the driver when this process holds more than `limit` bytes; it then stops the job."""
    if limit is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not done.wait(LOOK_SECONDS):
            if process.memory_info().rss > limit:
                tell("memory", number)
                if not done.wait(GRACE_SECONDS):
                    os._exit(1)
                return

    threading.Thread(target=watch, name="seqbench-memory", daemon=True).start()
    try:
        yield
    finally:
        done.set()
