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
    """List what was found. Models, tasks and observers, with the distribution that each comes from."""
    from seqbench.registry import discover

    registry = discover(plugin or (), strict_plugins)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in registry.plugins], indent=2))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.measure import Measurement
    from rich.table import Table

    from seqbench.cli.console import out

    table = Table("name", "kind", "distribution", "version", "status", "source", box=None, pad_edge=False)
    table.header_style = "dim"
    for item in registry.plugins:
        row = (item.name, item.kind, item.distribution, item.version, item.status, item.source)
        table.add_row(*map(escape, row))
    # A path is worth more whole than a column is worth narrow: the terminal wraps what is too long.
    width = Measurement.get(out, out.options.update(max_width=1 << 16), table).maximum
    Console(width=max(width, out.width)).print(table)
    for item in registry.plugins:
        if item.reason:
            out.print(f"{escape(item.name)} {escape(item.status)}: {escape(item.reason)}", soft_wrap=True)
