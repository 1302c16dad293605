"""A campaign of measurements: the costs of each row of the boards, taken again one after the other, alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, TypeVar

from seqbench.errors import ConfigError, DataError, StoreError
from seqbench.examples import PREDICTIONS
from seqbench.execution.jobs import MeasureJob, PrepareJob
from seqbench.execution.local import LocalExecutor
from seqbench.hardware import Device, Hardware, busy_percent
from seqbench.leaderboard import grouped
from seqbench.measurements import BUSY_PERCENT, Measurement, Taken
from seqbench.naming import nearest
from seqbench.replan import replanned
from seqbench.serving import WEIGHTS
from seqbench.version import __version__, installed_version

if TYPE_CHECKING:
    from seqbench.records import CellRecord
    from seqbench.registry import Registry
    from seqbench.store import Store

T = TypeVar("T")

POLL_SECONDS = 0.2
TOLERANCE = 1e-3
"""How far test outputs may be from the stored ones, relative to the largest: other processors round differently."""


def rows_of(store: Store, tasks: Collection[str] = (), models: Collection[str] = ()) -> list[CellRecord]:
    """For each row of the boards that a model was trained for, its lowest seed that has weights, else its lowest.

    tasks, models: only these, by name or as the board has them; empty for all. Raises ConfigError for one that is on no
    board, StoreError where there is nothing to measure.
    """
    groups = [group for task in grouped(store.records()).values() for group in task]
    done = [[record for record in group if record.status == "ok" and record.is_network] for group in groups]
    trained = [group for group in done if group]
    if not trained:
        raise StoreError(f"there is no trained model in {store.folder}: run seqbench run first, or choose --results.")
    _check("task", tasks, [name for group in trained for name in (group[0].task_id, group[0].task)])
    _check("model", models, [name for group in trained for name in (group[0].label, group[0].model)])
    wanted = [group for group in trained if _is_among(group[0], tasks, models)]
    if not wanted:
        raise ConfigError(f"{', '.join(models)} has no row on the board of {', '.join(tasks)}.")
    return [_with_weights(group, store) for group in wanted]


def _check(kind: str, wanted: Iterable[str], known: Collection[str]) -> None:
    for name in wanted:
        if name not in known:
            raise ConfigError(f"there is no {kind} '{name}' on the boards{nearest(name, set(known))}")


def _is_among(record: CellRecord, tasks: Collection[str], models: Collection[str]) -> bool:
    return (not tasks or bool({record.task, record.task_id} & set(tasks))) and (
        not models or bool({record.model, record.label} & set(models))
    )


def _with_weights(group: list[CellRecord], store: Store) -> CellRecord:
    kept = (record for record in group if (store.folder / record.folder / WEIGHTS).is_file())
    return next(kept, group[0])


@dataclass(frozen=True)
class Campaign:
    """How rows are measured. wanted: the device as `--device` has it; None for the kind that each was trained on.

    is_stopped: asked several times a second; True raises KeyboardInterrupt.
    """

    store: Store
    registry: Registry
    plugin_files: tuple[str, ...]
    hardware: Hardware
    repeats: int
    wanted: str | None = None
    is_stopped: Callable[[], bool] = lambda: False

    def device(self, record: CellRecord) -> Device:
        """Where a row is measured. Raises ConfigError when the machine has no such device."""
        if self.wanted is not None:
            return self.hardware.choose(self.wanted)[0]
        kind = record.device_kind or "cpu"
        found = next((device for device in self.hardware.devices if device.kind == kind), None)
        if found is None:
            raise ConfigError(f"it was trained on {kind}, which this machine has not: give --device.")
        return found

    def is_measured(self, record: CellRecord, found: Measurement | None) -> bool:
        """Was the row measured like this before, when the machine was idle?"""
        if found is None or found.repeats < self.repeats or not found.was_alone:
            return False
        here = self._environment(record)
        return all(found.environment.get(name) == here[name] for name in ("cpu", "device", "torch"))

    def measure(self, record: CellRecord) -> Measurement:
        """Measure a row, in a new process that nothing runs beside.

        Raises SeqbenchError's kinds for what the user can mend, whatever the plugins raise in the worker, and
        LostWorkerError.
        """
        weights = self.store.folder / record.folder / WEIGHTS
        if not weights.is_file():
            raise StoreError(f"its weights are not in {weights.parent}: train it again (--force).")
        device = self.device(record)
        cell = replanned(record, self.registry)
        prepared = self._in_worker(lambda executor: executor.prepare(PrepareJob.of(cell)))
        if prepared.fingerprint != record.data.get("fingerprint"):
            raise DataError(
                f"its data is not what it was trained on: {cell.origin or cell.location}, or how {cell.task} prepares "
                "it, has changed since; train it again."
            )
        load = busy_percent(device.id)
        job = MeasureJob(
            cell=replace(cell, key=record.key, series=record.series),
            prepared=prepared,
            device=device.id,
            weights=str(weights),
            predictions=str(weights.with_name(PREDICTIONS)),
            repeats=self.repeats,
        )
        taken = self._in_worker(lambda executor: executor.measure(job))
        has_new_code = cell.provenance["model"] != record.provenance.get("model")
        return self._measurement(record, taken, load, tuple(_remarks(taken, load, has_new_code)))

    def _measurement(self, record: CellRecord, taken: Taken, load: float, remarks: tuple[str, ...]) -> Measurement:
        by_cost = {name: [values[name] for values in taken.repeats] for name in taken.repeats[0]}
        return Measurement(
            key=record.key,
            values={name: fmean(values) for name, values in by_cost.items()} | {"batch_size": float(taken.batch_size)},
            spread={name: stdev(values) for name, values in by_cost.items()} if len(taken.repeats) > 1 else {},
            repeats=len(taken.repeats),
            measured_at=time.time(),
            environment={**self._environment(record), "load_percent": load},
            remarks=remarks,
        )

    def _environment(self, record: CellRecord) -> dict[str, Any]:
        device = self.device(record)
        return {
            **self.hardware.to_json(),
            "device": device.id,
            "device_kind": device.kind,
            "trained_on": record.device_kind or "cpu",
            "seqbench": __version__,
            **{name: installed_version(name) for name in ("torch", "numpy")},
        }

    def _in_worker(self, start: Callable[[LocalExecutor], Future[T]]) -> T:
        """What a job gives that is run in a worker of its own; the worker has ended then."""
        executor = LocalExecutor(1, self.plugin_files)
        is_whole = False
        try:
            future = start(executor)
            while not future.done():
                wait([future], timeout=POLL_SECONDS)
                executor.watch()
                if self.is_stopped():
                    raise KeyboardInterrupt
            found = future.result()
            is_whole = True
            return found
        finally:
            executor.close(kill=not is_whole)


def _remarks(taken: Taken, load: float, has_new_code: bool) -> Iterable[str]:
    """What a reader should know of a measurement, in sentences."""
    if load > BUSY_PERCENT:
        yield f"the machine was {load:.0f} % busy just before: stop what else runs there and measure again"
    if taken.deviation is None:
        yield "no stored predictions were there to compare those of the loaded weights with"
    elif taken.deviation > TOLERANCE:
        yield (
            f"its test predictions are not the stored ones (they differ by {taken.deviation:.2g} of the largest): "
            "the model's code or what it is built on has changed since; train it again"
        )
    elif has_new_code:
        yield "the model's code or PyTorch is not what it was trained with, though it predicts the same"
