"""The best model of each task in MLflow's model registry: a version per cell that was ever the best, and an alias.

As all that is in MLflow it is a projection of the records: made again any number of times, without doubles.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench.board import Board
from seqbench.errors import DataError, SeqbenchError, one_line
from seqbench.records import CellRecord
from seqbench.registry import Registry, discover
from seqbench.tracking.address import reason
from seqbench.tracking.choice import Choice, choose, model_name
from seqbench.tracking.names import KEY, KIND, SEED
from seqbench.tracking.projection import experiment_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from seqbench.tracking.tracker import Tracker

log = logging.getLogger("seqbench")

ALIAS = "best"
ARTIFACTS = "model"
"""The folder of a run's artifacts that its model lies in."""
REGISTER_SECONDS = 300.0
"""How long it may take to make the best models again, to see that they answer as they did, and to write them."""
TASK, FINISHED_AT = "seqbench.task", "seqbench.finished_at"


def register(
    tracker: Tracker,
    results: Path,
    plugin_files: Iterable[str],
    boards: Iterable[Board],
    records: Sequence[CellRecord],
) -> list[str]:
    """Register the best model of each board in the tracker's MLflow; a sentence per task, as `Shelf.register` gives."""
    client = tracker.connect()
    with tracker.writing():
        tracker.allow(REGISTER_SECONDS)
        return Shelf(client, results, discover(plugin_files)).register(boards, records)


@dataclass(frozen=True)
class Shelf:
    """MLflow's registry, the results folder whose models it is to hold, and the plugins that make them."""

    client: MlflowClient
    results: Path
    registry: Registry

    def register(self, boards: Iterable[Board], records: Sequence[CellRecord]) -> list[str]:
        """Register the best model of each board, or move the alias to it.

        Returns a sentence per task: what is registered, or why nothing is. A registry that cannot be used is warned
        of, once: all else is in MLflow without it.
        """
        told = []
        for board in boards:
            try:
                told.append(self._of_task(board, [cell for cell in records if cell.task_id == board.task]))
            except SeqbenchError as error:
                told.append(f"{board.task}: no model is registered: {error}")
            except Exception as error:  # an old server, one without a registry, or one that is gone
                log.warning("no model is registered, since MLflow's model registry cannot be used (%s)", reason(error))
                break
        return told

    def _of_task(self, board: Board, records: Sequence[CellRecord]) -> str:
        spec = self.registry.tasks.get(board.task_name)
        if spec is None:
            raise DataError(f"the task '{board.task_name}' is not installed here (--plugin FILE, if it is a file).")
        if spec.serving is None:
            raise DataError(f"the task '{board.task_name}' takes no raw inputs (TaskSpec.serving).")
        choice = choose(board, records)
        if choice is None:
            raise DataError("none has a result.")
        run = self._run(choice)
        name = model_name(board.task)
        self._open(name, board)
        version = self._held(name, choice, run) or self._new(name, choice, run)
        self._describe(version, choice)
        # A database gives the number of the alias as such, a server as text.
        if str(self.client.get_registered_model(name).aliases.get(ALIAS)) != str(version.version):
            self.client.set_registered_model_alias(name, ALIAS, version.version)
        return f"{board.task}: {choice.record.label}, seed {choice.record.seed}, is models:/{name}@{ALIAS}"

    def _run(self, choice: Choice) -> Run:
        """The run of the chosen cell, where its model's files are kept."""
        experiment = self.client.get_experiment_by_name(experiment_name(choice.board.task))
        query = f"tags.\"{KEY}\" = '{choice.record.key}' and tags.\"{KIND}\" = '{SEED}'"
        found = self.client.search_runs([experiment.experiment_id], query) if experiment else []
        if not found:
            raise DataError(f"the run of {choice.record.label}, seed {choice.record.seed}, is not in MLflow.")
        run: Run = found[0]
        return run

    def _open(self, name: str, board: Board) -> None:
        """Make the registered model where there is none. Raises DataError when the name is somebody else's."""
        found = next(iter(self.client.search_registered_models(f"name = '{name}'")), None)
        if found is None:
            about = (
                f"The best model of {board.task} by {board.metric}, as seqbench ranks them; the alias '{ALIAS}' is on "
                f"the version that is the best now. Serve it with: mlflow models serve -m models:/{name}@{ALIAS} "
                "--env-manager local"
            )
            self.client.create_registered_model(name, {TASK: board.task}, about)
        elif found.tags.get(TASK) != board.task:
            raise DataError(f"the name '{name}' is taken in MLflow's model registry: rename or delete that model.")

    def _held(self, name: str, choice: Choice, run: Run) -> ModelVersion | None:
        """The version that was made of this cell's result, if there is one and its files belong to the run."""
        for version in self._versions(name):
            is_of_cell = version.tags.get(KEY) == choice.record.key and version.run_id == run.info.run_id
            if is_of_cell and float(version.tags.get(FINISHED_AT, "0")) >= choice.record.settled_at:
                return version
        return None

    def _versions(self, name: str) -> Iterator[ModelVersion]:
        token = None
        while True:
            page = self.client.search_model_versions(f"name = '{name}'", page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _new(self, name: str, choice: Choice, run: Run) -> ModelVersion:
        from seqbench.tracking.pyfunc import Package

        record = choice.record
        with tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary) / ARTIFACTS
            try:
                Package(record, self.results / record.folder, self.registry).write(target)
            except SeqbenchError as error:
                raise DataError(f"{record.label}, seed {record.seed}, is the best, but {one_line(error)}") from None
            except Exception as error:  # of a plugin: MLflow has not been asked yet
                told = f"making it again raised {type(error).__name__}: {one_line(error)}"
                raise DataError(f"{record.label}, seed {record.seed}, is the best, but {told}") from None
            self.client.log_artifacts(run.info.run_id, str(target), ARTIFACTS)
        tags = {KEY: record.key, FINISHED_AT: repr(record.settled_at), **choice.tags}
        source = f"{run.info.artifact_uri.rstrip('/')}/{ARTIFACTS}"
        made: ModelVersion = self.client.create_model_version(
            name, source, run.info.run_id, tags, description=choice.description()
        )
        return made

    def _describe(self, version: ModelVersion, choice: Choice) -> None:
        """What has changed of the board since: more seeds, other ties."""
        if version.description != (text := choice.description()):
            self.client.update_model_version(version.name, version.version, text)
        for key, value in choice.tags.items():
            if version.tags.get(key, "") != value:
                self.client.set_model_version_tag(version.name, version.version, key, value)
