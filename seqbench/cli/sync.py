"""`seqbench sync`: bring a tracking server up to date from the records."""

from __future__ import annotations

from pathlib import Path

import typer

from seqbench.cli import options as given


def sync(
    results: given.Results = None,
    tracking_uri: given.TrackingUri = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
) -> None:
    """Bring MLflow up to date from the records, and register the best models. Any number of times, without doubles."""
    from seqbench.benchmark import default_tracking_uri
    from seqbench.cli import console
    from seqbench.errors import StoreError
    from seqbench.store import Store
    from seqbench.tracking.sync import sync_all

    console.set_up_logging()
    store = Store(Path(results or "results").expanduser().absolute())
    records = store.records()
    for warning in store.warnings:
        console.warn(warning)
    if not records:
        raise StoreError(f"there are no records in {store.folder}: run seqbench run first, or choose --results.")
    with console.waiting("logging to MLflow"):
        uri = tracking_uri or default_tracking_uri(store.folder)
        told = sync_all(uri, store.folder, records, plugin or ())
    typer.echo(f"MLflow has all {len({record.key for record in records})} cells.")
    for sentence in told:
        typer.echo(sentence)
