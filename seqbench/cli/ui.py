"""`seqbench ui`: MLflow's own UI over the results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqbench.cli import options as given


def ui(
    results: given.Results = None,
    tracking_uri: given.TrackingUri = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port; the next free one if taken.")] = 5000,
    opens: Annotated[bool, typer.Option("--open", help="Open a browser at the first board.")] = False,
) -> None:
    """Start MLflow's UI over the results, and print the address of each board. On 127.0.0.1, until Ctrl-C."""
    from seqbench.benchmark import default_tracking_uri
    from seqbench.tracking.ui import serve_ui

    folder = Path(results or "results").expanduser().absolute()
    serve_ui(tracking_uri or default_tracking_uri(folder), port=port, opens=opens)
