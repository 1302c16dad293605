"""`seqbench import ARCHIVE...`: merge what others have exported into a results folder."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given
from seqbench.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqbench.sharing.archive import Archive
    from seqbench.sharing.merge import Merged
    from seqbench.store import Store

MOST_GIGABYTES = 20.0
MostGigabytes = Annotated[
    float, typer.Option("--max-gb", min=0.001, metavar="GB", help="Refuse an archive that unpacks to more.")
]
MOST_LISTED = 20


def import_(
    archives: Annotated[list[Path], typer.Argument(metavar="ARCHIVE...", help="What seqbench export has written.")],
    results: given.Results = None,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Where results differ, let the archive's count instead of the own.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when there is a conflict.")] = False,
    max_gb: MostGigabytes = MOST_GIGABYTES,
    as_json: given.Json = False,
) -> None:
    """Merge archives into a results folder. Nothing in them is run, and all is checked before anything is written.

    A cell that is here already is compared: equal, or a conflict that is told; the own record is kept. Exit codes:
    0 merged, 1 there were conflicts (with --strict), 2 an archive cannot be used and nothing was written.
    """
    from seqbench.cli.turn import turn
    from seqbench.sharing.archive import Archive
    from seqbench.sharing.merge import merge
    from seqbench.store import Store

    store = Store(Path(results or "results").expanduser().absolute())
    signals = StopSignals()
    with ExitStack() as stack:
        opened = [stack.enter_context(Archive.opened(path, bytes_of(max_gb))) for path in archives]
        store.create()
        check_room(opened, store)
        try:
            with signals, turn(store, signals):
                merged = merge(store, opened, takes_theirs=theirs)
        except KeyboardInterrupt:
            raise typer.Exit(signals.exit_code) from None
    _tell(merged, store, theirs, as_json)
    raise typer.Exit(1 if strict and merged.conflicts else 0)


def bytes_of(gigabytes: float) -> int:
    """Raises ConfigError for what is no number of them."""
    from seqbench.errors import ConfigError
    from seqbench.sharing.layout import GIGABYTE

    if not math.isfinite(gigabytes):
        raise ConfigError(f"--max-gb {gigabytes} is no size: give a number of gigabytes.")
    return int(gigabytes * GIGABYTE)


def check_room(archives: Sequence[Archive], store: Store) -> None:
    """Raises StoreError when the disk has less room than archives unpack to."""
    import shutil

    from seqbench.errors import StoreError

    needed = sum(member.size for archive in archives for member in archive.manifest.members.values())
    free = shutil.disk_usage(store.folder).free
    if needed > free:
        raise StoreError(
            f"{store.folder} has room for {free / 1e9:.1f} GB, the archives unpack to {needed / 1e9:.1f} GB: make "
            "room, or choose another --results."
        )


def _tell(merged: Merged, store: Store, theirs: bool, as_json: bool) -> None:
    from seqbench.cli import console

    for warning in store.warnings:
        console.warn(warning)
    for conflict in merged.conflicts[:MOST_LISTED]:
        console.warn(f"conflict: {conflict.sentence()}")
    if len(merged.conflicts) > MOST_LISTED:
        console.warn(f"and {len(merged.conflicts) - MOST_LISTED} more conflicts (--json lists all)")
    if merged.beside:
        names = sorted(merged.beside)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        console.warn(
            f"{', '.join(names[:3])}{more}: there were records of other code, versions or devices already; a board "
            "shows the most recent of these only"
        )
    if as_json:
        typer.echo(json.dumps(merged.to_json(), indent=2))
        return
    kept = f"of {merged.replaced} the archive's counts now" if theirs else "the own are kept"
    parts = [f"{merged.added} added", f"{merged.equal} equal to what was here", f"{len(merged.conflicts)} in conflict"]
    parts[2] += f" ({kept})" if merged.conflicts else ""
    parts += [f"{merged.unfinished} without a result left out"] if merged.unfinished else []
    parts += [f"{merged.measurements} measurements"] if merged.measurements else []
    typer.echo(f"{', '.join(parts)}: {store.folder}")
