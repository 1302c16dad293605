"""`seqbench show CELL`: one record in full."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seqbench.records import CellRecord


def show(
    cell: Annotated[
        str, typer.Argument(metavar="CELL", help="The beginning of a cell's key, or TASK/MODEL/SEED as on the board.")
    ],
    results: given.Results = None,
) -> None:
    """Print one record in full, as JSON. Metrics, epochs, costs, versions, and why it failed if it did.

    Costs that `seqbench measure` took again are beside those of the run, as `measurement`.
    """
    from seqbench.errors import ConfigError
    from seqbench.leaderboard import latest
    from seqbench.measurements import read
    from seqbench.naming import nearest
    from seqbench.store import Store

    store = Store(Path(results or "results").expanduser().absolute())
    records = latest(store.records()).values()
    found = _matching(records, cell)
    if not found:
        names = [_name(record) for record in records]
        hint = nearest(cell, names) if len(names) <= 40 else ": seqbench plan --json lists the keys."
        raise ConfigError(f"there is no cell '{cell}' in {store.folder}{hint or ': it has no records.'}")
    if len(found) > 1:
        names = [f"{record.key[:12]} ({_name(record)})" for record in found[:10]]
        raise ConfigError(f"'{cell}' means {len(found)} cells: say which of {', '.join(names)}.")
    measured = read(store.folder).get(found[0].key)
    more = {} if measured is None else {"measurement": measured.to_json()}
    typer.echo(json.dumps({**found[0].to_json(), **more}, indent=2))


def _name(record: CellRecord) -> str:
    return f"{record.task_id}/{record.label}/{record.seed}"


def _matching(records: Iterable[CellRecord], cell: str) -> list[CellRecord]:
    """Records whose key begins with `cell`, or whose name (with or without the source) or folder it is."""
    return [
        record
        for record in records
        if record.key.startswith(cell)
        or cell in (_name(record), f"{record.task}/{record.model}/{record.seed}", Path(record.folder).name)
    ]
