"""`seqbench plugins`: what was found, where it comes from, and what was left out and why."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from seqbench.registry import PluginInfo

WIDE = 1000
"""Columns where nobody looks: a file or a pipe gets whole lines."""


def plugins(
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    strict_plugins: given.StrictPlugins = False,
    as_json: given.Json = False,
) -> None:
    """List what was found. Models, tasks and observers, with the distribution that each comes from.

    --json tells the source files, too.
    """
    from seqbench.registry import discover

    registry = discover(plugin or (), strict_plugins)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in registry.plugins], indent=2))
        return
    headings = ("name", "kind", "from", "status", "about")
    rows = [headings, *((item.name, item.kind, _origin(item), item.status, item.about) for item in registry.plugins)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    # Plain text: Rich takes longer to import than all plugins.
    for row in rows:
        line = "  ".join(text.ljust(size) for text, size in zip(row, widths, strict=True)).rstrip()
        typer.echo(line if len(line) <= width else f"{line[: width - 1].rstrip()}…")
    for item in registry.plugins:
        if item.reason:
            typer.echo(f"{item.name} {item.status}: {item.reason}")


def _origin(item: PluginInfo) -> str:
    """The distribution with its version; of a file, its name."""
    return f"{item.distribution} {item.version}" if item.version else Path(item.distribution).name
