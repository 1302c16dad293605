"""`seqbench plan`: the cells, and which of them would run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from seqbench.benchmark import Benchmark
    from seqbench.plan import Cell


def plan(
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
    results: given.Results = None,
    as_json: given.Json = False,
) -> None:
    """Show what a run would train. Nothing is run: it lists the cells and what is already recorded."""
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
        )
    )
    if as_json:
        typer.echo(json.dumps([_entry(benchmark, cell) for cell in benchmark.cells], indent=2))
    else:
        _print_table(benchmark)


def _state(benchmark: Benchmark, cell: Cell) -> str:
    """`recorded` with its status, `skipped`, or `to run`."""
    if benchmark.is_recorded(cell):
        return f"recorded ({benchmark.recorded[cell.key].status})"
    return "skipped" if cell.skip else "to run"


def _entry(benchmark: Benchmark, cell: Cell) -> dict[str, Any]:
    return {**cell.to_json(), "state": _state(benchmark, cell)}


def _print_table(benchmark: Benchmark) -> None:
    from rich.markup import escape
    from rich.table import Table

    from seqbench.cli.console import out

    table = Table("task", "model", "seeds", "cells", "state", box=None, pad_edge=False, header_style="dim")
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for cell in benchmark.cells:
        group = (cell.task_id, cell.label, _state(benchmark, cell), cell.skip)
        groups.setdefault(group, []).append(cell.seed)
    for (task, label, state, skip), seeds in groups.items():
        numbers = ",".join(map(str, seeds))
        table.add_row(escape(task), escape(label), numbers, str(len(seeds)), f"{state}: {skip}" if skip else state)
    out.print(table)
    todo = [cell for cell in benchmark.todo() if not cell.skip]
    device = ", ".join(item.id for item in benchmark.devices)
    out.print(f"{len(benchmark.cells)} cells, {len(todo)} to run on {device} with {benchmark.workers} workers.")
