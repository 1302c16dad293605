"""What the terminal shows of a run: what will happen, live progress, and where things lie afterwards."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from seqbench.tracking.address import without_password

if TYPE_CHECKING:
    from seqbench.benchmark import Benchmark
    from seqbench.plan import Cell
    from seqbench.records import Outcome
    from seqbench.registry import Registry

out = Console(highlight=False, soft_wrap=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def set_up_logging() -> None:
    """Warnings of the harness and its observers go to stderr, one line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger = logging.getLogger("seqbench")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.WARNING)
    logger.propagate = False


def warn(text: str) -> None:
    """One warning on stderr."""
    err.print(f"warning: {text}", markup=False, soft_wrap=True)


def plugin_warnings(registry: Registry) -> list[str]:
    """One sentence per plugin that was left out."""
    return [f"plugin '{item.name}' of {item.distribution} is left out: {item.reason}" for item in registry.failures()]


def announce(benchmark: Benchmark, todo: Sequence[Cell]) -> None:
    """What will be trained, on what."""
    recorded = len(benchmark.cells) - len(todo)
    known = f", {recorded} already recorded" if recorded else ""
    if not todo:
        out.print(f"All {recorded} cells are already recorded: nothing to train (--force trains again).")
        return
    skipped = sum(bool(cell.skip) for cell in todo)
    known += f", {skipped} skipped" if skipped else ""
    out.print(f"{len(todo) - skipped} cells to run{known}, on {_place(benchmark)}.")


def _place(benchmark: Benchmark) -> str:
    where = ", ".join(f"{device.id} ({device.name})" for device in benchmark.devices)
    if benchmark.config.executor != "local":
        return f"{where} with the {benchmark.config.executor} executor"
    return f"{where} with {benchmark.workers} worker{'s' if benchmark.workers != 1 else ''}"


@contextlib.contextmanager
def progress(benchmark: Benchmark, todo: Sequence[Cell]) -> Iterator[None]:
    """While inside, progress is shown: live on a terminal, else as one plain line per finished cell."""
    from seqbench.cli.progress import LiveProgress, PlainProgress

    display = LiveProgress(todo, benchmark.workers, out) if out.is_terminal else PlainProgress(todo, out)
    manager = benchmark.registry.manager
    manager.register(display, name="progress display")
    try:
        with display:
            yield
    finally:
        manager.unregister(display)


@dataclass
class Clock:
    """How long something took, in seconds."""

    seconds: float = 0.0


SILENT_SECONDS = 1.0
"""A preparation that is quicker shows no bar."""


@contextlib.contextmanager
def preparing(what: str) -> Iterator[Clock]:
    """While inside, a preparation's progress is shown on stderr's terminal once it has taken a second.

    A task that does not tell how far it is has a bar that only moves.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from seqbench.progress import listening

    clock, begin = Clock(), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
    bar = bars.add_task(f"preparing {what}", total=None)
    late = threading.Timer(SILENT_SECONDS, bars.start)

    def tell(doing: str, done: int, total: int) -> None:
        bars.update(bar, description=f"preparing {what}: {doing}", completed=done, total=total)

    late.start()
    try:
        with listening(tell):
            yield clock
    finally:
        clock.seconds = time.monotonic() - begin
        late.cancel()
        late.join()
        bars.stop()


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """While inside, say what is waited for, where there is a terminal."""
    if out.is_terminal:
        with out.status(f"{what} ..."):
            yield
    else:
        yield


def closing(benchmark: Benchmark, records: Sequence[Outcome]) -> None:
    """What went wrong, where the results lie, and how to look further."""
    bad = [record for record in records if record.status not in ("ok", "skipped")]
    for record in bad[:10]:
        reason = record.failure.message if record.failure else ""
        err.print(
            f"{record.status}: {record.task_id} {record.label} seed {record.seed}: {reason} "
            f"(seqbench show {record.key[:12]})",
            markup=False,
            soft_wrap=True,
        )
    if len(bad) > 10:
        err.print(f"... and {len(bad) - 10} more")
    again = ",".join(sorted({record.status for record in bad} - {"interrupted"}))
    if again:
        out.print(f"Again:   the same command with --retry {again}", markup=False, soft_wrap=True)
    folder = benchmark.store.folder
    option = "" if str(benchmark.config.results) == "results" else f" --results {benchmark.config.results}"
    uri = benchmark.config.tracking_uri
    address = f" --tracking-uri {without_password(uri)}" if uri else ""
    out.print(f"Results: {folder}", markup=False, soft_wrap=True)
    out.print(f"MLflow:  seqbench ui{option}{address}", markup=False, soft_wrap=True)
