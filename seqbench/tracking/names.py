"""Names and numbers as MLflow takes and shows them: its limits, the columns of a board, and a text that fits."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

MAX_TAG, MAX_KEY = 5000, 250
"""MLflow's limits in characters (for values of tags the one of its older servers)."""

KIND, KEY, SERIES, FINISHED_AT = "seqbench.kind", "seqbench.key", "seqbench.series", "seqbench.finished_at"
CURRENT, SCORE, TIES, PARETO = "seqbench.current", "score", "ties", "pareto"
"""Of these tags MLflow's table shows the last three as columns, under their short names."""

MODEL, BASELINE, SEED, OVERALL = "model", "baseline", "seed", "overall"
"""Kinds of runs."""

COLOUR = "mlflow.runColor"
"""The tag with a run's colour on MLflow's charts; set once, since a person may choose another there."""

PALETTE = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#76b7b2", "#9c755f", "#ff9da7", "#1b6f6a")
GREYS = ("#8c8c8c", "#bdbdbd", "#5f5f5f", "#d9d9d9", "#737373")
"""Colours of models, and of baselines."""

PLACES = ("position", "rank", "rank_low", "rank_high", "tie_group", "beats_best_baseline", "seeds")
ROW_COSTS = (
    "parameters",
    "macs",
    "train_seconds",
    "examples_per_second",
    "latency_p50_ms",
    "latency_p95_ms",
    "batch_latency_p50_ms",
    "batch_latency_p95_ms",
    "batch_size",
    "peak_memory_bytes",
)
"""The costs of a row and of a cell, as they are called in both and in MLflow."""


def metric_name(name: str) -> str:
    """The name as MLflow takes it: other characters become `_`, and `/` only where it makes a plain relative path."""
    allowed = re.sub(r"[^\w.\- /]", "_", name)[:MAX_KEY]
    is_plain = posixpath.normpath(allowed) == allowed and not allowed.startswith((".", "/"))
    return allowed if is_plain else re.sub(r"^\.+|/", "_", allowed) or "_"


def score_name(metric: str) -> str:
    """What a task's metric is called: its own name, unless a model-level run has a place or a cost of that name."""
    name = metric_name(metric)
    return metric_name(f"metric.{name}") if name in (*PLACES, *ROW_COSTS) else name


def number(value: float) -> str:
    """Four decimals, or four digits where these say nothing."""
    return f"{value:.4f}" if value == 0 or 1e-2 <= abs(value) < 1e6 else f"{value:.4g}"


def plus_minus(mean: float, low: float | None, high: float | None) -> str:
    """A mean, with half the width of its interval where there is one."""
    if low is None or high is None:
        return number(mean)
    half = (high - low) / 2
    return f"{number(mean)} ± {half:.4f}" if half >= 1e-3 else f"{number(mean)} ± {half:.2g}"


def shortened(name: str, room: int = 80) -> str:
    """A name of at most so many characters: what is too long loses its middle."""
    half = (room - 1) // 2
    return name if len(name) <= room else f"{name[: room - 1 - half]}…{name[-half:]}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names as a person lists them; of more than `most` the first ones."""
    found = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def colours(models: Iterable[str], baselines: Iterable[str] = ()) -> dict[str, str]:
    """A colour for each label: the same on every board that has the same models."""
    found: dict[str, str] = {}
    for labels, palette in ((models, PALETTE), (baselines, GREYS)):
        found |= {label: palette[place % len(palette)] for place, label in enumerate(sorted(labels))}
    return found
