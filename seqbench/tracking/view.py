"""How a board reads in MLflow's UI: an experiment's description and view, a run's note, and names it can show."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from typing import Any

from seqbench.board import Row

VIEW = "seqbench"
"""The name of the view of MLflow's UI that shows a board: its address ends in `?viewStateShareKey=` and this."""

MAX_TAG, MAX_KEY = 5000, 250
"""MLflow's limits in characters (for values of tags the one of its older servers)."""


def experiment_tags(rows: Sequence[Row]) -> dict[str, str]:
    """Tags of a task's experiment: its kind for MLflow's UI, a view of its board, and the board as its description."""
    return {
        "mlflow.experimentKind": "custom_model_development",
        f"mlflow.sharedViewState.{VIEW}": json.dumps(_view(rows[0].metric)),
        "mlflow.note.content": _board_note(rows)[:MAX_TAG],
        "seqbench.task": rows[0].task_name,
        "seqbench.source": rows[0].source,
        "seqbench.primary": rows[0].metric,
        "seqbench.higher_is_better": json.dumps(rows[0].higher_is_better),
    }


def row_note(row: Row, ranked: int) -> str:
    """A row of the board as a sentence."""
    if row.mean is None:
        return f"no result: {row.reason}"
    half = "" if row.ci_low is None else f" ± {row.mean - row.ci_low:.4f} (95 %)"
    rank = "" if row.rank is None else f", rank {row.rank} of {ranked}"
    beats = "; not better than the best baseline" if row.beats_best_baseline is False else ""
    return f"{row.metric} {row.mean:.4f}{half} over {len(row.seeds)} seed(s){rank}{beats}"


def _board_note(rows: Sequence[Row]) -> str:
    """The board as a Markdown table."""
    direction = "higher" if rows[0].higher_is_better else "lower"
    lines = [
        f"**{rows[0].task}**: {rows[0].metric}, {direction} is better; mean over seeds and its 95 % interval.",
        "",
        f"| # | model | {rows[0].metric} | ± | seeds | parameters | train s |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        name = row.model.replace("|", "\\|") + (" (baseline)" if row.is_baseline else "")
        values = (
            "-" if row.rank is None else str(row.rank),
            name,
            "-" if row.mean is None else f"{row.mean:.4f}",
            "" if row.ci_low is None or row.mean is None else f"{row.mean - row.ci_low:.4f}",
            str(len(row.seeds)),
            "" if row.parameters is None else f"{row.parameters:,}",
            "" if row.train_seconds is None else f"{row.train_seconds:.1f}",
        )
        lines.append("| " + " | ".join(values) + " |")
    return "\n".join(lines)


def _view(metric: str) -> dict[str, Any]:
    """The state of MLflow's page of runs that shows a board: only its rows, the best first, with its columns.

    The page needs every field, so those that do not differ from its defaults are here too.
    """
    shown = ("rank", metric, f"{metric}_ci_low", f"{metric}_ci_high", "seeds", "parameters", "train_seconds")
    return {
        "searchFilter": "tags.\"seqbench.current\" = 'true'",
        "orderByKey": "metrics.`rank`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [f"metrics.`{metric_name(name)}`" for name in shown],
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
    }


def metric_name(name: str) -> str:
    """The name as MLflow takes it: other characters become `_`, and `/` only where it makes a plain relative path."""
    allowed = re.sub(r"[^\w.\- /]", "_", name)[:MAX_KEY]
    is_plain = posixpath.normpath(allowed) == allowed and not allowed.startswith((".", "/"))
    return allowed if is_plain else re.sub(r"^\.+|/", "_", allowed) or "_"
