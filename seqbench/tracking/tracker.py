"""Writing the projection into MLflow: what is missing is created, what differs is updated, the rest is left alone.

So `sync` can be called any number of times, after any interruption, and never makes a double.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from seqbench.leaderboard import board, latest
from seqbench.records import CellRecord
from seqbench.report.plots import plots_for
from seqbench.tracking.address import artifact_location, quieten, with_driver
from seqbench.tracking.held import Experiment, Held, without_doubles
from seqbench.tracking.projection import (
    KEY,
    KIND,
    SERIES,
    Point,
    RunContent,
    Series,
    experiment_name,
    seed_content,
    series_content,
    series_of,
)
from seqbench.tracking.reach import TrackingError, check
from seqbench.tracking.view import experiment_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as MlflowExperiment

log = logging.getLogger("seqbench")

PARENT = "mlflow.parentRunId"
PLOTS = "seqbench.plots"
"""The tag that names the plots of a run, once they have been drawn."""

LOCK = ".tracking.lock"
"""The file in the results folder that whoever writes its records to an MLflow has locked."""

LOCK_SECONDS, CALL_SECONDS, CREATE_SECONDS = 60.0, 25.0, 60.0
"""How long another writer is waited for; how long one call, and making a new database's tables, may take."""


def draw_all(record: CellRecord) -> bool:
    """Every cell gets its plots."""
    return True


def nobody_watches(seconds: float) -> None:
    """There is nobody who wants a sign of life."""


class Tracker:
    """One MLflow, and the results folder whose records it is to show.

    draws: does the record's run get its plots now? allow: told before each step how many seconds that may take.
    Methods raise MLflow's own errors, or TrackingError, when it cannot be reached or another process keeps writing.
    """

    def __init__(
        self,
        tracking_uri: str,
        results: Path,
        draws: Callable[[CellRecord], bool] = draw_all,
        allow: Callable[[float], None] = nobody_watches,
    ) -> None:
        self.tracking_uri, self.results, self._draws, self._allow = tracking_uri, results, draws, allow
        self._client: MlflowClient | None = None
        self._uploaded: set[tuple[str, float]] = set()

    def connect(self) -> MlflowClient:
        """Import MLflow, and set up its database where there is none: seconds, but only once."""
        if self._client is None:
            quieten()
            from mlflow import MlflowClient

            self._allow(CALL_SECONDS)
            check(self.tracking_uri)
            self._allow(CREATE_SECONDS)
            client = MlflowClient(tracking_uri=with_driver(self.tracking_uri))
            client.search_experiments(max_results=1)
            self._client = client
        self._allow(CALL_SECONDS)
        return self._client

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """While inside, no other process writes this folder's records: between looking and creating nobody may create.

        A folder that is only read cannot be locked, and is not.
        """
        lock = FileLock(self.results / LOCK)
        self._allow(LOCK_SECONDS + CALL_SECONDS)
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise TrackingError(f"another process is still writing the records of {self.results} to MLflow") from None
        except OSError:
            log.debug("%s cannot be locked", self.results)
        try:
            yield
        finally:
            lock.release()

    def log_cell(self, record: CellRecord) -> None:
        """Log one finished cell at once; numbers that need other records (means, ranks) are left to `sync`."""
        for series in series_of([record]):
            with self.writing():
                experiment = self._experiment(record.task_id, record.series)
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
        self.connect()
        with self.writing():
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

    def _experiment(self, task_id: str, series: str | None = None) -> Experiment:
        """The task's experiment with the runs it holds now, of one series or of all, each once.

        Raises TrackingError when it was deleted.
        """
        client, name = self.connect(), experiment_name(task_id)
        found = client.get_experiment_by_name(name)
        if found is None:
            return Experiment(client.create_experiment(name, artifact_location(self.tracking_uri, self.results)))
        if found.lifecycle_stage == "deleted":
            raise TrackingError(
                f"the MLflow experiment '{name}' is deleted, so nothing was logged to it: restore it with "
                f"`mlflow experiments restore --experiment-id {found.experiment_id}` or remove it with `mlflow gc`."
            )
        experiment, doubles = without_doubles(found.experiment_id, dict(found.tags), self._held(found, series))
        for run_id in doubles:
            self.connect().delete_run(run_id)
        return experiment

    def _held(self, experiment: MlflowExperiment, series: str | None) -> Iterator[Held]:
        query = f"tags.\"{SERIES}\" = '{series}'" if series else ""
        token = None
        while True:
            page = self.connect().search_runs([experiment.experiment_id], query, max_results=1000, page_token=token)
            yield from map(Held.of, page)
            token = page.token
            if not token:
                return

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
            self._tag(held, PARENT, parent)
            if held.finished_at == record.finished_at:
                self._upload_plots(held, record)
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
        elif series.is_baseline and held.finished_at == series.records[0].finished_at:
            self._upload_plots(held, series.records[0])
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

    def _tag(self, held: Held, key: str, value: str) -> None:
        if held.tags.get(key) != value:
            self.connect().set_tag(held.id, key, value)
            held.tags[key] = value

    def _upload(self, held: Held, record: CellRecord) -> None:
        """The cell's files, its record, and its plots; once, even when the numbers of a baseline follow later."""
        what = (held.id, record.finished_at)
        if what in self._uploaded:
            return
        folder = self.results / record.folder
        if record.folder and folder.is_dir():
            self.connect().log_artifacts(held.id, str(folder))
        with tempfile.TemporaryDirectory() as temporary:
            (Path(temporary) / "record.json").write_text(json.dumps(record.to_json(), indent=2), encoding="utf-8")
            self.connect().log_artifacts(held.id, temporary)
        self._upload_plots(held, record)
        self._uploaded.add(what)

    def _upload_plots(self, held: Held, record: CellRecord) -> None:
        """The cell's plots, if they are to be drawn and have not been."""
        if PLOTS in held.tags or not self._draws(record):
            return
        plots = _plots(record, self.results / record.folder)
        if plots:
            with tempfile.TemporaryDirectory() as temporary:
                for name, content in plots.items():
                    (Path(temporary) / name).write_bytes(content)
                self.connect().log_artifacts(held.id, temporary, "plots")
        self._tag(held, PLOTS, ",".join(plots))


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
