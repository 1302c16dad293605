"""Bringing MLflow up to date with records: what is missing is created, what differs is updated, the rest is left alone.

So `sync` can be called any number of times, after any interruption, and never makes a double.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench.board import Board, Overall
from seqbench.examples import example_scores
from seqbench.leaderboard import boards as boards_of
from seqbench.leaderboard import latest
from seqbench.measurements import read as measured
from seqbench.overall import overall
from seqbench.records import CellRecord
from seqbench.tracking.across import OVERALL_EXPERIMENT, overall_contents, overall_tags
from seqbench.tracking.files import Files, draw_all
from seqbench.tracking.held import Experiment, Held
from seqbench.tracking.names import CURRENT, KEY, KIND, SERIES
from seqbench.tracking.projection import RunContent, experiment_name, seed_content
from seqbench.tracking.reach import TrackingError
from seqbench.tracking.rows import Series, experiment_tags, identity, series_content, series_of
from seqbench.tracking.writer import Writer, nobody_watches

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"
BOARD_SECONDS = 300.0
"""How long the statistics of a board, or of all of them, may take."""


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
        self.tracking_uri, self.results, self.allow = tracking_uri, results, allow
        self._writer = Writer(tracking_uri, results, allow)
        self._files = Files(self._writer, draws)

    def connect(self) -> MlflowClient:
        """Import MLflow, and set up its database where there is none: seconds, but only once."""
        return self._writer.connect()

    def writing(self) -> AbstractContextManager[None]:
        """While inside, no other process writes this folder's records to MLflow."""
        return self._writer.writing()

    def log_cell(self, record: CellRecord) -> None:
        """Log one finished cell at once; what needs other records (means, ranks, boards) is left to `sync`."""
        if record.status == "skipped":
            return
        with self._writer.writing():
            experiment = self._writer.experiment(experiment_name(record.task_id), record.series)
            held = self._model_run(experiment, identity(record))
            if record.is_baseline:
                self._files.upload(held, record)
            else:
                self._write_seed(experiment, record, held.id)

    def sync(self, records: Iterable[CellRecord], boards: Sequence[Board] | None = None) -> list[str]:
        """Bring MLflow up to date with the records, all those there are of each of their tasks, and their boards.

        boards: of all tasks of the results folder, where they have been computed; else those of the records are.
        Returns a sentence for each task that could not be written, with what would do.
        """
        tasks: dict[str, list[CellRecord]] = {}
        for record in latest(records).values():
            tasks.setdefault(record.task_id, []).append(record)
        self.connect()
        found = self._boards(tasks, boards)
        self.allow(BOARD_SECONDS)
        across = overall(list(found.values()))
        problems = []
        with self._writer.writing():
            for task_id, group in tasks.items():
                try:
                    self._sync_task(group, found[task_id])
                except TrackingError as error:
                    problems.append(str(error))
            if across is not None:
                try:
                    self._sync_overall(across, list(found.values()))
                except TrackingError as error:
                    problems.append(str(error))
        return problems

    def _boards(self, tasks: Mapping[str, Sequence[CellRecord]], boards: Sequence[Board] | None) -> dict[str, Board]:
        """By task, those given, and those that have to be computed."""
        found = {board.task: board for board in boards or ()}
        missing = [record for task, group in tasks.items() if task not in found for record in group]
        if missing:
            self.allow(BOARD_SECONDS)
            scores = partial(example_scores, results=self.results)
            found |= {board.task: board for board in boards_of(missing, scores, measured(self.results))}
        return dict(sorted(found.items()))

    def _sync_task(self, records: Sequence[CellRecord], board: Board) -> None:
        all_series = series_of(records, board)
        if not all_series:
            return
        experiment = self._writer.experiment(experiment_name(board.task))
        contents = []
        for series in all_series:
            content = series_content(series, board)
            held = self._model_run(experiment, content)
            if not series.is_baseline:
                for record in series.records:
                    self._write_seed(experiment, record, held.id)
            self._write_series(held, series, content)
            if series.is_current:
                contents.append(content)
        self._set_aside(experiment, {series.row.series for series in all_series})
        self._writer.describe(experiment, experiment_tags(board, contents))

    def _set_aside(self, experiment: Experiment, series: set[str]) -> None:
        """Models that the records do not have, from another results folder, say, are not on this board."""
        for name, held in experiment.models.items():
            if name not in series and CURRENT in held.tags:
                self._writer.tag(held, CURRENT, "false")

    def _sync_overall(self, across: Overall, boards: Sequence[Board]) -> None:
        """A run per model over the tasks; one that is no more compared is no more there."""
        experiment = self._writer.experiment(OVERALL_EXPERIMENT)
        contents = {
            content.tags[SERIES]: content
            for content in overall_contents(across, boards, math.floor(1000 * time.time()))
        }
        for content in contents.values():
            held = self._model_run(experiment, content)
            self._writer.update(held, replace(content, end=held.end or content.end))
        for name, held in experiment.models.items():
            if name not in contents:
                self._writer.delete(held)
        self._writer.describe(experiment, overall_tags(across, boards))

    def _model_run(self, experiment: Experiment, content: RunContent) -> Held:
        """The model-level run of a series, opened with no more than its identity if it is missing."""
        name = content.tags[SERIES]
        if name not in experiment.models:
            tags = {key: content.tags[key] for key in (KIND, SERIES, KEY) if key in content.tags}
            experiment.models[name] = self._writer.create(experiment, content, tags)
        return experiment.models[name]

    def _write_seed(self, experiment: Experiment, record: CellRecord, parent: str) -> None:
        content = seed_content(record)
        held = experiment.seeds.get(record.key)
        if held and held.has_ended_with(content):
            self._writer.tag(held, PARENT, parent)
            if held.finished_at == record.settled_at:
                self._files.upload_plots(held, record)
            return
        if held and held.finished_at != record.settled_at:
            # Trained or scored again: the epochs of two trainings must not mix in one history.
            self._writer.delete(held)
            held = None
        held = held or self._writer.create(experiment, content, {**content.tags, PARENT: parent})
        experiment.seeds[record.key] = held
        # Points that an interrupted attempt has already written are the same, and MLflow keeps them once.
        self._writer.log(held, content, content.points)
        self._files.upload(held, record)
        self._writer.end(held, content)

    def _write_series(self, held: Held, series: Series, content: RunContent) -> None:
        """Bring a model-level run up to date; that of a baseline has the cell's files."""
        if series.is_baseline and not held.has_ended_with(content):
            self._files.upload(held, series.records[0])
        elif series.is_baseline and held.finished_at == series.records[0].settled_at:
            self._files.upload_plots(held, series.records[0])
        self._writer.update(held, content)
