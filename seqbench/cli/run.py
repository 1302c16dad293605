"""`seqbench run`: train every model on every task and put them on a board."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given
from seqbench.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seqbench.benchmark import Benchmark
    from seqbench.records import Outcome


def run(
    models: given.Models = None,
    tasks: given.Tasks = None,
    seeds: given.Seeds = None,
    settings: given.Settings = None,
    data: given.Data = None,
    baselines: given.Baselines = None,
    config: given.RunFile = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    strict_plugins: given.StrictPlugins = False,
    device: given.Device = None,
    workers: given.Workers = None,
    executor: given.Executor = None,
    ray_address: given.RayAddress = None,
    cell_timeout: given.CellTimeout = None,
    cell_memory: given.CellMemory = None,
    results: given.Results = None,
    tracking_uri: given.TrackingUri = None,
    retry: given.Retry = None,
    force: Annotated[bool, typer.Option("--force", help="Train again what is already recorded.")] = False,
    fail_fast: Annotated[bool | None, typer.Option("--fail-fast", help="Stop at the first cell that fails.")] = None,
) -> None:
    """Train every model on every task and show who wins.

    What is already recorded is not trained again. Exit codes: 0 all cells ended well, 1 some did not,
    2 the command or a source of data is not valid (nothing was trained), 130 interrupted (143 by SIGTERM).
    """
    from seqbench.benchmark import load

    benchmark = load(
        given.gather(
            run_file=config,
            settings=settings,
            data=data,
            plugin_files=plugin,
            strict_plugins=strict_plugins,
            models=models,
            tasks=tasks,
            seeds=seeds,
            baselines=baselines,
            device=device,
            workers=workers,
            results=results,
            tracking_uri=tracking_uri,
            fail_fast=fail_fast,
            executor=executor,
            ray_address=ray_address,
            cell_timeout=cell_timeout,
            cell_memory=cell_memory,
            retry=retry,
        )
    )
    signals = StopSignals()
    try:
        with signals, _alone(benchmark, signals) as current:
            code = _execute(current, force, signals)
    except KeyboardInterrupt:
        code = signals.exit_code
    raise typer.Exit(code)


@contextlib.contextmanager
def _alone(benchmark: Benchmark, signals: StopSignals) -> Iterator[Benchmark]:
    """While inside, this run alone works on its results folder; gives the benchmark as it stands then.

    Raises KeyboardInterrupt when a signal comes while another run is waited for.
    """
    from seqbench.cli.turn import turn

    benchmark.store.create()
    with turn(benchmark.store, signals):
        yield benchmark.refreshed()


def _execute(benchmark: Benchmark, force: bool, signals: StopSignals) -> int:
    """Run what is to be run, show the boards, and give the exit code."""
    from seqbench.cli import console
    from seqbench.cli.boards import print_boards
    from seqbench.engine import FailFastError
    from seqbench.observers import Observers

    console.set_up_logging()
    for warning in (*console.plugin_warnings(benchmark.registry), *benchmark.store.warnings):
        console.warn(warning)
    todo = benchmark.todo(force)
    if force:
        for cell in todo:
            benchmark.store.discard_checkpoint(cell.key)
    console.announce(benchmark, todo)
    run = benchmark.run()
    observers = Observers(benchmark.registry.manager)
    if todo:
        engine = benchmark.engine(benchmark.executor(), observers, run, signals.is_stopped)
        with console.progress(benchmark, todo):
            observers.call("seqbench_run_started", run=run, cells=todo)
            try:
                signals.is_deferred = benchmark.config.executor != "inline"
                engine.execute(todo)
            except FailFastError as stop:
                console.warn(f"stopped by --fail-fast: {stop}")
    signals.is_deferred = False
    if signals.is_stopped():
        raise KeyboardInterrupt
    # Observers are given whole records; boards alone need less of them.
    found: Sequence[Outcome] = benchmark.store.records() if todo else benchmark.store.outcomes()
    tasks, series = {cell.task_id for cell in benchmark.cells}, {cell.series for cell in benchmark.cells}
    print_boards(benchmark.store, tasks, series=series)
    ended = _of(benchmark, found)
    if todo:
        with console.waiting("logging to MLflow"):
            observers.call("seqbench_run_finished", run=run, records=ended)
    console.closing(benchmark, ended)
    return 1 if any(outcome.status not in ("ok", "skipped") for outcome in ended) else 0


def _of(benchmark: Benchmark, records: Sequence[Outcome]) -> list[Outcome]:
    """The last of each of the run's cells."""
    from seqbench.leaderboard import latest

    found = latest(records)
    return [found[cell.key] for cell in benchmark.cells if cell.key in found]
