"""Writing the projection into MLflow: what is missing is created, what differs is updated, the rest is left alone.

So `sync` can be called any number of times, after any interruption, and never makes a double.
"""

from __future__ import annotations

import getpass
import json
import logging
import math
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench.errors import SeqbenchError
from seqbench.leaderboard import board, latest
from seqbench.records import CellRecord
from seqbench.report.plots import plots_for
from seqbench.tracking.address import artifact_location, quieten
from seqbench.tracking.projection import (
    FINISHED_AT,
    KEY,
    KIND,
    SEED,
    SERIES,
    Point,
    RunContent,
    Series,
    experiment_name,
    seed_content,
    series_content,
    series_of,
)
from seqbench.tracking.view import experiment_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

log = logging.getLogger("seqbench")

PARENT = "mlflow.parentRunId"
ENDED = ("FINISHED", "FAILED", "KILLED")


class TrackingError(SeqbenchError):
    """MLflow cannot be reached, or an experiment cannot be written, for a reason that the user can mend."""


@dataclass
class Held:
    """A run as MLflow holds it. metrics: the latest value of each."""

    id: str
    status: str = "RUNNING"
    end: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Held:
        """From MLflow's own object."""
        data = run.data
        return cls(run.info.run_id, run.info.status, run.info.end_time, data.params, data.metrics, data.tags)

    def has_ended_with(self, content: RunContent) -> bool:
        """Is this, or a newer result of the same cell, already held as a whole?"""
        return self.status in ENDED and self.finished_at >= float(content.tags[FINISHED_AT])

    @property
    def finished_at(self) -> float:
        """When the newest record that went in had ended: seconds since 1970 UTC."""
        return float(self.tags.get(FINISHED_AT, "0"))


@dataclass
class Experiment:
    """A task's experiment: its runs by cell key (nested ones) and by series (model-level ones)."""

    id: str
    tags: dict[str, str]
    seeds: dict[str, Held] = field(default_factory=dict)
    models: dict[str, Held] = field(default_factory=dict)


class Tracker:
    """One MLflow, and the results folder whose records it is to show.

    Its methods raise MLflow's own errors when it cannot be reached.
    """

    def __init__(self, tracking_uri: str, results: Path) -> None:
        self.tracking_uri, self.results = tracking_uri, results
        self._client: MlflowClient | None = None
        self._experiments: dict[str, Experiment] = {}
        self._uploaded: set[tuple[str, float]] = set()

    def connect(self) -> MlflowClient:
        """Import MLflow, and set up its database where there is none: seconds, but only once."""
        if self._client is None:
            quieten()
            from mlflow import MlflowClient

            client = MlflowClient(tracking_uri=self.tracking_uri)
            client.search_experiments(max_results=1)
            self._client = client
        return self._client

    def log_cell(self, record: CellRecord) -> None:
        """Log one finished cell at once; numbers that need other records (means, ranks) are left to `sync`."""
        for series in series_of([record]):
            experiment = self._experiment(record.task_id)
            held = self._model_run(experiment, series)
            if series.is_baseline:
                self._upload(held, record)
            else:
                self._write_seed(experiment, record, held.id)

    def sync(self, records: Iterable[CellRecord]) -> list[str]:
        """Bring MLflow up to date with the records, all those there are of each of their tasks.

        Returns a sentence for each task that could not be written, with what would do.
        """
        tasks: dict[str, list[CellRecord]] = {}
        for record in latest(records).values():
            tasks.setdefault(record.task_id, []).append(record)
        problems = []
        for task_id, group in tasks.items():
            try:
                self._sync_task(task_id, group)
            except TrackingError as error:
                problems.append(str(error))
        return problems

    def _sync_task(self, task_id: str, records: Sequence[CellRecord]) -> None:
        all_series = series_of(records)
        if not all_series:
            return
        experiment = self._experiment(task_id)
        rows = board(records)
        ranked = sum(row.rank is not None for row in rows)
        for series in all_series:
            held = self._model_run(experiment, series)
            if not series.is_baseline:
                for record in series.records:
                    self._write_seed(experiment, record, held.id)
            self._write_series(held, series, ranked)
        for key, value in experiment_tags(rows).items():
            if experiment.tags.get(key) != value:
                self.connect().set_experiment_tag(experiment.id, key, value)
                experiment.tags[key] = value

    def _experiment(self, task_id: str) -> Experiment:
        """The task's experiment with the runs it holds; read once. Raises TrackingError when it was deleted."""
        if task_id not in self._experiments:
            client, name = self.connect(), experiment_name(task_id)
            found = client.get_experiment_by_name(name)
            if found is None:
                created = client.create_experiment(name, artifact_location(self.tracking_uri, self.results))
                self._experiments[task_id] = Experiment(created, {})
            elif found.lifecycle_stage == "deleted":
                raise TrackingError(
                    f"the MLflow experiment '{name}' is deleted, so nothing was logged to it: restore it with "
                    f"`mlflow experiments restore --experiment-id {found.experiment_id}` or remove it with `mlflow gc`."
                )
            else:
                self._experiments[task_id] = self._read(Experiment(found.experiment_id, dict(found.tags)))
        return self._experiments[task_id]

    def _read(self, experiment: Experiment) -> Experiment:
        token = None
        while True:
            page = self.connect().search_runs([experiment.id], max_results=1000, page_token=token)
            for run in page:
                held = Held.of(run)
                kind = held.tags.get(KIND)
                if kind == SEED:
                    experiment.seeds.setdefault(held.tags.get(KEY, ""), held)
                elif kind is not None:
                    experiment.models.setdefault(held.tags.get(SERIES, ""), held)
            token = page.token
            if not token:
                return experiment

    def _model_run(self, experiment: Experiment, series: Series) -> Held:
        """The model-level run of a series, opened if it is missing; what it holds is written by `_write_series`."""
        name = series.row.series
        if name not in experiment.models:
            content = series_content(series, 0)
            identity = {key: content.tags[key] for key in (KIND, SERIES, KEY) if key in content.tags}
            experiment.models[name] = self._create(experiment, content, identity)
        return experiment.models[name]

    def _create(self, experiment: Experiment, content: RunContent, tags: Mapping[str, str]) -> Held:
        tags = {**tags, "mlflow.user": _user()}
        run = self.connect().create_run(experiment.id, content.start, dict(tags), content.name)
        return Held(run.info.run_id, tags=tags)

    def _write_seed(self, experiment: Experiment, record: CellRecord, parent: str) -> None:
        content = seed_content(record)
        held = experiment.seeds.get(record.key)
        if held and held.has_ended_with(content):
            if held.tags.get(PARENT) != parent:
                self.connect().set_tag(held.id, PARENT, parent)
                held.tags[PARENT] = parent
            return
        if held and held.finished_at != record.finished_at:
            # Trained again: the epochs of two trainings must not mix in one history.
            self.connect().delete_run(held.id)
            held = None
        held = held or self._create(experiment, content, {**content.tags, PARENT: parent})
        experiment.seeds[record.key] = held
        # Points that an interrupted attempt has already written are the same, and MLflow keeps them once.
        self._log(held, content, content.points)
        self._upload(held, record)
        self._end(held, content)

    def _write_series(self, held: Held, series: Series, ranked: int) -> None:
        """Bring a model-level run up to date; a number that is no more becomes NaN, as MLflow cannot forget one."""
        content = series_content(series, ranked)
        if series.is_baseline and not held.has_ended_with(content):
            self._upload(held, series.records[0])
        wanted = {point.name: point for point in content.points}
        gone = [Point(name, math.nan, content.end) for name in held.metrics if name not in wanted]
        now = math.floor(1000 * time.time())
        # MLflow shows the value with the latest time, so an update must be later than what it replaces.
        changed = [
            replace(point, timestamp=now) if point.name in held.metrics else point
            for point in (*wanted.values(), *gone)
            if not _same(held.metrics.get(point.name), point.value)
        ]
        self._log(held, content, changed)
        if held.status != content.status or held.end != content.end:
            self._end(held, content)

    def _log(self, held: Held, content: RunContent, points: Sequence[Point]) -> None:
        """The points, and those parameters and tags that are not held yet, in one batch."""
        from mlflow.entities import Metric, Param, RunTag

        params = {key: value for key, value in content.params.items() if key not in held.params}
        tags = {key: value for key, value in content.tags.items() if held.tags.get(key, "") != value}
        if points or params or tags:
            self.connect().log_batch(
                held.id,
                [Metric(point.name, point.value, point.timestamp, point.step) for point in points],
                [Param(key, value) for key, value in params.items()],
                [RunTag(key, value) for key, value in tags.items()],
            )
        held.metrics |= {point.name: point.value for point in points}
        held.params |= params
        held.tags |= tags

    def _end(self, held: Held, content: RunContent) -> None:
        self.connect().set_terminated(held.id, content.status, content.end)
        held.status, held.end = content.status, content.end

    def _upload(self, held: Held, record: CellRecord) -> None:
        """The cell's files, its record, and its plots; once, even when the numbers of a baseline follow later."""
        what = (held.id, record.finished_at)
        if what in self._uploaded:
            return
        folder = self.results / record.folder
        if record.folder and folder.is_dir():
            self.connect().log_artifacts(held.id, str(folder))
        with tempfile.TemporaryDirectory() as temporary:
            beside = Path(temporary)
            (beside / "record.json").write_text(json.dumps(record.to_json(), indent=2), encoding="utf-8")
            plots = _plots(record, folder)
            if plots:
                (beside / "plots").mkdir()
            for name, content in plots.items():
                (beside / "plots" / name).write_bytes(content)
            self.connect().log_artifacts(held.id, temporary)
        self._uploaded.add(what)


def _plots(record: CellRecord, folder: Path) -> dict[str, bytes]:
    try:
        return plots_for(record, folder)
    except Exception as error:  # a plot is not worth a run: the numbers are logged all the same
        log.warning("no plots of %s %s seed %d: %s", record.task_id, record.label, record.seed, error)
        return {}


def _same(held: float | None, value: float) -> bool:
    return held is not None and (held == value or (math.isnan(held) and math.isnan(value)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"
