"""`seqbench leaderboard`: the board of what is recorded; needs no plugin."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from seqbench.cli import options as given


class Format(StrEnum):
    """How a board is printed."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


def leaderboard(
    results: given.Results = None,
    style: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
) -> None:
    """Show the board of a results folder."""
    from seqbench.cli import boards, console
    from seqbench.errors import StoreError
    from seqbench.leaderboard import board
    from seqbench.store import Store

    store = Store(Path(results or "results").expanduser().absolute())
    records = store.outcomes()
    for warning in store.warnings:
        console.warn(warning)
    if not records:
        raise StoreError(f"there are no records in {store.folder}: run seqbench run first, or choose --results.")
    if style is Format.table:
        boards.print_boards(records)
        return
    writer = {Format.json: boards.as_json, Format.csv: boards.as_csv, Format.markdown: boards.as_markdown}[style]
    typer.echo(writer(board(records)))
