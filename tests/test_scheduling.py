"""Which cell starts next, and where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seqbench.estimates import Cost
from seqbench.hardware import Device
from seqbench.plan import Cell
from seqbench.prepare import Prepared
from seqbench.scheduling import CONTEXT_BYTES, Devices, Queue, Ready

GIB = 1 << 30
CPU = Device("cpu", "a processor", 16 * GIB)
GPUS = (Device("cuda:0", "a GPU", 8 * GIB), Device("cuda:1", "a GPU", 8 * GIB))
PREPARED = Prepared("", "", 0.0, (1, 1, 1), 1, {})


@pytest.fixture
def cell() -> Cell:
    """Some cell of a model."""
    return Cell(
        task="toy",
        location="builtin",
        source="builtin",
        task_id="toy@builtin",
        model="m",
        label="m",
        is_baseline=False,
        seed=0,
        device_kind="cuda",
        primary="accuracy",
        higher_is_better=True,
        task_params={},
        model_params={},
        trainer={"max_epochs": 1},
        provenance={},
    )


def ready(cell: Cell, name: str, seconds: float | None, memory: int = 0) -> Ready:
    """A cell of that name with a cost, or with none."""
    cost = None if seconds is None else Cost(seconds, memory, 0)
    return Ready(replace(cell, label=name), PREPARED, cost)


def test_longest_first_unknown_before_all(cell: Cell) -> None:
    """Unknown ones start first, then the longest; equals in the order in which they came."""
    queue, devices = Queue(), Devices([CPU], CPU)
    for name, seconds in (("short", 1.0), ("long", 9.0), ("unknown", None), ("long too", 9.0)):
        queue.add(ready(cell, name, seconds))
    taken = []
    while found := queue.take(devices):
        taken.append(found[0].cell.label)
    assert ["unknown", "long", "long too", "short"] == taken


def test_workers_share_a_gpu_by_measured_memory(cell: Cell) -> None:
    """Cells go to the least busy GPU until the memory that they are expected to take is full; then a smaller one may
    pass a larger one, and what ends makes room.
    """
    queue, devices = Queue(), Devices(GPUS, CPU)
    large = 8 * GIB // 2 - CONTEXT_BYTES
    for name, seconds, memory in (("a", 9.0, large), ("b", 8.0, large), ("c", 7.0, large), ("small", 1.0, GIB)):
        queue.add(ready(cell, name, seconds, memory))
    started = []
    while found := queue.take(devices):
        devices.started(*found)
        started.append((found[0].cell.label, found[1].id))
    assert [("a", "cuda:0"), ("b", "cuda:1"), ("small", "cuda:0")] == started
    assert 1 == len(queue)
    devices.ended(ready(cell, "b", 8.0, large), GPUS[1])
    found = queue.take(devices)
    assert found is not None
    assert ("c", "cuda:1") == (found[0].cell.label, found[1].id)


def test_what_fits_nowhere_runs_alone(cell: Cell) -> None:
    """A cell that is expected to take more than the device has is tried on an empty one, and blocks none before."""
    queue, devices = Queue(), Devices(GPUS[:1], CPU)
    huge = ready(cell, "huge", 5.0, 99 * GIB)
    queue.add(huge)
    found = queue.take(devices)
    assert found is not None
    devices.started(*found)
    queue.add(ready(cell, "next", 1.0))
    assert queue.take(devices) is None


def test_baselines_run_on_the_cpu_beside_gpus(cell: Cell) -> None:
    """A baseline takes no GPU, so both kinds of device work at once."""
    queue, devices = Queue(), Devices(GPUS, CPU)
    queue.add(Ready(replace(cell, is_baseline=True, trainer={}), PREPARED))
    found = queue.take(devices)
    assert found is not None
    assert "cpu" == found[1].id
