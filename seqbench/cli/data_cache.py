"""`seqbench data cache`: what lies in the cache, whether it is whole, and clearing it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from seqbench.cli import options as given

app = typer.Typer(help="List, verify or clear the cache of prepared data and downloads.", no_args_is_help=True)


@app.command("list")
def list_entries(as_json: given.Json = False) -> None:
    """List what lies in the cache, the newest first."""
    from seqbench.cache import cache_folder, entries
    from seqbench.cli import data_tables

    found = entries()
    if as_json:
        rows = [
            {
                "kind": item.kind,
                "name": item.name,
                "task": item.task,
                "source": item.source,
                "bytes": item.bytes,
                "made_at": item.made_at,
            }
            for item in found
        ]
        typer.echo(json.dumps({"folder": str(cache_folder()), "entries": rows}, indent=2))
    else:
        data_tables.print_entries(cache_folder(), found)


@app.command("verify")
def verify(as_json: given.Json = False) -> None:
    """Compare everything with its checksums. Exit 1 when something is damaged; prepared data is then made anew."""
    from seqbench.cache import entries

    found = [(item, item.problem()) for item in entries()]
    bad = [(item, problem) for item, problem in found if problem]
    if as_json:
        damaged = [
            {"kind": item.kind, "name": item.name, "task": item.task, "source": item.source, "problem": problem}
            for item, problem in bad
        ]
        typer.echo(json.dumps({"entries": len(found), "damaged": damaged}, indent=2))
        raise typer.Exit(1 if bad else 0)
    for item, problem in bad:
        typer.echo(f"damaged: {item.kind} {item.name} ({item.task} {item.source}): {problem}", err=True)
    typer.echo(f"{len(found) - len(bad)} of {len(found)} are whole.")
    raise typer.Exit(1 if bad else 0)


@app.command("clear")
def clear(
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="Only what belongs to this task; else everything.")
    ] = None,
) -> None:
    """Delete prepared data and downloads; they are made or fetched again when needed."""
    import shutil

    from seqbench.cache import entries, left_behind, remove
    from seqbench.errors import ConfigError
    from seqbench.naming import nearest

    found = entries()
    names = {item.task for item in found if item.task}
    if task is not None and task not in names:
        raise ConfigError(f"the cache has nothing of a task '{task}'{nearest(task, names) or '.'}")
    wanted = [item for item in found if task in (None, item.task)]
    gone = [item for item in wanted if remove(item)]
    for folder in left_behind():
        shutil.rmtree(folder, ignore_errors=True)
    typer.echo(f"{len(gone)} deleted, {sum(item.bytes for item in gone) / 2**20:.1f} MiB.")
    if len(gone) < len(wanted):
        typer.echo(f"{len(wanted) - len(gone)} are just being made and stay.", err=True)
