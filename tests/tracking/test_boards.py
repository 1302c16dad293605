"""What of a board goes to MLflow: places, ties, costs, descriptions and views; without MLflow."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seqbench.analysis import overall
from seqbench.board import Board, Overall, OverallRow, Row
from seqbench.examples import example_scores
from seqbench.leaderboard import boards
from seqbench.records import CellRecord
from seqbench.tracking.across import overall_contents, overall_tags
from seqbench.tracking.names import MAX_TAG, plus_minus
from seqbench.tracking.projection import RunContent
from seqbench.tracking.rows import experiment_tags, series_content, series_of
from seqbench.tracking.view import VIEW_TAG

NOTE = "mlflow.note.content"


@pytest.fixture
def found(whole: list[CellRecord], tmp_path: Path) -> list[Board]:
    """The boards of the records."""
    return boards(whole, partial(example_scores, results=tmp_path / "results"))


def runs_of(records: list[CellRecord], board: Board) -> dict[str, RunContent]:
    """The model-level runs of a board, by the model's name."""
    mine = [record for record in records if record.task_id == board.task]
    return {series.row.model: series_content(series, board) for series in series_of(mine, board)}


def values(content: RunContent) -> dict[str, float]:
    return {point.name: point.value for point in content.points}


def test_a_model_run_holds_its_whole_row(whole: list[CellRecord], found: list[Board]) -> None:
    """Place, ties, score with interval and every cost of a row are metrics of its run, under the row's own names."""
    (board, _) = found
    row = next(row for row in board.rows if row.model == "gru")
    metrics = values(runs_of(whole, board)["gru"])
    names = (
        *("position", "rank", "rank_low", "rank_high", "parameters", "macs", "train_seconds", "examples_per_second"),
        *("latency_p50_ms", "latency_p95_ms", "batch_latency_p50_ms", "batch_latency_p95_ms", "batch_size"),
        *("peak_memory_bytes",),
    )
    assert {name: getattr(row, name) for name in names} == {name: metrics[name] for name in names}
    assert (row.mean, row.sd, row.ci_low, row.ci_high) == tuple(
        metrics[f"accuracy{end}"] for end in ("", "_sd", "_ci_low", "_ci_high")
    )
    assert (3, 1) == (metrics["seeds"], metrics["beats_best_baseline"])
    assert not [name for name, value in metrics.items() if math.isnan(value)]


def test_models_that_are_tied_share_rank_and_group(whole: list[CellRecord], found: list[Board]) -> None:
    """Two models that the data cannot tell apart share rank, tie group and a letter; what is worse is in the next."""
    runs = runs_of(whole, found[0])
    metrics = {model: values(content) for model, content in runs.items()}
    assert {"gru": 1, "lstm": 1, "rnn": 3, "majority": 4} == {model: one["rank"] for model, one in metrics.items()}
    assert {"gru": 1, "lstm": 1, "rnn": 2, "majority": 3} == {model: one["tie_group"] for model, one in metrics.items()}
    assert [1, 2, 3, 4] == sorted(one["position"] for one in metrics.values())
    tags = {model: content.tags for model, content in runs.items()}
    assert tags["gru"]["ties"] == tags["lstm"]["ties"] != tags["rnn"]["ties"]
    assert "tied with lstm" in tags["gru"][NOTE]
    assert "tied" not in tags["rnn"][NOTE]
    assert "better than the best baseline (majority)" in tags["gru"][NOTE]


def test_tags_say_which_costs_a_model_is_best_at(whole: list[CellRecord], found: list[Board]) -> None:
    """The costs on whose Pareto front a model lies, and its score with interval, are tags of its run."""
    row = next(row for row in found[0].rows if row.model == "rnn")
    tags = runs_of(whole, found[0])["rnn"].tags
    assert row.pareto
    assert (", ".join(row.pareto), "false") == (tags["pareto"], tags["seqbench.alone"])
    assert row.mean is not None
    assert plus_minus(row.mean, row.ci_low, row.ci_high) == tags["score"]


def test_the_description_says_who_wins_and_who_is_tied(whole: list[CellRecord], found: list[Board]) -> None:
    """An experiment's description begins with the board's verdict; its table has the rows in the board's order."""
    board = found[0]
    note = experiment_tags(board, list(runs_of(whole, board).values()))[NOTE]
    assert note.startswith(f"**{board.notes[0]}**")
    assert "are tied for first" in board.notes[0]
    table = [line.split(" | ") for line in note.split("\n") if line[:2] == "| " and line[2].isdigit()]
    expected = [(row.rank, row.model, row.letters, len(row.seeds)) for row in board.rows]
    shown = [(int(cells[0][2:]), cells[1].removesuffix(" (baseline)"), cells[3], int(cells[4])) for cells in table]
    assert expected == shown
    assert "measured while other cells ran" in note


def large(board: Board, count: int, label: str) -> Board:
    """A board of so many rows, the last of which is the baseline."""
    first, baseline = board.rows[0], board.rows[-1]
    rows: list[Row] = [
        replace(first, model=f"{label} {index}", position=index + 1, rank=index + 1, series=f"s{index}")
        for index in range(count - 1)
    ]
    return replace(board, rows=(*rows, replace(baseline, position=count, rank=count)))


@pytest.mark.parametrize("label", ["lstm", "a|b_c*[d](e)\n" + "x" * 300])
def test_a_long_board_is_shortened_by_whole_rows(found: list[Board], label: str) -> None:
    """A description within MLflow's limit holds whole rows only, the best and the baseline, and says how many not."""
    board = large(found[0], 400, label)
    note = experiment_tags(board, [])[NOTE]
    assert len(note) <= MAX_TAG
    rows = [line for line in note.split("\n") if line.startswith("|")]
    assert {rows[0].count(" | ")} == {re.sub(r"\\.", "", line).count(" | ") for line in rows}
    assert [*range(1, len(rows) - 2), 400] == [int(line.split(" | ")[0][2:]) for line in rows[2:]]
    assert f"\n{400 - len(rows) + 2} more rows are among the runs." in note
    assert len(rows) > 12


def test_a_view_stays_readable_with_the_longest_name(found: list[Board]) -> None:
    """Whatever a metric is called, the view is JSON within MLflow's limit that has the rank first and the score."""
    name = "m" * 300
    rows = tuple(replace(row, metric=name, metrics={name: row.mean or 0.0}) for row in found[0].rows)
    tag = experiment_tags(replace(found[0], metric=name, rows=rows), [])[VIEW_TAG]
    assert len(tag) <= MAX_TAG
    columns = json.loads(tag)["selectedColumns"]
    assert ["metrics.`rank`", "tags.`score`"] == columns[:2]


def view_of(records: list[CellRecord], board: Board) -> dict[str, Any]:
    view: dict[str, Any] = json.loads(experiment_tags(board, list(runs_of(records, board).values()))[VIEW_TAG])
    return view


def test_the_charts_need_no_set_up(whole: list[CellRecord], found: list[Board]) -> None:
    """What the charts of a view draw is there in the run of every model: no axis without a value, no NaN."""
    runs = runs_of(whole, found[0])
    models = [content for model, content in runs.items() if model != "majority"]
    charts = view_of(whole, found[0])["compareRunCharts"]
    assert {"BAR", "PARALLEL", "SCATTER"} == {chart["type"] for chart in charts}
    for chart in charts:
        axes = [
            *chart.get("selectedMetrics", ()),
            *(chart[axis]["key"] for axis in ("xaxis", "yaxis") if axis in chart),
        ]
        for content in models:
            assert {*axes, chart.get("metricKey", "rank")} <= values(content).keys()
            assert set(chart.get("selectedParams", ())) <= content.params.keys()
    assert "accuracy" == charts[0]["metricKey"]


def test_a_metric_that_is_called_as_a_place_hides_no_rank(whole: list[CellRecord], tmp_path: Path) -> None:
    """A task may call its metric `rank`: the run has both, the metric as `metric.rank`."""
    renamed = [
        replace(record, primary="rank", metrics={"rank": record.metrics["accuracy"], "odd": math.nan})
        for record in whole
        if record.task == "shapes"
    ]
    (board,) = boards(renamed, partial(example_scores, results=tmp_path / "results"))
    content = runs_of(renamed, board)["rnn"]
    row = next(row for row in board.rows if row.model == "rnn")
    metrics = values(content)
    assert (row.rank, row.mean, row.ci_low) == tuple(
        metrics[name] for name in ("rank", "metric.rank", "metric.rank_ci_low")
    )
    assert "odd" not in metrics
    assert "metric.rank" == view_of(renamed, board)["compareRunCharts"][0]["metricKey"]


def test_over_tasks_each_model_has_its_ranks_and_scores(found: list[Board]) -> None:
    """A run over the tasks holds place, mean rank, IQM with interval, wins, and rank and score on each task."""
    whole = overall(found)
    assert whole is not None
    contents = overall_contents(whole, found, 7)
    assert [row.model for row in whole.rows] == [content.name for content in contents]
    first, best = values(contents[0]), whole.rows[0]
    assert (1, best.iqm, best.iqm_low, best.iqm_high, best.mean_rank) == tuple(
        first[name] for name in ("position", "iqm", "iqm_ci_low", "iqm_ci_high", "mean_rank")
    )
    assert (best.wins, best.ties, best.losses) == tuple(first[name] for name in ("wins", "ties", "losses"))
    for board in found:
        row = next(row for row in board.rows if row.model == best.model)
        assert (row.rank, row.mean) == (first[f"rank/{board.task_name}"], first[f"score/{board.task_name}"])


def test_the_description_over_tasks_has_the_probabilities(found: list[Board]) -> None:
    """The overall description says who is first and has a line of probabilities of improvement per model."""
    whole = overall(found)
    assert whole is not None
    tags = overall_tags(whole, found)
    note = tags[NOTE]
    assert note.startswith(f"**{whole.rows[0].model} is first over 2 tasks (IQM ")
    one, other = whole.rows[0].model, whole.rows[1].model
    value, low, high = whole.improvement[one][other]
    assert f"| {one} |  | {value:.2f} ({low:.2f} to {high:.2f}) |" in note
    assert {"BAR", "PARALLEL"} == {chart["type"] for chart in json.loads(tags[VIEW_TAG])["compareRunCharts"]}


def test_many_models_over_many_tasks_fit(found: list[Board]) -> None:
    """Of 60 models on 60 tasks the description and the view stay within MLflow's limit, by whole rows and charts."""
    models = [f"model_{index}" for index in range(60)]
    tasks = tuple(f"a task with a long name {index}@builtin" for index in range(60))
    improvement: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
        one: {other: (0.5, 0.4, 0.6) for other in models if other != one} for one in models
    }
    rows = tuple(OverallRow(model, 1.5, 0.5, 0.4, 0.6, 1, 2, 3) for model in models)
    whole = Overall(tasks, rows, improvement, {}, (), {})
    many = [replace(found[0], task=task, task_name=task.partition("@")[0]) for task in tasks]
    tags = overall_tags(whole, many)
    assert max(len(tags[NOTE]), len(tags[VIEW_TAG])) <= MAX_TAG
    table = [line for line in tags[NOTE].split("\n") if line.startswith("| ")]
    assert {7} == {line.count(" | ") + 1 for line in table if line[2].isdigit()}
    assert json.loads(tags[VIEW_TAG])["compareRunCharts"]


def test_tasks_of_one_name_are_told_apart(found: list[Board]) -> None:
    """Two sources of one task have a rank each, under names that MLflow takes."""
    twins = [replace(board, task_name="shapes", task=f"shapes@{number}") for number, board in enumerate(found)]
    whole = overall(twins)
    assert whole is not None
    ranks = [name for name in values(overall_contents(whole, twins, 0)[0]) if name.startswith("rank/")]
    assert ["rank/shapes_0", "rank/shapes_1"] == ranks


def test_a_model_has_one_colour_on_every_board(whole: list[CellRecord], found: list[Board]) -> None:
    """On the charts of each task and over tasks a model has its own colour, which no other row has."""
    key = "mlflow.runColor"
    by_board = [{name: content.tags[key] for name, content in runs_of(whole, board).items()} for board in found]
    assert by_board[0] == by_board[1]
    assert 4 == len(set(by_board[0].values()))
    across = overall(found)
    assert across is not None
    for content in overall_contents(across, found, 0):
        assert by_board[0][content.name] == content.tags[key]
