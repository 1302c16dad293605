"""Benchmarks from a notebook or a script: what `seqbench run` does, as one function."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from seqbench.errors import ConfigError, SpecError
from seqbench.offers import PROGRAM, Offer
from seqbench.results import Results
from seqbench.run_file import Tables
from seqbench.spec import ModelSpec, TaskSpec

if TYPE_CHECKING:
    from seqbench.benchmark import Benchmark, Options

Given = str | ModelSpec | TaskSpec | Iterable[str | ModelSpec | TaskSpec] | None


def run(
    models: str | ModelSpec | Iterable[str | ModelSpec] | None = None,
    tasks: str | TaskSpec | Iterable[str | TaskSpec] | None = None,
    seeds: int | str | Sequence[int] = 3,
    *,
    data: Mapping[str, str | Path] | None = None,
    settings: Mapping[str, Any] | None = None,
    results: str | Path = "results",
    plugins: str | Path | Iterable[str | Path] = (),
    baselines: bool = True,
    device: str = "auto",
    workers: int | None = None,
    executor: str = "local",
    tracking_uri: str | None = None,
    cell_timeout: float | None = None,
    cell_memory: float | None = None,
    retry: str | Sequence[str] = (),
    force: bool = False,
    progress: bool = True,
) -> Results:
    """Train models on tasks, over seeds, as `seqbench run` does, and return what is recorded of these cells.

    models, tasks: names of what is installed, specs, or both; all that is found where none are given. A spec is sent to
    the worker processes by value, and its cells are kept by what it is made of: changed code trains again.
    seeds: how many (3 is 0, 1, 2), or which. data: by task, its source, as `--data` has it. settings: dotted keys and
    values, as `--set` has them: `{"trainer.max_epochs": 5, "models.lstm.hidden_size": 32}`, or nested mappings.
    plugins: Python files with hooks. progress: show it. All else as the options of `seqbench run` of that name.

    Cells that are already recorded in `results` are not trained again, unless `force`. A cell that fails costs itself:
    its record says why. Raises SeqbenchError's kinds, before anything is trained, for what the caller can mend;
    KeyboardInterrupt after Ctrl-C, when what was running is recorded as interrupted.
    """
    from seqbench.benchmark import load

    given_models, given_tasks = _items(models), _items(tasks)
    section: dict[str, Any] = {
        "models": _names(given_models),
        "tasks": _names(given_tasks),
        "seeds": _seeds(seeds),
        "baselines": baselines,
        "device": device,
        "workers": workers,
        "executor": executor,
        "results": os.fspath(results),
        "tracking_uri": tracking_uri,
        "cell_timeout": cell_timeout,
        "cell_memory": cell_memory,
        "retry": _listed(retry) or None,
    }
    offer = _offer(given_models, given_tasks, is_sent=executor != "inline")
    files = [plugins] if isinstance(plugins, (str, Path)) else list(plugins)
    benchmark = load(_options(section, data, settings, files, offer))
    _check_offer(benchmark)
    with _at_work(benchmark) as current:
        todo = current.todo(force)
        if todo:
            _execute(current, todo, shows=progress)
        return Results(current.store.folder, tuple(cell.key for cell in current.cells))


def _options(
    section: Mapping[str, Any],
    data: Mapping[str, str | Path] | None,
    settings: Mapping[str, Any] | None,
    plugins: Iterable[str | Path],
    offer: Offer | None,
) -> Options:
    from seqbench.benchmark import Options

    sources = [f"{task}={os.fspath(source)}" for task, source in (data or {}).items()]
    files = [os.fspath(file) for file in plugins]
    return Options(tables=_tables(settings or {}), section=section, data=sources, plugin_files=files, offer=offer)


def _seeds(seeds: int | str | Sequence[int]) -> str | list[int]:
    if isinstance(seeds, str):
        return seeds
    return list(range(int(seeds))) if isinstance(seeds, SupportsIndex) else [int(seed) for seed in seeds]


def _listed(names: str | Sequence[str]) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else list(names)


def _items(given: Given) -> list[Any] | None:
    """Names and specs, one by one; what can be read only once is read here."""
    if given is None or isinstance(given, str):
        return None if given is None else _listed(given)
    return [given] if isinstance(given, (ModelSpec, TaskSpec)) else list(given)


def _names(items: list[Any] | None) -> list[str] | None:
    for item in items or ():
        if not isinstance(item, (str, ModelSpec, TaskSpec)):
            raise ConfigError(f"{item!r} is no model or task: give a name, or a spec (seqbench.model_from_module ...).")
    return None if items is None else [item if isinstance(item, str) else item.name for item in items]


def _offer(models: list[Any] | None, tasks: list[Any] | None, *, is_sent: bool) -> Offer | None:
    """The specs among what was given. Raises SpecError for one of the wrong kind."""
    found: list[list[Any]] = []
    for items, kind in ((models, ModelSpec), (tasks, TaskSpec)):
        specs = [item for item in items or () if isinstance(item, (ModelSpec, TaskSpec))]
        for spec in specs:
            if not isinstance(spec, kind):
                raise SpecError(f"'{spec.name}' is no {kind.__name__}: give models as models=, tasks as tasks=.")
        found.append(specs)
    return Offer.of(found[0], found[1], is_sent=is_sent) if any(found) else None


def _tables(settings: Mapping[str, Any]) -> Tables:
    """Dotted keys as nested tables. Raises ConfigError for a key that leads nowhere."""
    tables: Tables = {}
    for key, value in settings.items():
        *parents, last = str(key).split(".")
        place = tables
        for part in parents:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError(f"the setting '{key}' leads through '{part}', which has a value already.")
        inner = _tables(value) if isinstance(value, Mapping) else value
        if isinstance(inner, dict) and isinstance(place.get(last), dict):
            place[last].update(inner)
        else:
            place[last] = inner
    return tables


def _check_offer(benchmark: Benchmark) -> None:
    """Raises SpecError for a spec of the program that was left out: its name is taken, say."""
    for item in benchmark.registry.failures():
        if item.distribution == PROGRAM:
            raise SpecError(f"{item.kind} '{item.name}' cannot be used: {item.reason}.")


@contextlib.contextmanager
def _at_work(benchmark: Benchmark) -> Iterator[Benchmark]:
    """While inside, this run alone works on its results folder; gives the benchmark as it stands then."""
    from seqbench.cli.turn import turn
    from seqbench.signals import StopSignals

    benchmark.store.create()
    with turn(benchmark.store, StopSignals()):
        yield benchmark.refreshed()


def _execute(benchmark: Benchmark, todo: Sequence[Any], *, shows: bool) -> None:
    from seqbench.cli import console
    from seqbench.leaderboard import latest
    from seqbench.observers import Observers
    from seqbench.signals import StopSignals

    console.set_up_logging()
    for warning in (*console.plugin_warnings(benchmark.registry), *benchmark.store.warnings):
        console.warn(warning)
    run_ = replace(benchmark.run(), command="seqbench.run(...)")
    observers = Observers(benchmark.registry.manager)
    with StopSignals() as signals:
        engine = benchmark.engine(benchmark.executor(), observers, run_, signals.is_stopped)
        if shows:
            console.announce(benchmark, todo)
        with console.progress(benchmark, todo) if shows else contextlib.nullcontext():
            observers.call("seqbench_run_started", run=run_, cells=todo)
            signals.is_deferred = benchmark.config.executor != "inline"
            engine.execute(todo)
        signals.is_deferred = False
        found = latest(benchmark.store.records())
        records = [found[cell.key] for cell in benchmark.cells if cell.key in found]
        observers.call("seqbench_run_finished", run=run_, records=records)
