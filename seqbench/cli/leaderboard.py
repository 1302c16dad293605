"""`seqbench leaderboard`: the boards of what is recorded; needs no plugin."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from seqbench.store import Store


class Format(StrEnum):
    """How a board is printed."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"


def leaderboard(
    results: given.Results = None,
    style: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
    costs: Annotated[bool, typer.Option("--costs", help="A second table per task, with every cost.")] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="With --format json: pairs of models and what holds over tasks, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Show the boards of a results folder: who wins, who is tied, at what cost."""
    from seqbench.analysis import overall, read_boards
    from seqbench.cli import board_formats, boards
    from seqbench.errors import ConfigError

    if as_json and style not in (Format.table, Format.json):
        raise ConfigError(f"--json and --format {style.value} say two things: leave one out.")
    style = Format.json if as_json else style
    if pairs and style is not Format.json:
        raise ConfigError(f"--pairs goes with --format json, not with {style.value}.")
    if costs and style is not Format.table:
        raise ConfigError(f"--costs goes with --format table; {style.value} has every cost or none.")
    store = opened(results)
    if style is Format.table:
        boards.print_boards(store, costs=costs)
        return
    found = read_boards(store)
    if pairs:
        typer.echo(board_formats.as_full_json(found, overall(found)))
        return
    writers = {
        Format.json: board_formats.as_json,
        Format.csv: board_formats.as_csv,
        Format.markdown: board_formats.as_markdown,
        Format.latex: board_formats.as_latex,
    }
    typer.echo(writers[style](found))


def opened(results: str | None) -> Store:
    """The store of a results folder, its warnings told. Raises StoreError when it has no records."""
    from seqbench.cli import console
    from seqbench.errors import StoreError
    from seqbench.store import Store

    store = Store(Path(results or "results").expanduser().absolute())
    records = store.outcomes()
    for warning in store.warnings:
        console.warn(warning)
    if not records:
        raise StoreError(f"there are no records in {store.folder}: run seqbench run first, or choose --results.")
    return store
