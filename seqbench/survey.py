"""Pilots through an executor: what nothing is known of is measured, one cell per series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqbench.errors import DataError, one_line
from seqbench.execution.jobs import CellJob, Executor, Limits, PrepareJob
from seqbench.sources import BUILTIN

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.plan import Cell

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Finding:
    """A pilot's end: the cell that stood for its series, and its cost, or None and the reason."""

    cell: Cell
    cost: Cost | None
    reason: str = ""


def one_per_series(cells: Iterable[Cell]) -> list[Cell]:
    """The first cell of each series that a pilot can measure: a network, and no pair that cannot work."""
    first: dict[str, Cell] = {}
    for cell in cells:
        if cell.is_network and not cell.skip:
            first.setdefault(cell.series, cell)
    return list(first.values())


def survey(executor: Executor, cells: Iterable[Cell], device: str, environment: Mapping[str, Any]) -> Iterator[Finding]:
    """Measure each cell, and yield what was found as it comes; the executor is closed at the end.

    Raises DataError when a source that the user named cannot be used, as a run does.
    """
    waiting: dict[str, list[Cell]] = {}
    for cell in cells:
        waiting.setdefault(cell.data_key, []).append(cell)
    preparing: dict[Future[Any], PrepareJob] = {}
    measuring: dict[Future[Any], Cell] = {}
    whole = False
    try:
        for group in waiting.values():
            job = PrepareJob.of(group[0])
            preparing[executor.prepare(job)] = job
        while preparing or measuring:
            done, _ = wait([*preparing, *measuring], timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            executor.watch()
            for future in done:
                if future in measuring:
                    yield _finding(measuring.pop(future), future)
                    continue
                job = preparing.pop(future)
                error = future.exception()
                if isinstance(error, DataError) and job.location != BUILTIN:
                    raise error
                for cell in waiting[job.key]:
                    if error is not None:
                        yield _finding(cell, future)
                    else:
                        measuring[
                            executor.pilot(
                                CellJob(cell, future.result(), job, device, environment, Limits().of_pilot())
                            )
                        ] = cell
        whole = True
    finally:
        executor.close(kill=not whole)


def _finding(cell: Cell, future: Future[Any]) -> Finding:
    error = future.exception()
    if error is None:
        return Finding(cell, future.result())
    return Finding(cell, None, one_line(error))
