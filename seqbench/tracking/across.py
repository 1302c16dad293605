"""What holds over tasks → the runs and tags of the experiment `seqbench/overall`: pure, and without MLflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from seqbench.board import Board, Overall, OverallRow
from seqbench.tracking.names import (
    COLOUR,
    CURRENT,
    KIND,
    OVERALL,
    SCORE,
    SERIES,
    colours,
    metric_name,
    plus_minus,
    shortened,
)
from seqbench.tracking.notes import overall_note
from seqbench.tracking.projection import (
    EXPERIMENT_KIND,
    MODEL_TRAINING,
    Point,
    RunContent,
    limited,
    limited_tags,
    stored,
)
from seqbench.tracking.view import overall_view, view_tags

OVERALL_EXPERIMENT = "seqbench/overall"


def overall_contents(overall: Overall, boards: Sequence[Board], now: int) -> list[RunContent]:
    """A run per model over the tasks: its place, and its rank and score on each of them.

    now: milliseconds since 1970 UTC, for runs that are not there yet.
    """
    names = _task_names(overall, boards)
    found = {board.task: board for board in boards}
    palette = colours(row.model for row in overall.rows)
    contents = []
    for position, row in enumerate(overall.rows, 1):
        values = {
            "position": position,
            "iqm": row.iqm,
            "iqm_ci_low": row.iqm_low,
            "iqm_ci_high": row.iqm_high,
            "mean_rank": row.mean_rank,
            "wins": row.wins,
            "ties": row.ties,
            "losses": row.losses,
            "tasks": len(overall.tasks),
        }
        for task, name in names.items():
            on_task = next((one for one in found[task].rows if one.model == row.model), None)
            if on_task is not None and on_task.rank is not None and on_task.mean is not None:
                values |= {rank_metric(name): on_task.rank, metric_name(f"score/{name}"): on_task.mean}
        contents.append(
            RunContent(
                name=row.model,
                params=limited({"label": row.model, "tasks": ", ".join(overall.tasks)}),
                points=tuple(Point(metric, stored(value), now) for metric, value in values.items()),
                tags={COLOUR: palette[row.model], **_tags(row, position, len(overall.rows), len(overall.tasks))},
                status="FINISHED",
                start=now,
                end=now,
            )
        )
    return contents


def _tags(row: OverallRow, position: int, models: int, tasks: int) -> dict[str, str]:
    score = plus_minus(row.iqm, row.iqm_low, row.iqm_high)
    note = (
        f"IQM {score} (95 %) over {tasks} tasks, place {position} of {models}; mean rank {row.mean_rank:.2f}; "
        f"against the other models {row.wins} won, {row.ties} tied, {row.losses} lost."
    )
    return limited_tags(
        {
            "mlflow.source.name": "seqbench",
            "mlflow.source.type": "LOCAL",
            KIND: OVERALL,
            SERIES: f"{OVERALL} {row.model}",
            CURRENT: "true",
            SCORE: score,
            "mlflow.note.content": note,
        }
    )


def overall_tags(overall: Overall, boards: Sequence[Board]) -> dict[str, str]:
    """Tags of the experiment: its kind, a view of the board, and the board as its description."""
    ranks = [rank_metric(name) for name in _task_names(overall, boards).values()]
    return {
        EXPERIMENT_KIND: MODEL_TRAINING,
        **view_tags(overall_view(overall, ranks)),
        "mlflow.note.content": overall_note(overall),
    }


def rank_metric(task: str) -> str:
    """The metric with the rank on a task."""
    return metric_name(f"rank/{task}")


def _task_names(overall: Overall, boards: Sequence[Board]) -> Mapping[str, str]:
    """By task id, what it is called in metrics: its name where only one task has that, else its id."""
    names = {board.task: board.task_name for board in boards if board.task in overall.tasks}
    counts = Counter(names.values())
    called = {task: name if counts[name] == 1 else task for task, name in names.items()}
    unique: dict[str, str] = {}
    for task in overall.tasks:
        name = metric_name(shortened(called[task], 200)).replace("/", "_")
        while name in unique.values():
            name += "_"
        unique[task] = name
    return unique
