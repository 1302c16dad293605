"""Training random cells of a results folder again, to see whether what it claims holds here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pluggy

from seqbench import hookspecs
from seqbench.benchmark import Benchmark
from seqbench.config import RunConfig
from seqbench.errors import ConfigError, DataError, StoreError, one_line
from seqbench.examples import PREDICTIONS, outputs_of, read_table
from seqbench.leaderboard import latest
from seqbench.observers import Observers
from seqbench.prepare import load, prepare
from seqbench.replan import replanned
from seqbench.sharing.archive import Archive
from seqbench.sharing.judge import FALSE, NOT_TRIED, Verdict, judged, obstacles
from seqbench.sharing.merge import merge
from seqbench.store import Store

if TYPE_CHECKING:
    from seqbench.hardware import Hardware
    from seqbench.plan import Cell
    from seqbench.recorded_data import RecordedData
    from seqbench.records import CellRecord
    from seqbench.registry import Registry


@contextmanager
def claims_of(path: Path, most_bytes: int) -> Iterator[tuple[Store, bool]]:
    """The results that an archive or a results folder claims, and whether they come from an archive.

    Raises ArchiveError for an archive that cannot be used, StoreError for a folder without records.
    """
    if path.is_dir():
        yield Store(path), False
        return
    with TemporaryDirectory(prefix="seqbench-claims-") as folder:
        store = Store(Path(folder))
        store.create()
        with Archive.opened(path, most_bytes) as archive:
            merge(store, [archive])
        yield store, True


def drawn(store: Store, count: int, seed: int) -> tuple[list[CellRecord], int]:
    """`count` random cells of those that ended `ok`, and of how many. The same seed draws the same cells.

    Raises StoreError when none did.
    """
    finished = [record for record in latest(store.records()).values() if record.status == "ok"]
    if not finished:
        raise StoreError(f"no cell in {store.folder} has a result: there is nothing to verify.")
    finished.sort(key=lambda record: record.key)
    chosen = random.Random(seed).sample(finished, min(count, len(finished)))  # noqa: S311 - a sample, no secret
    return sorted(chosen, key=lambda record: (record.task_id, record.label, record.seed)), len(finished)


@dataclass(frozen=True)
class Trial:
    """How cells are trained again. device: as `--device` has it; None for the kind that each was trained on.

    config: workers and limits. watched: cells → a context that gives an observer of their training.
    """

    registry: Registry
    plugin_files: tuple[str, ...]
    hardware: Hardware
    data: RecordedData
    config: RunConfig
    device: str | None = None
    is_stopped: Callable[[], bool] = lambda: False
    watched: Callable[[Sequence[Cell]], AbstractContextManager[object]] = lambda cells: nullcontext(object())

    def verify(self, claims: Store, chosen: Sequence[CellRecord], here: Path) -> list[Verdict]:
        """The verdicts on the chosen claims, in their order. here: an empty results folder for what is trained.

        Raises KeyboardInterrupt when it is stopped.
        """
        verdicts: dict[str, Verdict] = {}
        planned: dict[str, tuple[CellRecord, Cell, list[str]]] = {}
        for claim in chosen:
            try:
                cell = self._planned(claim)
            except (ConfigError, DataError) as error:
                verdicts[claim.key] = Verdict.of(claim, NOT_TRIED, str(error).rstrip("."))
                continue
            except Exception as error:  # anybody may have written the record
                why = f"its record cannot be planned ({type(error).__name__}: {one_line(error)})"
                verdicts[claim.key] = Verdict.of(claim, NOT_TRIED, why)
                continue
            verdict, differs = _before_training(claim, cell)
            if verdict is None:
                planned[claim.key] = claim, cell, differs
            else:
                verdicts[claim.key] = verdict
        store = Store(here)
        store.create()
        refused = self._train([cell for _, cell, _ in planned.values()], store)
        again = latest(store.records())
        series = _series(claims, [claim for claim, _, _ in planned.values()])
        for key, (claim, cell, differs) in planned.items():
            if cell.key in refused or cell.key not in again:
                verdicts[key] = Verdict.of(claim, NOT_TRIED, refused.get(cell.key, "it was not trained"))
            else:
                found = again[cell.key]
                own = self._own_metrics(claim, cell, claims.folder)
                verdicts[key] = judged(claim, found, claims.folder, here, series[claim.series], differs, own)
        return [verdicts[claim.key] for claim in chosen]

    def _planned(self, claim: CellRecord) -> Cell:
        """The claim's cell as it would be trained here."""
        located = self.data.located(claim)
        return replanned(replace(located.record, device_kind=self._kind(claim)), self.registry)

    def _own_metrics(self, claim: CellRecord, cell: Cell, claims: Path) -> dict[str, float] | None:
        """What the claim's stored outputs score by the task as it is here; None where they cannot be scored."""
        path = claims / claim.folder / PREDICTIONS
        table = read_table(path)
        if table is None:
            return None
        spec = self.registry.tasks[cell.task]
        try:
            data = load(Path(prepare(spec, cell.location, cell.task_params, cell.data_key).folder))
            outputs = outputs_of(table, data, path)
            return {name: float(metric(outputs, data.test)) for name, metric in spec.metrics.items()}
        except Exception:  # outputs that anybody may have written
            return None

    def _kind(self, claim: CellRecord) -> str:
        """The kind of device that a claim is tried on."""
        kinds = [device.kind for device in self.hardware.devices]
        if self.device is not None:
            return self.hardware.choose(self.device)[0].kind
        wanted = claim.device_kind or "cpu"
        return wanted if wanted in kinds else self.hardware.choose("auto")[0].kind

    def _train(self, cells: Sequence[Cell], store: Store) -> dict[str, str]:
        """Train cells through the engine, isolated as in any run. Gives why, by key, where data was refused."""
        distinct = {cell.key: cell for cell in cells}
        refused: dict[str, str] = {}
        for kind in sorted({cell.device_kind for cell in cells}):
            refused |= self._train_on(kind, [cell for cell in distinct.values() if cell.device_kind == kind], store)
        return refused

    def _train_on(self, kind: str, cells: Sequence[Cell], store: Store) -> dict[str, str]:
        wanted = self.device if self.device and self.hardware.choose(self.device)[0].kind == kind else kind
        benchmark = Benchmark(
            config=replace(self.config, results=store.folder, device=wanted),
            registry=replace(self.registry, manager=_without_observers()),
            plugin_files=self.plugin_files,
            hardware=self.hardware,
            devices=self.hardware.choose(wanted),
            cells=tuple(cells),
            store=store,
            recorded={},
        )
        manager = benchmark.registry.manager
        engine = benchmark.engine(benchmark.executor(), Observers(manager), benchmark.run(), self.is_stopped)
        try:
            with self.watched(cells) as display:
                manager.register(display)
                engine.execute(cells)
        except DataError as error:
            return self._one_by_one(kind, cells, store, error)
        return {}

    def _one_by_one(self, kind: str, cells: Sequence[Cell], store: Store, error: DataError) -> dict[str, str]:
        """The engine ends at data that cannot be used: the cells of other data are trained without it."""
        keys = sorted({cell.data_key for cell in cells})
        if len(keys) == 1:
            return {cell.key: one_line(error).rstrip(".") for cell in cells}
        refused: dict[str, str] = {}
        for key in keys:
            refused |= self._train_on(kind, [cell for cell in cells if cell.data_key == key], store)
        return refused


def _before_training(claim: CellRecord, cell: Cell) -> tuple[Verdict | None, list[str]]:
    """The verdict where none needs to be trained, else None; and what is not as it was."""
    blocking, differs = obstacles(claim, cell)
    if blocking:
        return Verdict.of(claim, NOT_TRIED, "; ".join(blocking), differs=tuple(differs)), differs
    if (code := _rescored_by_other_code(claim, cell)) is not None:
        why = f"its metrics were computed again by other code of the task (version {code})"
        return Verdict.of(claim, NOT_TRIED, why, differs=tuple(differs)), differs
    if cell.skip:
        return Verdict.of(claim, NOT_TRIED, cell.skip), differs
    is_named_alike = (cell.task_id, cell.label) == (claim.task_id, claim.label)
    if not differs and cell.key != claim.key and is_named_alike:
        why = "its key does not follow from what it says of itself: the record was altered"
        return Verdict.of(claim, FALSE, why), differs
    return None, differs


def _rescored_by_other_code(claim: CellRecord, cell: Cell) -> str | None:
    """The version of the task that the claim's metrics are by, where it is not the one that is installed."""
    note, task = claim.provenance.get("rescored"), cell.provenance.get("task")
    if not isinstance(note, Mapping) or not isinstance(task, Mapping):
        return None
    return None if note.get("source_hash") == task.get("source_hash") else str(note.get("version"))


def _series(claims: Store, chosen: Iterable[CellRecord]) -> dict[str, list[CellRecord]]:
    """By series, all claims of it that have a result."""
    found: dict[str, list[CellRecord]] = {claim.series: [] for claim in chosen}
    for record in latest(claims.records()).values():
        if record.series in found and record.status == "ok":
            found[record.series].append(record)
    return found


def _without_observers() -> pluggy.PluginManager:
    """Nobody hears of a trial: it is no run, and MLflow has nothing to log."""
    manager = pluggy.PluginManager("seqbench")
    manager.add_hookspecs(hookspecs)
    return manager
