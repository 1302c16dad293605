"""A run file's tables and the command line, checked against what plugins offer, become one RunConfig."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from seqbench.errors import ConfigError
from seqbench.naming import nearest
from seqbench.params import field_names, validate
from seqbench.protocol import TrainerConfig
from seqbench.records import STATUSES
from seqbench.registry import Registry
from seqbench.run_file import Tables, table
from seqbench.sources import absolute, clean, label_of

DEFAULT_SEEDS = (0, 1, 2)
ALL_MODELS = "*"
"""In place of a model's name: every model that has the parameter."""

TASK_KEYS = ("source", "name", "trainer")
"""Keys of `[tasks.NAME]` that are the harness's own and not parameters of the task."""


class RunSection(BaseModel):
    """The `[run]` table of a run file; every key is an option of `seqbench run` too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: str | list[str] | None = None
    tasks: str | list[str] | None = None
    seeds: str | list[int] | None = None
    device: str = "auto"
    workers: int | None = Field(default=None, ge=1)
    results: str = "results"
    tracking_uri: str | None = None
    baselines: bool = True
    fail_fast: bool = False
    executor: Literal["local", "inline", "ray"] = "local"
    ray_address: str | None = None
    cell_timeout: float | None = Field(default=None, gt=0)
    cell_memory: float | None = Field(default=None, gt=0)
    retry: str | list[str] | None = None


@dataclass(frozen=True)
class Source:
    """Where a task's data comes from (see seqbench.sources), what the board calls it, and what was given.

    location: `builtin`, an absolute path or glob pattern, or a remote source that has yet to be fetched.
    """

    location: str = "builtin"
    label: str = "builtin"
    origin: str = ""


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run, checked: names exist, keys are known, values are valid.

    model_settings, task_settings: by name, only what differs from the defaults. trainer_settings: for every task;
    task_trainer_settings: by task, on top of it. cell_timeout: seconds; cell_memory: megabytes (10^6 bytes); retry:
    statuses of recorded cells that run again.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...] = DEFAULT_SEEDS
    model_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    task_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trainer_settings: Mapping[str, Any] = field(default_factory=dict)
    task_trainer_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    device: str = "auto"
    workers: int | None = None
    results: Path = Path("results")
    tracking_uri: str | None = None
    baselines: bool = True
    fail_fast: bool = False
    executor: str = "local"
    ray_address: str | None = None
    cell_timeout: float | None = None
    cell_memory: float | None = None
    retry: tuple[str, ...] = ()

    def source(self, task: str) -> Source:
        """The source of a task's data."""
        return self.sources.get(task, Source())


def build_config(tables: Tables, options: Mapping[str, Any], registry: Registry) -> RunConfig:
    """Check everything and build the RunConfig.

    tables: a run file's, with `--set` applied. options: fields of RunSection given on the command line (they win),
    and `data`: `TASK=SOURCE` strings. Raises ConfigError for anything unknown or invalid, naming the nearest valid.
    """
    _check_tables(tables)
    section = _run_section(tables, options)
    model_tables = dict(table(tables, "models"))
    task_tables = {name: dict(settings) for name, settings in table(tables, "tasks").items()}
    for name in (*model_tables, *task_tables):
        _check_is_table(name, model_tables.get(name, task_tables.get(name)))
    _check_names("model", [name for name in model_tables if name != ALL_MODELS], registry.models)
    _check_names("task", task_tables, registry.tasks)
    sources = _sources(task_tables, options.get("data") or (), registry)
    task_trainers = {name: _pop_table(settings, "trainer", name) for name, settings in task_tables.items()}
    config = RunConfig(
        models=_selection("model", section.models, registry.models),
        tasks=_selection("task", section.tasks, registry.tasks),
        seeds=parse_seeds(section.seeds),
        model_settings=_model_settings(model_tables, registry),
        task_settings=task_tables,
        trainer_settings=table(tables, "trainer"),
        task_trainer_settings=task_trainers,
        sources=sources,
        device=section.device,
        workers=section.workers,
        results=Path(section.results).expanduser(),
        tracking_uri=section.tracking_uri,
        baselines=section.baselines,
        fail_fast=section.fail_fast,
        executor=section.executor,
        ray_address=section.ray_address,
        cell_timeout=section.cell_timeout,
        cell_memory=section.cell_memory,
        retry=parse_statuses(section.retry),
    )
    _check_values(config, registry)
    _check_executor(config)
    return config


def _check_executor(config: RunConfig) -> None:
    limited = [name for name in ("cell_timeout", "cell_memory") if getattr(config, name) is not None]
    if config.executor == "inline" and limited:
        option = f"--{limited[0].replace('_', '-')}"
        raise ConfigError(f"{option} needs worker processes: leave it out, or --executor inline.")
    if config.executor == "inline" and (config.workers or 1) > 1:
        raise ConfigError("--executor inline runs one cell at a time: leave --workers out, or use --executor local.")
    if config.ray_address and config.executor != "ray":
        raise ConfigError("--ray-address is for --executor ray: give both, or neither.")


def _check_tables(tables: Tables) -> None:
    known = ("run", "models", "tasks", "trainer", "plugins", *field_names(RunSection))
    for name in tables:
        if name not in known:
            raise ConfigError(f"'{name}' is no table or key of a run file{nearest(name, known)}")


def _run_section(tables: Tables, options: Mapping[str, Any]) -> RunSection:
    """`[run]`, the same keys at the top of the file (lists where a table of that name may stand too), and options."""
    names = field_names(RunSection)
    top = {key: value for key, value in tables.items() if key in names and not isinstance(value, dict)}
    given = {key: value for key, value in options.items() if key in names and value is not None}
    section: RunSection = validate(RunSection, {**top, **table(tables, "run"), **given}, "run")
    return section


def _check_is_table(name: str, settings: Any) -> None:
    if not isinstance(settings, dict):
        raise ConfigError(f"'{name}' in the run file is {settings!r}: a table of parameters is expected there.")


def _pop_table(settings: Tables, key: str, task: str) -> Tables:
    value = settings.pop(key, {})
    _check_is_table(f"tasks.{task}.{key}", value)
    return dict(value)


def _check_names(kind: str, names: Iterable[str], known: Mapping[str, Any]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no {kind} '{name}'{nearest(name, known)}")


def _selection(kind: str, wanted: str | list[str] | None, known: Mapping[str, Any]) -> tuple[str, ...]:
    if wanted is None or wanted in ("", "all"):
        return tuple(sorted(known))
    names = [part.strip() for part in wanted.split(",")] if isinstance(wanted, str) else list(wanted)
    _check_names(kind, names, known)
    return tuple(dict.fromkeys(names))


def parse_seeds(seeds: str | list[int] | None) -> tuple[int, ...]:
    """`"0-4"`, `"0,2,5-7"` or a list of numbers as seeds, without doubles. Raises ConfigError for anything else."""
    if seeds is None:
        return DEFAULT_SEEDS
    if not isinstance(seeds, str):
        found = list(seeds)
    else:
        found = []
        for part in seeds.split(","):
            match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
            if not match:
                raise ConfigError(f"--seeds {seeds!r}: '{part}' is no seed; write 0-4 or 0,1,2.")
            first = int(match[1])
            found += range(first, int(match[2] or first) + 1)
    if not found or min(found) < 0:
        raise ConfigError(f"--seeds {seeds!r} names no valid seed; write 0-4 or 0,1,2.")
    return tuple(dict.fromkeys(found))


def parse_statuses(statuses: str | list[str] | None) -> tuple[str, ...]:
    """`"failed,crashed"` or a list as statuses of cells that can run again. Raises ConfigError for anything else."""
    names = [part.strip() for part in statuses.split(",")] if isinstance(statuses, str) else list(statuses or ())
    for name in names:
        if name not in STATUSES[1:]:
            raise ConfigError(f"--retry {name!r} is no status of a cell{nearest(name, STATUSES[1:])}")
    return tuple(dict.fromkeys(names))


def _sources(task_tables: Mapping[str, Tables], data: Iterable[str], registry: Registry) -> dict[str, Source]:
    """The source of each task; takes `source` and `name` out of the tables."""
    given: dict[str, str] = {}
    for item in data:
        task, equals, source = item.partition("=")
        if not equals or not source:
            raise ConfigError(f"--data {item!r}: write TASK=SOURCE, sentiment=reviews.csv for example.")
        _check_names("task", [task], registry.tasks)
        given[task] = source
    sources = {}
    for task in registry.tasks:
        settings = task_tables.get(task, {})
        location = given.get(task) or settings.get("source") or "builtin"
        name = settings.get("name")
        for key, value in (("source", location), ("name", name)):
            settings.pop(key, None)
            if value is not None and not isinstance(value, str):
                raise ConfigError(f"'tasks.{task}.{key}' is {value!r}: a string is expected there.")
        sources[task] = _source(str(location), name)
    return sources


def _source(location: str, name: str | None) -> Source:
    where = absolute(location)
    return Source(where, clean(name) if name else label_of(where), where)


def _model_settings(model_tables: Mapping[str, Tables], registry: Registry) -> dict[str, Tables]:
    """Each model's settings; those for `*` go to every model that has the parameter."""
    for_all = model_tables.get(ALL_MODELS, {})
    keys = {key for spec in registry.models.values() for key in field_names(spec.params)}
    for key in for_all:
        if key not in keys:
            raise ConfigError(f"no model has a parameter '{key}'{nearest(key, keys)}")
    settings: dict[str, Tables] = {}
    for name, spec in registry.models.items():
        shared = {key: value for key, value in for_all.items() if key in field_names(spec.params)}
        settings[name] = {**shared, **model_tables.get(name, {})}
    return settings


def _check_values(config: RunConfig, registry: Registry) -> None:
    """Every section against its schema, so that a wrong key is told before anything starts."""
    validate(TrainerConfig, config.trainer_settings, "trainer")
    for task, settings in config.task_trainer_settings.items():
        validate(TrainerConfig, settings, f"tasks.{task}.trainer")
    for task, settings in config.task_settings.items():
        known = (*field_names(registry.tasks[task].params), *TASK_KEYS)
        for key in settings:
            if key not in known:
                raise ConfigError(f"'tasks.{task}.{key}' is no parameter{nearest(key, known)}")
        validate(registry.tasks[task].params, settings, f"tasks.{task}")
    for model, settings in config.model_settings.items():
        if settings:
            validate(registry.models[model].params, settings, f"models.{model}")
