"""`seqbench export FILE`: a results folder as one archive, to be shared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqbench.cli import options as given

TaskFilter = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="T", help="Only this task, by name or as on its board; again for more."),
]
ModelFilter = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="M", help="Only this model, by name or as on the board; again for more."),
]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write, results.zip for example.")],
    task: TaskFilter = None,
    model: ModelFilter = None,
    weights: Annotated[bool, typer.Option("--weights", help="With the trained weights: much larger.")] = False,
    results: given.Results = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Pack records, predictions, logs and measurements into one archive; the same results give the same bytes.

    What was interrupted, and lines of the records that are damaged, are told and left out.
    """
    from seqbench.cli import console
    from seqbench.sharing.pack import pack
    from seqbench.store import Store

    store = Store(Path(results or "results").expanduser().absolute())
    packed = pack(store, file.expanduser().absolute(), task or (), model or (), weights=weights, force=force)
    for warning in packed.warnings:
        console.warn(warning)
    cells = f"{packed.records} cell{'s' if packed.records != 1 else ''}"
    typer.echo(f"{file} has {cells} with {packed.files} files, {packed.bytes / 1e6:.1f} MB.")
