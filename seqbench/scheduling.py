"""Which cell starts next, and on which device: the longest first, where its memory fits."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from seqbench.hardware import Device
from seqbench.plan import Cell

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.prepare import Prepared

USABLE = 0.9
"""Of a device's memory, what cells may be expected to take together."""
CONTEXT_BYTES = 500_000_000
"""What a process takes of a CUDA device before its first tensor, about: no allocator's count shows it."""
LOOK_AHEAD = 64
"""How many cells are looked at for one whose memory fits now."""


@dataclass(frozen=True)
class Ready:
    """A cell whose data is prepared, and what it is expected to cost (None: unknown, so it counts as long)."""

    cell: Cell
    prepared: Prepared
    cost: Cost | None = None

    @property
    def seconds(self) -> float:
        """Expected."""
        return math.inf if self.cost is None else self.cost.seconds

    def memory_on(self, device: Device) -> int:
        """Expected bytes on the device; where nothing is known, all of a GPU."""
        if device.kind != "cuda":
            return self.cost.memory_bytes if self.cost else 0
        return CONTEXT_BYTES + (self.cost.memory_bytes if self.cost else device.memory_bytes)


@dataclass
class Queue:
    """Cells that can start, the longest first; equals in the order in which they came."""

    _heap: list[tuple[float, int, Ready]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, ready: Ready) -> None:
        """Put a cell in."""
        heapq.heappush(self._heap, (-ready.seconds, next(self._order), ready))

    def take(self, devices: Devices) -> tuple[Ready, Device] | None:
        """The longest cell for which a device has room, and that device; None when there is none now."""
        passed: list[tuple[float, int, Ready]] = []
        found = None
        while self._heap and found is None and len(passed) < LOOK_AHEAD:
            entry = heapq.heappop(self._heap)
            device = devices.room_for(entry[2])
            if device is None:
                passed.append(entry)
            else:
                found = entry[2], device
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return found


@dataclass
class Devices:
    """What runs on each device, and what memory it is expected to take.

    chosen: where networks run. cpu: where what fits itself runs (baselines, estimators).
    """

    chosen: Sequence[Device]
    cpu: Device
    _cells: Counter[str] = field(default_factory=Counter)
    _memory: Counter[str] = field(default_factory=Counter)

    def room_for(self, ready: Ready) -> Device | None:
        """The least busy device that has room; one that is empty always has."""
        able = self.chosen if ready.cell.is_network else [self.cpu]
        free = [device for device in able if self._fits(ready, device)]
        return min(free, key=lambda device: self._cells[device.id], default=None)

    def _fits(self, ready: Ready, device: Device) -> bool:
        together = self._memory[device.id] + ready.memory_on(device)
        return not self._cells[device.id] or together <= USABLE * device.memory_bytes

    def started(self, ready: Ready, device: Device) -> None:
        """The cell runs there now."""
        self._cells[device.id] += 1
        self._memory[device.id] += ready.memory_on(device)

    def ended(self, ready: Ready, device: Device) -> None:
        """The cell runs there no more."""
        self._cells[device.id] -= 1
        self._memory[device.id] -= ready.memory_on(device)
