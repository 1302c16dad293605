"""`seqbench plan`: the cells, which of them would run, and what that would cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqbench.cli import options as given
from seqbench.wording import ranges

if TYPE_CHECKING:
    from seqbench.benchmark import Benchmark
    from seqbench.estimates import Estimates, Total
    from seqbench.plan import Cell

Pilot = Annotated[
    bool,
    typer.Option(
        "--pilot/--no-pilot",
        help="Time a few steps of each model that nothing is known of; once, it is remembered.",
        rich_help_panel=given.MACHINE,
    ),
]

Resolve = Annotated[
    bool,
    typer.Option("--resolve", help="Which ties are open, how many more seeds would settle them, and what these cost."),
]


def plan(
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
    results: given.Results = None,
    pilot: Pilot = True,
    resolve: Resolve = False,
    as_json: given.Json = False,
) -> None:
    """Show what a run would train, and what it would cost: hours, memory and disk, and what is already recorded.

    Nothing is trained. What a model costs comes from its records, or from a pilot of a few steps.
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
        )
    )
    if resolve:
        from seqbench.cli import plan_resolve

        plan_resolve.resolve(benchmark, as_json=as_json)
        return
    outlook = _outlook(benchmark, pilot)
    if as_json:
        lines = (json.dumps(_entry(outlook, cell)) for cell in benchmark.cells)
        typer.echo("[\n" + ",\n".join(lines) + "\n]")
    else:
        _print_table(outlook)
        _print_total(outlook)


@dataclass(frozen=True)
class Outlook:
    """A plan with its costs. reasons: by task and model, why a pilot measured none."""

    benchmark: Benchmark
    todo: Sequence[Cell]
    estimates: Estimates
    reasons: dict[str, str] = field(default_factory=dict)

    def state(self, cell: Cell) -> str:
        """`recorded` with its status, `skipped`, or `to run`."""
        if self.benchmark.is_recorded(cell):
            return f"recorded ({self.benchmark.recorded[cell.key].status})"
        return "skipped" if cell.skip else "to run"


def _outlook(benchmark: Benchmark, pilot: bool) -> Outlook:
    """What is known of costs, after pilots of what is not."""
    from seqbench.estimates import Estimates, remembered

    store = benchmark.store
    todo = [cell for cell in benchmark.todo() if not cell.skip]
    outlook = Outlook(benchmark, todo, Estimates.of(store.outcomes(), remembered(), store.folder))
    if pilot:
        _run_pilots(outlook)
    return outlook


def _run_pilots(outlook: Outlook) -> None:
    from seqbench.cli.console import err
    from seqbench.estimates import remember
    from seqbench.survey import one_per_series, survey

    benchmark, estimates = outlook.benchmark, outlook.estimates
    unknown = one_per_series(cell for cell in outlook.todo if estimates.cost(cell) is None)
    if not unknown:
        return
    findings = survey(benchmark.executor(), unknown, benchmark.devices[0].id, benchmark.hardware.to_json())
    with err.status(f"timing a few steps of {len(unknown)} models ...") as status:
        for number, finding in enumerate(findings, 1):
            cell, cost = finding.cell, finding.cost
            if cost is None:
                outlook.reasons[f"{cell.task_id} {cell.label}"] = finding.reason
            else:
                remember(cell.series, cost)
                estimates.add(cell.series, cost)
            status.update(f"timing a few steps of {len(unknown)} models: {number} done ...")


def _entry(outlook: Outlook, cell: Cell) -> dict[str, Any]:
    cost = None if cell.skip else outlook.estimates.cost(cell)
    return {
        **cell.to_json(),
        "state": outlook.state(cell),
        "seconds": cost and cost.seconds,
        "memory_bytes": cost and cost.memory_bytes,
        "disk_bytes": cost and cost.disk_bytes,
        "estimate": cost and cost.source,
    }


def _print_table(outlook: Outlook) -> None:
    from rich.markup import escape
    from rich.table import Table

    from seqbench.cli.console import out

    headings = ("task", "model", "seeds", "cells", "state", "each")
    table = Table(*headings, box=None, pad_edge=False, header_style="dim")
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in outlook.benchmark.cells:
        groups.setdefault((cell.task_id, cell.label, outlook.state(cell), cell.skip), []).append(cell)
    for (task, label, state, skip), cells in groups.items():
        seeds = ranges(cell.seed for cell in cells)
        each = _each(outlook, cells[0]) if state == "to run" else ""
        texts = (task, label, seeds, str(len(cells)), f"{state}: {skip}" if skip else state, each)
        table.add_row(*map(escape, texts))
    out.print(table)
    for name, reason in outlook.reasons.items():
        out.print(escape(f"{name} cannot be timed: {reason}"), soft_wrap=True)


def _each(outlook: Outlook, cell: Cell) -> str:
    """What one cell of a row takes, and how that is known."""
    cost = outlook.estimates.cost(cell)
    return "unknown" if cost is None else f"{duration(cost.seconds)} ({cost.source})"


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `45 s`, `2 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Bytes as a person says them: `640 kB`, `1.2 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _print_total(outlook: Outlook) -> None:
    from seqbench.cli.console import out

    benchmark, todo = outlook.benchmark, outlook.todo
    device = ", ".join(item.id for item in benchmark.devices)
    out.print(f"{len(benchmark.cells)} cells, {len(todo)} to run on {device} with {benchmark.workers} workers.")
    statuses = Counter(benchmark.recorded[cell.key].status for cell in benchmark.cells if benchmark.is_recorded(cell))
    if statuses:
        there = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        out.print(f"Already there: {sum(statuses.values())} cells ({there}).")
    if todo:
        total = outlook.estimates.total(todo, benchmark.workers)
        for line in _costs(total, min(benchmark.workers, len(todo))):
            out.print(line, soft_wrap=True)


SOURCES = {
    "records": "from records",
    "pilot": "from pilots, which count every epoch that early stopping may save",
    "relative": "from an earlier version",
}


def _costs(total: Total, at_once: int) -> list[str]:
    """The sums, then where they come from and what is in none of them."""
    known = {source: count for source, count in total.sources.items() if source != "unknown"}
    unknown = total.sources.get("unknown", 0)
    lines = []
    if known:
        bound = "at most " if "pilot" in known else ""
        lines.append(
            f"Time: {bound}about {duration(total.seconds)}. Memory: {size(total.memory_bytes)} for {at_once} at once. "
            f"Disk: {size(total.disk_bytes)}."
        )
        counts = "; ".join(f"{_cells(count)} {SOURCES.get(source, source)}" for source, count in sorted(known.items()))
        lines.append(f"Costs of {counts}.")
    if unknown:
        lines.append(f"The cost of {_cells(unknown)} is not known{' and in no sum' if known else ''}.")
    return lines


def _cells(count: int) -> str:
    return f"{count} cell{'s' if count != 1 else ''}"
