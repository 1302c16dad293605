"""A task's board → its model-level runs and the tags of its experiment: pure, deterministic, and without MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from seqbench.board import Board, Row
from seqbench.leaderboard import board_of, latest
from seqbench.records import CellRecord
from seqbench.tracking.names import (
    BASELINE,
    COLOUR,
    CURRENT,
    FINISHED_AT,
    KEY,
    KIND,
    MODEL,
    PARETO,
    ROW_COSTS,
    SCORE,
    SERIES,
    TIES,
    colours,
    score_name,
)
from seqbench.tracking.notes import board_note, row_note, scored
from seqbench.tracking.projection import (
    EXPERIMENT_KIND,
    MODEL_TRAINING,
    STATUSES,
    Point,
    RunContent,
    common_tags,
    failure_tags,
    is_known,
    limited,
    limited_tags,
    milliseconds,
    params_of,
    stored,
    text_of,
)
from seqbench.tracking.view import task_view, view_tags


@dataclass(frozen=True)
class Series:
    """A row of a board with the records of its cells, by seed. is_current: no newer code has the same label."""

    row: Row
    records: tuple[CellRecord, ...]
    is_current: bool

    @property
    def is_baseline(self) -> bool:
        """A baseline is one cell, so its files go into the model-level run itself."""
        return self.row.is_baseline


def series_of(records: Iterable[CellRecord], board: Board) -> list[Series]:
    """Every series of a task that ran, those of its board first; a series that newer code replaced has no place."""
    groups: dict[str, list[CellRecord]] = {}
    for record in latest(records).values():
        if record.status != "skipped":
            groups.setdefault(record.series, []).append(record)
    members = {name: tuple(sorted(group, key=lambda record: record.seed)) for name, group in groups.items()}
    rows = {row.series: row for row in board.rows}
    current = [Series(row, members[name], is_current=True) for name, row in rows.items() if name in members]
    replaced = [
        Series(_without_place(group), group, is_current=False) for name, group in members.items() if name not in rows
    ]
    return current + replaced


def _without_place(group: Sequence[CellRecord]) -> Row:
    """What a series is by itself."""
    (row,) = board_of([group]).rows
    return replace(
        row,
        position=None,
        rank=None,
        rank_low=None,
        rank_high=None,
        letters="",
        pareto=(),
        beats_best_baseline=None,
    )


def identity(record: CellRecord) -> RunContent:
    """The model-level run of a record's series as far as one record can tell: whose it is, and no numbers."""
    start, end = milliseconds(record)
    tags = {KIND: BASELINE if record.is_baseline else MODEL, SERIES: record.series}
    if record.is_baseline:
        tags[KEY] = record.key
    return RunContent(record.label, {}, (), tags, "RUNNING", start, end)


def series_content(series: Series, board: Board) -> RunContent:
    """The model-level run of a series: its row of the board under the names of the nouns, and what it was made of."""
    row, records = series.row, series.records
    # The built model's own configuration is in the records that got as far.
    first = next((record for record in records if record.status == "ok"), records[0])
    tags = {
        **common_tags(first),
        **identity(first).tags,
        **_row_tags(row),
        FINISHED_AT: repr(max(record.settled_at for record in records)),
        CURRENT: text_of(series.is_current),
        **_colour(row, board),
        "mlflow.note.content": row_note(row, board),
        **next((failure_tags(record) for record in records if record.failure), {"seqbench.failure": ""}),
    }
    end = max(milliseconds(record)[1] for record in records)
    values = {**_scores(row), **_places(row, board), **_costs(row)}
    return RunContent(
        name=row.model,
        params=limited(params_of(first)),
        points=tuple(Point(name, stored(value), end) for name, value in values.items() if is_known(value)),
        tags=limited_tags(tags),
        status="FINISHED" if row.seeds else STATUSES.get(records[-1].status, "FAILED"),
        start=min(milliseconds(record)[0] for record in records),
        end=end,
    )


def experiment_tags(board: Board, contents: Sequence[RunContent]) -> dict[str, str]:
    """Tags of a task's experiment: its kind for MLflow's UI, a view of its board, and the board as its description.

    contents: the model-level runs of the board.
    """
    params = [content.params for content in contents if content.tags[KIND] == MODEL]
    return {
        EXPERIMENT_KIND: MODEL_TRAINING,
        **view_tags(task_view(board, params)),
        "mlflow.note.content": board_note(board),
        "seqbench.task": board.task_name,
        "seqbench.source": board.source,
        "seqbench.primary": board.metric,
        "seqbench.higher_is_better": json.dumps(board.higher_is_better),
    }


def _colour(row: Row, board: Board) -> dict[str, str]:
    """The row's colour on charts."""
    labels: dict[bool, list[str]] = {True: [], False: []}
    for other in board.rows:
        labels[other.is_baseline].append(other.model)
    found = colours(labels[False], labels[True])
    return {COLOUR: found[row.model]} if row.model in found else {}


def _scores(row: Row) -> dict[str, float | None]:
    """The mean of each metric under its own name, and how far the primary one's may be off."""
    score = score_name(row.metric)
    return {
        **{score_name(name): value for name, value in row.metrics.items()},
        f"{score}_sd": row.sd,
        f"{score}_ci_low": row.ci_low,
        f"{score}_ci_high": row.ci_high,
    }


def _places(row: Row, board: Board) -> dict[str, float | None]:
    """Where the row stands. tie_group: 1 for those that are not told apart from the best, 2 for the next, and so on."""
    groups = sorted({other.rank for other in board.rows if other.rank is not None})
    return {
        "position": row.position,
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "tie_group": None if row.rank is None else 1 + groups.index(row.rank),
        "beats_best_baseline": row.beats_best_baseline,
        "seeds": len(row.seeds),
    }


def _costs(row: Row) -> dict[str, float | None]:
    """The row's costs, and the standard deviation over repeats of those that were measured again."""
    spread = {f"{name}_sd": value for name, value in row.cost_spread.items() if name in ROW_COSTS}
    return {**{name: getattr(row, name) for name in ROW_COSTS}, **spread}


def _row_tags(row: Row) -> dict[str, str]:
    """What of a row is no number. Empty where there is nothing: MLflow's pages show what was there before, else."""
    return {
        "seqbench.rank": "" if row.rank is None else str(row.rank),
        SCORE: scored(row),
        TIES: row.letters,
        PARETO: ", ".join(row.pareto),
        "seqbench.alone": "" if row.alone is None else text_of(row.alone),
        "seqbench.seeds": ",".join(map(str, row.seeds)),
        "seqbench.statuses": json.dumps(dict(row.statuses)),
    }
