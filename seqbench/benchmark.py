"""A benchmark from its options to its records: what `seqbench run` and `seqbench plan` have in common."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.config import RunConfig, build_config
from seqbench.engine import Engine
from seqbench.estimates import Estimates, remembered
from seqbench.execution.jobs import Limits
from seqbench.facts import gather
from seqbench.hardware import Device, Hardware, probe
from seqbench.leaderboard import latest
from seqbench.observers import Observers
from seqbench.offers import Offer
from seqbench.params import validate
from seqbench.plan import Cell, plan
from seqbench.records import Outcome
from seqbench.registry import Registry, discover
from seqbench.run_file import apply_settings, merged, read_run_file
from seqbench.runs import Run
from seqbench.scheduling import Devices
from seqbench.sources import obtain
from seqbench.store import Store

if TYPE_CHECKING:
    from seqbench.execution.jobs import Executor

RUN_AGAIN = ("interrupted",)
"""Statuses that are no result: such a cell runs again without being asked to."""


@dataclass(frozen=True)
class Options:
    """What the command line gave: the run file, `--set`, the fields of `[run]`, sources, and plugin files.

    tables: settings as a run file has them, on top of all. offer: models and tasks of the program that asks, if one
    does.
    """

    run_file: Path | None = None
    settings: Sequence[str] = ()
    section: Mapping[str, Any] = field(default_factory=dict)
    data: Sequence[str] = ()
    plugin_files: Sequence[str] = ()
    strict_plugins: bool = False
    tables: Mapping[str, Any] = field(default_factory=dict)
    offer: Offer | None = None


@dataclass(frozen=True)
class Benchmark:
    """A checked configuration with its plan, the machine it would run on, and what is already recorded."""

    config: RunConfig
    registry: Registry
    plugin_files: tuple[str, ...]
    hardware: Hardware
    devices: tuple[Device, ...]
    cells: tuple[Cell, ...]
    store: Store
    recorded: Mapping[str, Outcome]
    offer: Offer | None = None

    @property
    def plugins(self) -> tuple[str | Offer, ...]:
        """What worker processes must find besides installed plugins."""
        return (*self.plugin_files, *((self.offer,) if self.offer else ()))

    @property
    def workers(self) -> int:
        """Worker processes: as configured, else what suits the devices."""
        if self.config.executor == "inline":
            return 1
        return self.config.workers or self.hardware.workers(self.devices)

    @property
    def tracking_uri(self) -> str:
        """MLflow's address: as configured, else the results folder's own database."""
        return self.config.tracking_uri or default_tracking_uri(self.store.folder)

    def todo(self, force: bool = False) -> tuple[Cell, ...]:
        """The cells without a record so far; all of them with `force`."""
        return tuple(cell for cell in self.cells if force or not self.is_recorded(cell))

    def is_recorded(self, cell: Cell) -> bool:
        """Does the cell have a result, and not one that is to be tried again?"""
        record = self.recorded.get(cell.key)
        return record is not None and record.status not in (*RUN_AGAIN, *self.config.retry)

    def refreshed(self) -> Benchmark:
        """The same with the records that are there now."""
        return replace(self, recorded=latest(self.store.outcomes()))

    def run(self) -> Run:
        """What observers are told of this benchmark's run."""
        return Run(
            config=self.config,
            store=self.store,
            tracking_uri=self.tracking_uri,
            command=shlex.join(["seqbench", *sys.argv[1:]]),
            workers=self.workers,
            devices=tuple(device.id for device in self.devices),
            plugin_files=self.plugin_files,
        )

    @property
    def limits(self) -> Limits:
        """What one cell may take."""
        megabytes = self.config.cell_memory
        return Limits(self.config.cell_timeout, None if megabytes is None else int(megabytes * 1e6))

    def executor(self) -> Executor:
        """Worker processes of this machine, this process, or a Ray cluster."""
        if self.config.executor == "inline":
            from seqbench.execution.inline import InlineExecutor

            return InlineExecutor(self.registry)
        if self.config.executor == "ray":
            from seqbench.execution.ray import RayExecutor

            return RayExecutor(self.plugins, self.config.ray_address)
        from seqbench.execution.local import LocalExecutor

        return LocalExecutor(self.workers, self.plugins)

    def engine(self, executor: Executor, observers: Observers, run: Run, is_stopped: Callable[[], bool]) -> Engine:
        """The engine for this benchmark's cells."""
        cpu = next(device for device in self.hardware.devices if device.kind == "cpu")
        if self.config.executor == "ray":
            cpu = replace(cpu, memory_bytes=sys.maxsize)
        return Engine(
            run,
            executor,
            observers,
            self.hardware.to_json(),
            Devices(self.devices, cpu),
            Estimates.of(self.store.outcomes(), remembered()),
            self.limits,
            is_stopped,
        )


def load(options: Options) -> Benchmark:
    """Discover plugins, check the configuration, look at the sources, and plan.

    Raises SeqbenchError's kinds for whatever the user can mend; nothing has been started then.
    """
    tables = read_run_file(options.run_file) if options.run_file else {}
    files = (*tables.get("plugins", ()), *options.plugin_files)
    registry = discover((*files, *((options.offer,) if options.offer else ())), options.strict_plugins)
    tables = merged(apply_settings(tables, options.settings), dict(options.tables))
    config = fetched(build_config(tables, {**options.section, "data": options.data}, registry), registry)
    hardware = probe()
    devices = _devices(config, hardware)
    cells = plan(config, registry, gather(config, registry, devices[0].kind))
    store = Store(config.results.absolute())
    recorded = latest(store.outcomes())
    return Benchmark(config, registry, files, hardware, devices, cells, store, recorded, options.offer)


def _devices(config: RunConfig, hardware: Hardware) -> tuple[Device, ...]:
    """The devices that cells are given; on a Ray cluster they are its own, and Ray looks after their memory."""
    if config.executor != "ray":
        return hardware.choose(config.device)
    if config.device.startswith("cuda"):
        return (Device("cuda:0", "a GPU of the Ray cluster", sys.maxsize),)
    return (Device("cpu", "the Ray cluster", sys.maxsize),)


def fetched(config: RunConfig, registry: Registry) -> RunConfig:
    """The configuration with each selected task's remote source downloaded, once, and its path in place of its address.

    Raises DataError for what cannot be reached.
    """
    sources = dict(config.sources)
    for task in config.tasks:
        spec, source = registry.tasks[task], config.source(task)
        params = validate(spec.params, config.task_settings.get(task, {}), f"tasks.{task}")
        sources[task] = replace(source, location=obtain(spec, source.location, params))
    return replace(config, sources=sources)


def default_tracking_uri(results: Path) -> str:
    """The SQLite database in a results folder."""
    return f"sqlite:///{results.absolute() / 'mlflow.db'}"
