"""New metrics from stored predictions, without training: records are appended anew where a metric has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from seqbench.errors import DataError, SeqbenchError, one_line
from seqbench.examples import PREDICTIONS, outputs_of, read_table
from seqbench.leaderboard import latest
from seqbench.params import dump, validate
from seqbench.records import validated_by
from seqbench.sharing.compare import same_number
from seqbench.version import __version__

if TYPE_CHECKING:
    from seqbench.evaluation import Evaluation
    from seqbench.recorded_data import RecordedData
    from seqbench.records import CellRecord
    from seqbench.registry import Registry
    from seqbench.spec import TaskData, TaskSpec
    from seqbench.store import Store


@dataclass(frozen=True)
class Rescored:
    """What became of one cell. changes: in words; none where all is as it was. problem: why it was left as it is."""

    key: str
    task_id: str
    label: str
    seed: int
    changes: tuple[str, ...] = ()
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {**vars(self), "changes": list(self.changes)}


@dataclass
class Rescorer:
    """Computes the metrics of recorded cells again, with the task plugins that are installed now."""

    store: Store
    registry: Registry
    data: RecordedData
    _prepared: dict[str, TaskData] = field(default_factory=dict)

    def rescore(self, tasks: Collection[str] = (), *, writes: bool = True) -> Iterator[Rescored]:
        """Each cell that ended `ok`, one after the other; only for whoever holds the store's `run_lock`.

        Where metrics, remarks or further columns of the predictions come out differently, the record is appended anew
        with its key, series and times as they were, and `provenance.rescored` says with what; nothing is written where
        nothing changed. tasks: only these, by name or id; empty for all. writes: False only says what would change.
        Raises FullError when the disk refuses.
        """
        records = latest(self.store.records()).values()
        for record in sorted(records, key=lambda record: (record.task_id, record.label, record.seed)):
            if record.status == "ok" and (not tasks or {record.task, record.task_id} & set(tasks)):
                yield self._one(record, writes)

    def _one(self, record: CellRecord, writes: bool) -> Rescored:
        where = (record.key, record.task_id, record.label, record.seed)
        try:
            evaluation = self._evaluated(record)
        except SeqbenchError as error:
            return Rescored(*where, problem=one_line(error).rstrip("."))
        except Exception as error:  # of a plugin's function
            return Rescored(
                *where, problem=f"its task '{record.task}' raised {type(error).__name__}: {one_line(error)}"
            )
        spec = self.registry.tasks[record.task]
        path = self.store.folder / record.folder / PREDICTIONS
        has_new_columns = path.read_bytes() != evaluation.predictions
        changes = (*changed(record, spec, evaluation), *(("columns of the predictions",) if has_new_columns else ()))
        if changes and writes:
            files = _files(path.parent, evaluation.predictions) if has_new_columns else {}
            self.store.append(self._new(record, spec, evaluation), files)
        return Rescored(*where, changes)

    def _evaluated(self, record: CellRecord) -> Evaluation:
        """Raises DataError when the data, or the examples of its test split, are not those of the predictions."""
        from seqbench.evaluation import evaluate

        path = self.store.folder / record.folder / PREDICTIONS
        table = read_table(path)
        if table is None:
            raise DataError(f"there are no readable predictions at {path}.")
        data = self._data(record)
        outputs = outputs_of(table, data, path)
        return evaluate(self.registry.tasks[record.task], outputs, data.test)

    def _data(self, record: CellRecord) -> TaskData:
        from seqbench.prepare import load, prepare

        located = self.data.located(record)
        key = located.data_key(self.registry)
        if key not in self._prepared:
            spec = self.registry.tasks[record.task]
            params = validate(spec.params, located.record.parameters["task"], f"tasks.{spec.name}")
            prepared = prepare(spec, located.location, dump(spec.params, params), key)
            self._prepared[key] = load(Path(prepared.folder))
        return self._prepared[key]

    def _new(self, record: CellRecord, spec: TaskSpec, evaluation: Evaluation) -> CellRecord:
        info = self.registry.info("task", spec.name)
        note = {
            "at": time(),
            "seqbench": __version__,
            "distribution": info.distribution,
            "version": info.version,
            "source_hash": info.source_hash,
            "validated_by": validated_by(record),
        }
        return replace(
            record,
            metrics=evaluation.metrics,
            remarks=evaluation.remarks,
            primary=spec.primary,
            higher_is_better=spec.higher_is_better,
            provenance={**record.provenance, "rescored": note},
        )


def changed(record: CellRecord, spec: TaskSpec, evaluation: Evaluation) -> list[str]:
    """What of a record is not what the task says now, in words."""
    old, new = record.metrics, evaluation.metrics
    found = []
    for name in (*new, *(name for name in sorted(old) if name not in new)):
        if name not in old:
            found.append(f"{name} {new[name]:.6g} is new")
        elif name not in new:
            found.append(f"{name} {old[name]:.6g} is gone")
        elif not same_number(old[name], new[name]):
            found.append(f"{name} {old[name]:.6g} → {new[name]:.6g}")
    if (record.primary, record.higher_is_better) != (spec.primary, spec.higher_is_better):
        better = "higher" if spec.higher_is_better else "lower"
        found.append(f"ranked by {spec.primary} ({better} is better) in place of {record.primary}")
    if record.remarks != evaluation.remarks:
        found.append("remarks")
    return found


def _files(folder: Path, predictions: bytes) -> dict[str, bytes]:
    """All files of a cell, with new predictions: they are written together or not at all."""
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return {**kept, PREDICTIONS: predictions}
