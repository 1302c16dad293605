"""What a task says of test outputs: metrics, remarks, and the file of predictions. Needs no model and no PyTorch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench.examples import SCORE, average_to
from seqbench.sequences import SequenceSet
from seqbench.spec import TaskSpec


@dataclass(frozen=True)
class Evaluation:
    """metrics: by name; remarks: the task's sentences; predictions: the content of `predictions.csv`."""

    metrics: Mapping[str, float]
    remarks: tuple[str, ...]
    predictions: bytes


def evaluate(spec: TaskSpec, outputs: NDArray[np.float64], split: SequenceSet) -> Evaluation:
    """Everything that the task computes from `outputs: float64[N, output.size]` on a split.

    Raises whatever the task's functions raise, and ValueError for per-example scores that do not fit the metric.
    """
    metrics = {name: float(metric(outputs, split)) for name, metric in spec.metrics.items()}
    remarks = tuple(spec.remarks(outputs, split)) if spec.remarks else ()
    extra = {**example_scores(spec, outputs, split, metrics[spec.primary])}
    extra |= spec.predictions(outputs, split) if spec.predictions else {}
    return Evaluation(metrics, remarks, _as_csv(split, outputs, extra))


def example_scores(
    spec: TaskSpec, outputs: NDArray[np.float64], split: SequenceSet, metric: float
) -> Mapping[str, NDArray[np.float64]]:
    """The column of per-example scores, where the task gives some.

    Raises ValueError when their mean is not the primary metric: boards would compare something else.
    """
    if spec.example_scores is None:
        return {}
    scores = np.asarray(spec.example_scores(outputs, split), dtype=np.float64)
    if scores.shape != (len(split),):
        raise ValueError(f"example_scores of task '{spec.name}' gave {scores.shape}, expected ({len(split)},)")
    if not average_to(scores, metric):
        raise ValueError(
            f"example_scores of task '{spec.name}' average {scores.mean():.6g}, {spec.primary} is {metric:.6g}"
        )
    return {SCORE: scores}


def _as_csv(split: SequenceSet, outputs: NDArray[np.float64], extra: Mapping[str, NDArray[Any]]) -> bytes:
    """Test predictions as CSV: id, target(s), raw outputs at full precision, then the task's own columns."""
    targets = split.targets
    columns: dict[str, NDArray[Any]] = {"id": split.ids}
    if targets.ndim == 1:
        columns["target"] = targets
    else:
        columns |= {f"target_{index}": targets[:, index] for index in range(targets.shape[1])}
    columns |= {f"output_{index}": outputs[:, index] for index in range(outputs.shape[1])}
    columns |= extra
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue().encode()
