"""What cells are expected to cost: from past records of the same series, else from pilots of a few steps."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from seqbench.cache import cache_folder
from seqbench.records import Outcome

if TYPE_CHECKING:
    from seqbench.plan import Cell

PILOTS = "pilots.jsonl"
"""The pilots of this machine, in the cache folder: one line each."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one cell takes: wall seconds in its worker, peak bytes of memory on its device, bytes of files on disk.

    source: `records`, `pilot`, or `relative` (an earlier version of the same model on the same task).
    """

    seconds: float
    memory_bytes: int
    disk_bytes: int
    source: str = "records"


@dataclass(frozen=True)
class Total:
    """What several cells take together: wall seconds of all workers, bytes of memory at once, bytes on disk.

    sources: how many cells' costs come from where; `unknown` counts those that are in no sum.
    """

    seconds: float
    memory_bytes: int
    disk_bytes: int
    sources: Mapping[str, int]


@dataclass
class Estimates:
    """Costs by series; seeds of one series cost the same. earlier: by (task id, label, device kind)."""

    by_series: dict[str, Cost] = field(default_factory=dict)
    earlier: dict[tuple[str, str, str], Cost] = field(default_factory=dict)

    @classmethod
    def of(
        cls, records: Iterable[Outcome], pilots: Mapping[str, Cost] | None = None, results: Path | None = None
    ) -> Estimates:
        """From records that ended ok, and from remembered pilots (by series) where there is no record.

        results: the results folder of the records, to measure their files; without it they count as nothing.
        """
        groups: dict[str, list[Outcome]] = {}
        for record in records:
            if record.status == "ok":
                groups.setdefault(record.series, []).append(record)
        found = {series: _mean_cost(group, results) for series, group in groups.items()}
        oldest_first = sorted(groups.values(), key=lambda group: max(record.finished_at for record in group))
        earlier = {_likeness(group[0]): replace(found[group[0].series], source="relative") for group in oldest_first}
        return cls({**(pilots or {}), **found}, earlier)

    def cost(self, cell: Cell) -> Cost | None:
        """What the cell will cost, None where nothing is known."""
        return self.by_series.get(cell.series) or self.earlier.get(_likeness(cell))

    def add(self, series: str, cost: Cost) -> None:
        """Learn a pilot's measure; what a record says is better and stays."""
        self.by_series.setdefault(series, cost)

    def total(self, cells: Iterable[Cell], workers: int) -> Total:
        """What the cells cost on `workers` workers, those with most work first, at most `workers` of them at once."""
        costs = [self.cost(cell) for cell in cells]
        known = [cost for cost in costs if cost is not None]
        return Total(
            seconds=makespan([cost.seconds for cost in known], workers),
            memory_bytes=sum(heapq.nlargest(workers, (cost.memory_bytes for cost in known))),
            disk_bytes=sum(cost.disk_bytes for cost in known),
            sources=Counter("unknown" if cost is None else cost.source for cost in costs),
        )


def makespan(seconds: Iterable[float], workers: int) -> float:
    """When the last of `workers` is done if whoever is free takes the longest that is left (Graham 1969)."""
    free_at = [0.0] * workers
    for duration in sorted(seconds, reverse=True):
        heapq.heapreplace(free_at, free_at[0] + duration)
    return max(free_at)


def remembered() -> dict[str, Cost]:
    """By series, the pilots of earlier commands on this machine; a damaged line is as if it were not there."""
    found: dict[str, Cost] = {}
    with suppress(OSError), (cache_folder() / PILOTS).open("rb") as lines:
        for line in lines:
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                values: dict[str, Any] = json.loads(line)
                series = str(values.pop("series"))
                found[series] = _checked(Cost(**values))
    return found


def remember(series: str, cost: Cost) -> None:
    """Keep a pilot for later commands. Where the cache cannot be written it is measured again."""
    line = "\n" + json.dumps({"series": series, **asdict(cost)})  # begins anew, whatever the file ends with
    with suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        with (cache_folder() / PILOTS).open("ab", buffering=0) as file:
            file.write(line.encode())


def _checked(cost: Cost) -> Cost:
    """The cost as numbers. Raises TypeError or ValueError for anything else."""
    return Cost(float(cost.seconds), int(cost.memory_bytes), int(cost.disk_bytes), str(cost.source))


def _likeness(thing: Cell | Outcome) -> tuple[str, str, str]:
    return thing.task_id, thing.label, thing.device_kind


def _mean_cost(records: list[Outcome], results: Path | None) -> Cost:
    costs = [record.costs for record in records]
    return Cost(
        seconds=fmean(cost.build_seconds + cost.fit_seconds + cost.evaluate_seconds for cost in costs),
        memory_bytes=max(cost.peak_memory_bytes or 0 for cost in costs),
        disk_bytes=_bytes_in(results / records[-1].folder) if results else 0,
    )


def _bytes_in(folder: Path) -> int:
    """Of the files of a cell; 0 where they were deleted."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0
