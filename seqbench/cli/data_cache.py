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
            {"kind": item.kind, "name": item.name, "what": item.what, "bytes": item.bytes, "made_at": item.made_at}
            for item in found
        ]
        typer.echo(json.dumps({"folder": str(cache_folder()), "entries": rows}, indent=2))
    else:
        data_tables.print_entries(cache_folder(), found)


@app.command("verify")
def verify() -> None:
    """Compare everything with its checksums. Exit 1 when something is damaged; prepared data is then made anew."""
    from seqbench.cache import entries

    bad = 0
    found = entries()
    for item in found:
        problem = item.problem()
        if problem:
            bad += 1
            typer.echo(f"damaged: {item.kind} {item.name} ({item.what}): {problem}", err=True)
    typer.echo(f"{len(found) - bad} of {len(found)} are whole.")
    raise typer.Exit(1 if bad else 0)


@app.command("clear")
def clear(
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="Only what belongs to this task; else everything.")
    ] = None,
) -> None:
    """Delete prepared data and downloads; they are made or fetched again when needed."""
    from seqbench.cache import entries, remove

    gone = [item for item in entries() if task is None or item.what.partition(" ")[0] == task]
    for item in gone:
        remove(item)
    typer.echo(f"{len(gone)} deleted, {sum(item.bytes for item in gone) / 2**20:.1f} MiB.")
