"""`seqbench rescore`: the metrics of recorded cells again, from stored predictions, without training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given
from seqbench.cli.export import TaskFilter
from seqbench.cli.verify import Files
from seqbench.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqbench.rescore import Rescored


def rescore(
    task: TaskFilter = None,
    data: given.Data = None,
    files: Files = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    strict_plugins: given.StrictPlugins = False,
    results: given.Results = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: given.Json = False,
) -> None:
    """Compute metrics and remarks again with the tasks as they are now, from stored predictions.

    A record that changes is appended anew, under its old key; its training is as it was. Exit codes: 0 all cells are
    up to date, 1 some had to be left as they are, 2 the command is not valid.
    """
    from seqbench.cli import console
    from seqbench.cli.leaderboard import opened
    from seqbench.cli.turn import turn
    from seqbench.errors import ConfigError
    from seqbench.naming import nearest
    from seqbench.recorded_data import RecordedData
    from seqbench.registry import discover
    from seqbench.rescore import Rescorer

    console.set_up_logging()
    store = opened(results)
    known = {name for outcome in store.outcomes() for name in (outcome.task, outcome.task_id)}
    for name in task or ():
        if name not in known:
            raise ConfigError(f"there is no task '{name}' among the records{nearest(name, known)}")
    registry = discover(plugin or (), strict_plugins)
    for warning in console.plugin_warnings(registry):
        console.warn(warning)
    where = RecordedData.given(registry, data or (), files or (), trusts_records=True)
    signals = StopSignals()
    try:
        with signals, turn(store, signals), console.waiting("computing metrics"):
            found = list(Rescorer(store, registry, where).rescore(task or (), writes=not dry_run))
    except KeyboardInterrupt:
        raise typer.Exit(signals.exit_code) from None
    _tell(found, dry_run, as_json)
    raise typer.Exit(1 if any(item.problem for item in found) else 0)


def _tell(found: Sequence[Rescored], dry_run: bool, as_json: bool) -> None:
    from seqbench.cli import console

    if as_json:
        typer.echo(json.dumps([item.to_json() for item in found], indent=2))
        return
    for item in found:
        name = f"{item.task_id} {item.label} seed {item.seed}"
        if item.problem:
            console.warn(f"{name} is left as it is: {item.problem}")
        elif item.changes:
            console.out.print(f"{name}: {', '.join(item.changes)}", markup=False, soft_wrap=True)
    changed, left = sum(bool(item.changes) for item in found), sum(bool(item.problem) for item in found)
    verb = "would change" if dry_run else "changed"
    parts = [f"{changed} cells {verb}", f"{len(found) - changed - left} are as they were"]
    parts += [f"{left} could not be scored"] if left else []
    typer.echo(", ".join(parts) + ".")
    if changed and not dry_run:
        typer.echo("MLflow: seqbench sync")
