"""Observers that show a run's progress: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from seqbench.hookspecs import hookimpl

if TYPE_CHECKING:
    from seqbench.execution.jobs import Advance
    from seqbench.plan import Cell
    from seqbench.records import CellRecord, EpochRecord


QUICK_SECONDS = 1.0
"""A preparation that is quicker has no line."""


def remaining_seconds(elapsed: float, done: int, total: int) -> float | None:
    """Seconds to go if the rest take as long as those done; None before the first."""
    return elapsed / done * (total - done) if done else None


class PlainProgress:
    """One line per finished cell."""

    def __init__(self, cells: Sequence[Cell], console: Console) -> None:
        self.total, self.done, self.console = len(cells), 0, console

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    @hookimpl
    def seqbench_cell_finished(self, record: CellRecord) -> None:
        """Say what finished, and how."""
        self.done += 1
        score = record.metrics.get(record.primary)
        result = record.status if score is None else f"{record.primary} {score:.4f}"
        elapsed = time.monotonic() - self.started
        left = remaining_seconds(elapsed, self.done, self.total)
        eta = "" if not left else f", about {left:.0f} s to go"
        cell = f"{record.task_id} {record.label} seed {record.seed}"
        line = f"[{self.done}/{self.total}] {cell}: {result} ({elapsed:.0f} s{eta})"
        self.console.print(line, markup=False, soft_wrap=True)


class LiveProgress:
    """An overall bar with the time to go, and a line per running cell."""

    def __init__(self, cells: Sequence[Cell], workers: int, console: Console) -> None:
        self.total = len(cells)
        self.done = 0
        self.workers = workers
        self.lines: dict[str, TaskID] = {}
        self.begun: dict[str, float] = {}
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self.bars.start()
        self.started = time.monotonic()
        self.overall = self.bars.add_task("[bold]all cells", total=self.total, note="preparing data")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    @hookimpl
    def seqbench_preparation_advanced(self, advance: Advance) -> None:
        """A line for a preparation, once it has taken a second, until it is done."""
        name = f"prepare {advance.task}"
        begun = self.begun.setdefault(name, time.monotonic())
        if advance.done == advance.total:
            if name in self.lines:
                self.bars.remove_task(self.lines.pop(name))
        elif name in self.lines or time.monotonic() - begun > QUICK_SECONDS:
            if name not in self.lines:
                self.lines[name] = self.bars.add_task(name, total=advance.total, note=advance.what)
            self.bars.update(self.lines[name], completed=advance.done, total=advance.total, note=advance.what)

    @hookimpl
    def seqbench_epoch_finished(self, cell: Cell, epoch: EpochRecord) -> None:
        """Move the cell's line on."""
        value = epoch.validation_metric
        note = f"loss {epoch.train_loss:.4f}" if value is None else f"{cell.primary} {value:.4f}"
        if cell.key not in self.lines:
            name = f"{cell.task} {cell.label} seed {cell.seed}"
            self.lines[cell.key] = self.bars.add_task(
                name if len(name) <= 34 else f"{name[:33]}…", total=cell.trainer.get("max_epochs"), note=note
            )
        self.bars.update(self.lines[cell.key], completed=epoch.epoch, note=note)

    @hookimpl
    def seqbench_cell_finished(self, record: CellRecord) -> None:
        """Take the cell's line away and move the overall bar on."""
        if record.key in self.lines:
            self.bars.remove_task(self.lines.pop(record.key))
        self.done += 1
        left = remaining_seconds(time.monotonic() - self.started, self.done, self.total)
        self.bars.update(self.overall, completed=self.done, note=f"ETA {left or 0:.0f} s")
