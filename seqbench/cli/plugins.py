"""`seqbench plugins`: what was found, where it comes from, and what was left out and why."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from seqbench.cli import options as given


def plugins(
    plugin: given.PluginFiles = None,
    strict_plugins: given.StrictPlugins = False,
    as_json: given.Json = False,
) -> None:
    """List models, tasks and observers, with the distribution each comes from."""
    from seqbench.registry import discover

    registry = discover(plugin or (), strict_plugins)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in registry.plugins], indent=2))
        return
    from rich.markup import escape
    from rich.table import Table

    from seqbench.cli.console import out

    table = Table("name", "kind", "distribution", "version", "source", "status", box=None, pad_edge=False)
    table.header_style = "dim"
    for item in registry.plugins:
        status = item.status if item.status == "ok" else f"{item.status}: {item.reason}"
        row = (item.name, item.kind, item.distribution, item.version, item.source, status)
        table.add_row(*map(escape, row))
    out.print(table)
