"""`seqbench run`: train every model on every task and put them on a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqbench.benchmark import Benchmark
    from seqbench.records import CellRecord


def run(
    models: given.Models = None,
    tasks: given.Tasks = None,
    seeds: given.Seeds = None,
    settings: given.Settings = None,
    data: given.Data = None,
    baselines: given.Baselines = None,
    config: given.RunFile = None,
    plugin: given.PluginFiles = None,
    strict_plugins: given.StrictPlugins = False,
    device: given.Device = None,
    workers: given.Workers = None,
    executor: given.Executor = None,
    ray_address: given.RayAddress = None,
    results: given.Results = None,
    tracking_uri: given.TrackingUri = None,
    force: Annotated[bool, typer.Option("--force", help="Train again what is already recorded.")] = False,
    fail_fast: Annotated[bool | None, typer.Option("--fail-fast", help="Stop at the first cell that fails.")] = None,
) -> None:
    """Train every model on every task and show who wins.

    What is already recorded is not trained again. Exit codes: 0 all cells ended well, 1 some did not,
    2 the command or a source of data is not valid (nothing was trained), 130 interrupted.
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
            executor=executor,
            ray_address=ray_address,
            results=results,
            tracking_uri=tracking_uri,
            fail_fast=fail_fast,
        )
    )
    raise typer.Exit(_execute(benchmark, force))


def _execute(benchmark: Benchmark, force: bool) -> int:
    """Run what is to be run, show the boards, and give the exit code."""
    from seqbench.cli import console
    from seqbench.cli.boards import print_boards
    from seqbench.engine import Engine, FailFastError
    from seqbench.observers import Observers

    console.set_up_logging()
    for warning in (*console.plugin_warnings(benchmark.registry), *benchmark.store.warnings):
        console.warn(warning)
    todo = benchmark.todo(force)
    benchmark.store.create()
    console.announce(benchmark, todo)
    run = benchmark.run()
    observers = Observers(benchmark.registry.manager)
    if todo:
        executor = benchmark.executor()
        engine = Engine(run, executor, observers, benchmark.hardware.to_json())
        with console.progress(benchmark, todo):
            observers.call("seqbench_run_started", run=run, cells=todo)
            try:
                engine.execute(todo)
            except FailFastError as stop:
                console.warn(f"stopped by --fail-fast: {stop}")
    records = _records_of(benchmark)
    print_boards(benchmark.store.records(), {cell.task_id for cell in benchmark.cells})
    if todo:
        with console.waiting("logging to MLflow"):
            observers.call("seqbench_run_finished", run=run, records=records)
    console.closing(benchmark, records)
    return 1 if any(record.status not in ("ok", "skipped") for record in records) else 0


def _records_of(benchmark: Benchmark) -> Sequence[CellRecord]:
    """The last record of each of the run's cells."""
    from seqbench.leaderboard import latest

    found = latest(benchmark.store.records())
    return [found[cell.key] for cell in benchmark.cells if cell.key in found]
