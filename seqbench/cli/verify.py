"""`seqbench verify`: train random cells of an archive or a results folder again, and say whether its claims hold."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given
from seqbench.cli.import_ import MOST_GIGABYTES, MostGigabytes
from seqbench.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from seqbench.plan import Cell
    from seqbench.sharing.judge import Verdict

CELLS = 5
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=FILE",
        help="Where a file lies here that a task's parameter names: tasks.sentiment.embeddings=vectors.txt; again "
        "for more.",
    ),
]


def verify(
    claims: Annotated[Path, typer.Argument(metavar="ARCHIVE|RESULTS", help="An archive, or a results folder.")],
    cells: Annotated[int, typer.Option("--cells", min=1, metavar="K", help="How many to train again.")] = CELLS,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, metavar="N", help="Draws the same cells again; random without it.")
    ] = None,
    data: given.Data = None,
    files: Files = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    strict_plugins: given.StrictPlugins = False,
    device: given.Device = None,
    workers: given.Workers = None,
    cell_timeout: given.CellTimeout = None,
    cell_memory: given.CellMemory = None,
    max_gb: MostGigabytes = MOST_GIGABYTES,
    as_json: given.Json = False,
) -> None:
    """Train random cells again and say whether the claims hold: identical, within tolerance, or not.

    Plugins must be installed, and data is needed as it was: nothing that an archive brings is run, and no path or
    address in it is followed. Exit codes: 0 all that could be tried hold, 1 one does not, 2 none could be tried.
    """
    from seqbench.cli import console
    from seqbench.cli.import_ import bytes_of
    from seqbench.config import RunConfig
    from seqbench.hardware import probe
    from seqbench.recorded_data import RecordedData
    from seqbench.registry import discover
    from seqbench.sharing.verify import Trial, claims_of, drawn

    console.set_up_logging()
    signals, used = StopSignals(), _seed() if seed is None else seed
    plugin_files = tuple(plugin or ())
    registry, hardware = discover(plugin_files, strict_plugins), probe()
    wanted = None if device in (None, "auto") else device
    if wanted:
        hardware.choose(wanted)
    for warning in console.plugin_warnings(registry):
        console.warn(warning)
    config = RunConfig((), (), workers=workers, cell_timeout=cell_timeout, cell_memory=cell_memory)
    try:
        with signals, claims_of(claims.expanduser().absolute(), bytes_of(max_gb)) as (store, is_archive):
            chosen, of = drawn(store, cells, used)
            for warning in store.warnings:
                console.warn(warning)
            where = RecordedData.given(registry, data or (), files or (), trusts_records=not is_archive)
            said = f"{len(chosen)} of {of} cells of {claims}, drawn with --seed {used}:"
            console.err.print(said, markup=False, soft_wrap=True)
            trial = Trial(
                registry, plugin_files, hardware, where, config, wanted, signals.is_stopped, _watched(workers or 1)
            )
            signals.is_deferred = True
            with TemporaryDirectory(prefix="seqbench-verify-") as folder:
                verdicts = trial.verify(store, chosen, Path(folder))
    except KeyboardInterrupt:
        raise typer.Exit(signals.exit_code) from None
    _tell(verdicts, used, as_json)
    raise typer.Exit(_exit_code(verdicts))


def _seed() -> int:
    """One that whoever made the claims could not foresee."""
    import secrets

    return secrets.randbelow(2**31)


def _watched(workers: int) -> Callable[[Sequence[Cell]], AbstractContextManager[object]]:
    """What shows the progress of the cells that are trained, on stderr."""
    from seqbench.cli import console
    from seqbench.cli.progress import LiveProgress, PlainProgress

    @contextmanager
    def shown(cells: Sequence[Cell]) -> Iterator[object]:
        display = (
            LiveProgress(cells, workers, console.err) if console.err.is_terminal else PlainProgress(cells, console.err)
        )
        with display:
            yield display

    return shown


def _exit_code(verdicts: Sequence[Verdict]) -> int:
    from seqbench.sharing.judge import FALSE, NOT_TRIED

    found = {verdict.verdict for verdict in verdicts}
    if FALSE in found:
        return 1
    return 2 if found == {NOT_TRIED} else 0


def _tell(verdicts: Sequence[Verdict], seed: int, as_json: bool) -> None:
    from collections import Counter

    from seqbench.cli.console import out

    counts = Counter(verdict.verdict for verdict in verdicts)
    if as_json:
        values = {"seed": seed, "counts": counts, "cells": [verdict.to_json() for verdict in verdicts]}
        typer.echo(json.dumps(values, indent=2))
        return
    for verdict in verdicts:
        out.print(_line(verdict), markup=False, soft_wrap=True)
    out.print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) + ".", soft_wrap=True)


def _line(verdict: Verdict) -> str:
    """One cell's verdict with its figures and reasons."""
    line = f"{verdict.verdict}: {verdict.task_id} {verdict.label} seed {verdict.seed}"
    if verdict.claimed is not None and verdict.found is not None:
        line += f": {verdict.metric} {verdict.claimed:.6g} claimed, {verdict.found:.6g} here"
        if verdict.tolerance is not None:
            apart = abs(verdict.claimed - verdict.found)
            line += f" (apart by {apart:.3g}; allowed are {verdict.tolerance:.3g}, {verdict.tolerance_is})"
    reasons = "; ".join(part for part in (verdict.reason, *verdict.differs) if part)
    return f"{line}; {reasons}" if reasons else line
