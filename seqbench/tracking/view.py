"""The state of MLflow's page of runs that shows a board: its rows, its columns, and its charts. Pure."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqbench.board import Board, Overall, Row
from seqbench.tracking.names import CURRENT, MAX_TAG, PARETO, SCORE, TIES, metric_name, score_name

VIEW = "seqbench"
"""The name of the view of MLflow's UI that shows a board: its address ends in `?viewStateShareKey=` and this."""

VIEW_TAG, SAVED_VIEW_TAG = f"mlflow.sharedViewState.{VIEW}", f"mlflow.sharedViewState.{VIEW}-board"
"""The tags with the view as every MLflow 3 reads it, and as newer ones list it under their button "Views"."""

QUALITY_COSTS = ("parameters", "macs", "train_seconds", "latency_p50_ms", "peak_memory_bytes")
"""Costs that quality is drawn against."""

OTHERS = "Model metrics"
"""The section in which MLflow puts a chart of each metric that has none."""

MOST_AXES, AXES = 1, ("parameters", "train_seconds", "latency_p50_ms")
"""Parameters and costs on the chart of parallel coordinates, beside the score: with more it cannot be read."""

WIDTHS = {"parameters": 95, "macs": 85, "train_seconds": 105, "latency_p50_ms": 115, "peak_memory_bytes": 140}
"""Of the columns of costs, in pixels."""

Column = tuple[str, int]
"""A column of the table: MLflow's name for it, and its width in pixels."""


@dataclass(frozen=True)
class Section:
    """Charts under one heading."""

    name: str
    charts: tuple[dict[str, Any], ...]
    is_open: bool = True


def view_tags(state: str) -> dict[str, str]:
    """The tags of an experiment whose pages can show the state."""
    # As zlib's stream, since the limit is that of a tag.
    packed = f"deflate;{b64encode(zlib.compress(state.encode(), 9)).decode()}"
    saved = json.dumps({"name": "Board", "createdAt": 0, "updatedAt": 0, "state": packed})
    return {VIEW_TAG: state, SAVED_VIEW_TAG: saved}


def task_view(board: Board, params: Sequence[Mapping[str, str]]) -> str:
    """A task's board: rank, score with interval, ties and costs of its rows, the best first, and charts of them.

    params: the parameters of each model on it.
    """
    score = score_name(board.metric)
    columns = (
        ("metrics.`rank`", 60),
        (f"tags.`{SCORE}`", 125),
        (f"tags.`{TIES}`", 55),
        *((f"metrics.`{name}`", WIDTHS[name]) for name in _costs(board.rows)),
        ("metrics.`seeds`", 65),
        (f"metrics.`{score}_ci_low`", 110),
        (f"metrics.`{score}_ci_high`", 110),
        (f"metrics.`{score}`", 100),
        (f"tags.`{PARETO}`", 160),
    )
    costs = _costs(board.rows, models_only=True)
    axes = (*[name for name in costs if name in AXES], score)
    sections = (
        Section("Who is best", (_bar(score), _parallel(("label", *_differing(params)), axes))),
        Section("What it costs", tuple(_bar(name) for name in _costs(board.rows))),
        Section("Quality against cost", tuple(_scatter(name, score) for name in costs)),
    )
    return _fitting(columns, sections)


def overall_view(overall: Overall, ranks: Sequence[str]) -> str:
    """The board over tasks; ranks: the metrics with a model's rank on each task."""
    columns = (
        ("metrics.`position`", 80),
        (f"tags.`{SCORE}`", 125),
        ("metrics.`mean_rank`", 95),
        *((f"metrics.`{name}`", 70) for name in ("wins", "ties", "losses")),
        *((f"metrics.`{name}`", 130) for name in ranks[:10]),
    )
    sections = (
        Section("Who is best", (_bar("iqm"), _bar("mean_rank"), _parallel(("label",), (*ranks[:8], "iqm")))),
        Section("Against the others", tuple(_bar(name) for name in ("wins", "ties", "losses"))),
        Section("Rank on each task", tuple(_bar(name) for name in ranks[:12])),
    )
    return _fitting(columns, sections)


def _costs(rows: Sequence[Row], *, models_only: bool = False) -> list[str]:
    """The costs that are known of a row, or of every model: a chart leaves out whom it knows too little of."""
    ranked = [row for row in rows if row.rank is not None and not (models_only and row.is_baseline)]
    known = all if models_only else any
    return [name for name in QUALITY_COSTS if ranked and known(getattr(row, name) is not None for row in ranked)]


def _differing(params: Sequence[Mapping[str, str]]) -> list[str]:
    """The first numeric parameters that all models have and that are not the same in all."""
    common = set.intersection(*(set(one) for one in params)) if params else set()
    found = []
    for name in sorted(common, key=lambda name: (not name.startswith("built."), name)):
        values = {one[name] for one in params}
        if len(values) > 1 and all(_is_number(value) for value in values):
            found.append(name)
    return found[:MOST_AXES]


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def _bar(metric: str) -> dict[str, Any]:
    return {"type": "BAR", "metricKey": metric_name(metric)}


def _scatter(cost: str, score: str) -> dict[str, Any]:
    return {"type": "SCATTER", "xaxis": {"key": cost, "type": "METRIC"}, "yaxis": {"key": score, "type": "METRIC"}}


def _parallel(params: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    """The last metric gives the lines their colours."""
    return {"type": "PARALLEL", "selectedParams": list(params), "selectedMetrics": list(metrics), "showAllRuns": True}


def _fitting(columns: Sequence[Column], sections: Sequence[Section]) -> str:
    """The state as JSON within MLflow's limit: whole charts go, the last ones first, then whole columns."""
    charts = sum(len(section.charts) for section in sections)
    for count in range(charts, -1, -1):
        text = _state(columns, sections, count)
        if len(text) <= MAX_TAG:
            return text
    return _fitting(columns[:-1], ())


def _state(columns: Sequence[Column], sections: Sequence[Section], most: int) -> str:
    """The page needs every field, so those that do not differ from its defaults are here too."""
    names = [name for name, _ in columns]
    state = {
        "searchFilter": f"tags.\"{CURRENT}\" = 'true'",
        "orderByKey": "metrics.`position`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": names,
        "columnOrder": [*names, "runDateAndNestInfo", "duration"],
        "columnWidths": dict(columns),
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOW_ALL",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        **_charts(sections, most),
    }
    return json.dumps(state, separators=(",", ":"))


def _charts(sections: Sequence[Section], most: int) -> dict[str, Any]:
    """The first charts in their sections; what MLflow adds by itself, one for each metric, comes last and folded.

    Nothing without sections: then the page makes its own.
    """
    if not sections:
        return {}
    numbered = [(place, chart) for place, section in enumerate(sections) for chart in section.charts][:most]
    cards = [
        {
            **chart,
            "uuid": f"c{number}",
            "metricSectionId": f"s{place}",
            "runsCountToCompare": 100,
            "deleted": False,
            "isGenerated": False,
        }
        for number, (place, chart) in enumerate(numbered)
    ]
    headings = [section.name for section in sections]
    return {
        "compareRunCharts": cards,
        "compareRunSections": [
            {"uuid": f"s{place}", "name": name, "display": name != OTHERS, "isReordered": True}
            for place, name in enumerate([*headings, OTHERS])
        ],
    }
