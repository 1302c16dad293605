"""Writing to one MLflow so that nothing is there twice: runs that are looked for before they are created."""

from __future__ import annotations

import contextlib
import getpass
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from seqbench.tracking.address import artifact_location, quieten, with_driver
from seqbench.tracking.held import Experiment, Held, without_doubles
from seqbench.tracking.names import COLOUR, SERIES
from seqbench.tracking.projection import Point, RunContent
from seqbench.tracking.reach import TrackingError, check

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as MlflowExperiment

log = logging.getLogger("seqbench")

LOCK = ".tracking.lock"
"""The file in the results folder that whoever writes its records to an MLflow has locked."""

LOCK_SECONDS, CALL_SECONDS, CREATE_SECONDS = 60.0, 25.0, 60.0
"""How long another writer is waited for; how long one call, and making a new database's tables, may take."""


def nobody_watches(seconds: float) -> None:
    """There is nobody who wants a sign of life."""


class Writer:
    """One MLflow, and the results folder whose records are written to it.

    allow: told before each step how many seconds that may take.
    Methods raise MLflow's own errors, or TrackingError, when it cannot be reached or another process keeps writing.
    """

    def __init__(self, tracking_uri: str, results: Path, allow: Callable[[float], None] = nobody_watches) -> None:
        self.tracking_uri, self.results, self.allow = tracking_uri, results, allow
        self._client: MlflowClient | None = None

    def connect(self) -> MlflowClient:
        """Import MLflow, and set up its database where there is none: seconds, but only once."""
        if self._client is None:
            self.allow(CALL_SECONDS)
            check(self.tracking_uri)  # first, as MLflow's imports take seconds
            self.allow(CREATE_SECONDS)
            quieten()
            from mlflow import MlflowClient

            client = MlflowClient(tracking_uri=with_driver(self.tracking_uri))
            client.search_experiments(max_results=1)
            self._client = client
        self.allow(CALL_SECONDS)
        return self._client

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """While inside, no other process writes this folder's records: between looking and creating nobody may create.

        A folder that is only read cannot be locked, and is not.
        """
        lock = FileLock(self.results / LOCK)
        self.allow(LOCK_SECONDS + CALL_SECONDS)
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

    def experiment(self, name: str, series: str | None = None) -> Experiment:
        """The experiment with the runs it holds now, of one series or of all, each once; made if it is missing.

        Raises TrackingError when it was deleted.
        """
        client = self.connect()
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

    def describe(self, experiment: Experiment, tags: Mapping[str, str]) -> None:
        """Set those tags of the experiment that differ."""
        for key, value in tags.items():
            if experiment.tags.get(key) != value:
                self.connect().set_experiment_tag(experiment.id, key, value)
                experiment.tags[key] = value

    def delete(self, held: Held) -> None:
        """The run is no more."""
        self.connect().delete_run(held.id)

    def create(self, experiment: Experiment, content: RunContent, tags: Mapping[str, str]) -> Held:
        """A new run, which is RUNNING until `end`."""
        tags = {**tags, "mlflow.user": _user()}
        run = self.connect().create_run(experiment.id, content.start, dict(tags), content.name)
        return Held(run.info.run_id, tags=tags)

    def update(self, held: Held, content: RunContent) -> None:
        """Bring a run up to date; a number that is no more becomes NaN, as MLflow cannot forget one."""
        wanted = {point.name: point for point in content.points}
        gone = [Point(name, math.nan, content.end) for name in held.metrics if name not in wanted]
        now = math.floor(1000 * time.time())
        # MLflow shows the value with the latest time, so an update must be later than what it replaces.
        changed = [
            replace(point, timestamp=now) if point.name in held.metrics else point
            for point in (*wanted.values(), *gone)
            if not _same(held.metrics.get(point.name), point.value)
        ]
        self.log(held, content, changed)
        if held.status != content.status or held.end != content.end:
            self.end(held, content)

    def log(self, held: Held, content: RunContent, points: Sequence[Point]) -> None:
        """The points, and those parameters and tags that are not held yet, in one batch."""
        from mlflow.entities import Metric, Param, RunTag

        params = {key: value for key, value in content.params.items() if key not in held.params}
        tags = {key: value for key, value in content.tags.items() if held.tags.get(key, "") != value}
        if COLOUR in held.tags:
            tags.pop(COLOUR, None)
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

    def end(self, held: Held, content: RunContent) -> None:
        """It was written as a whole, and ended as its cells did."""
        self.connect().set_terminated(held.id, content.status, content.end)
        held.status, held.end = content.status, content.end

    def tag(self, held: Held, key: str, value: str) -> None:
        """Set the tag, if it differs."""
        if held.tags.get(key) != value:
            self.connect().set_tag(held.id, key, value)
            held.tags[key] = value


def _same(held: float | None, value: float) -> bool:
    return held is not None and (held == value or (math.isnan(held) and math.isnan(value)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"
