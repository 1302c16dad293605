"""What cells are expected to cost: from past records of the same series, else from pilots of a few steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from seqbench.records import CellRecord

if TYPE_CHECKING:
    from seqbench.plan import Cell


@dataclass(frozen=True, slots=True)
class Cost:
    """What one cell takes: wall seconds in its worker, peak bytes of memory on its device, bytes of files on disk.

    source: `records`, `pilot`, or `relative` (an earlier version of the same model on the same task).
    """

    seconds: float
    memory_bytes: int
    disk_bytes: int
    source: str = "records"


@dataclass
class Estimates:
    """Costs by series; seeds of one series cost the same. earlier: by (task id, label, device kind)."""

    by_series: dict[str, Cost] = field(default_factory=dict)
    earlier: dict[tuple[str, str, str], Cost] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[CellRecord], pilots: Mapping[str, Cost] | None = None) -> Estimates:
        """From records that ended ok, and from remembered pilots (by series) where there is no record."""
        groups: dict[str, list[CellRecord]] = {}
        for record in records:
            if record.status == "ok":
                groups.setdefault(record.series, []).append(record)
        found = {series: _mean_cost(group) for series, group in groups.items()}
        return cls({**(pilots or {}), **found})

    def cost(self, cell: Cell) -> Cost | None:
        """What the cell will cost, None where nothing is known."""
        return self.by_series.get(cell.series)

    def add(self, series: str, cost: Cost) -> None:
        """Learn a pilot's measure; what a record says is better and stays."""
        self.by_series.setdefault(series, cost)


def _mean_cost(records: list[CellRecord]) -> Cost:
    costs = [record.costs for record in records]
    return Cost(
        seconds=fmean(cost.build_seconds + cost.fit_seconds + cost.evaluate_seconds for cost in costs),
        memory_bytes=max(cost.peak_memory_bytes or 0 for cost in costs),
        disk_bytes=0,
    )
