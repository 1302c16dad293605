"""`seqbench plugins`: what was found, where it comes from, and what was left out and why."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from seqbench.cli import options as given


def plugins(
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    strict_plugins: given.StrictPlugins = False,
    as_json: given.Json = False,
) -> None:
    """List what was found. Models, tasks and observers, with the distribution that each comes from."""
    from seqbench.registry import discover

    registry = discover(plugin or (), strict_plugins)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in registry.plugins], indent=2))
        return
    headings = ("name", "kind", "distribution", "version", "status", "source")
    rows = [headings, *(tuple(str(getattr(item, name)) for name in headings) for item in registry.plugins)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # Plain text: Rich takes longer to import than all plugins, and a path is worth more whole than a table narrow.
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    for item in registry.plugins:
        if item.reason:
            typer.echo(f"{item.name} {item.status}: {item.reason}")
