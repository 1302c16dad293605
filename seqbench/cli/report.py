"""`seqbench report`: a results folder as one HTML page that stands alone; needs no plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqbench.cli import options as given


def report(
    results: given.Results = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write report.html; the results folder.")
    ] = None,
) -> None:
    """Write a page of the results. Boards, plots and provenance in one HTML file that needs no network."""
    from seqbench.cli import console
    from seqbench.errors import ConfigError
    from seqbench.report.page import write
    from seqbench.store import Store

    if out is not None and out.expanduser().is_file():
        raise ConfigError(f"--out {out} is a file: give a folder, report.html is written into it.")
    store = Store(Path(results or "results").expanduser().absolute())
    file = write(store, None if out is None else out.expanduser().absolute())
    for warning in store.warnings:
        console.warn(warning)
    typer.echo(str(file))
