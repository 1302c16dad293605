"""Checks of metrics, with predictions whose scores are known: a perfect, a constant and a shuffled one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from seqbench.spec import Classes
from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.subjects import TaskSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = 30.0
"""The logit of the right class: its probability is 1 but for rounding."""
ROUNDING = 1e-9


def predictions(subject: TaskSubject) -> dict[str, NDArray[np.float64]]:
    """`float64[N, output.size]` for the test split by name: `perfect`, `constant` (the best of train), `shuffled`.

    Raises InapplicableError where the outputs are not what targets are (quantiles of one target, say).
    """
    data = subject.data
    targets, size = np.asarray(data.test.targets), data.output.size
    if isinstance(data.output, Classes):
        perfect = SURE * np.eye(size)[targets]
        constant = np.tile(np.eye(size)[np.bincount(data.train.targets, minlength=size).argmax()], (len(targets), 1))
    elif targets.shape[1] != size:
        raise InapplicableError(
            f"outputs are {size} numbers and targets {targets.shape[1]}: none is known to be perfect"
        )
    else:
        perfect = targets.astype(np.float64)
        constant = np.tile(np.asarray(data.train.targets, dtype=np.float64).mean(0), (len(targets), 1))
    order = np.random.default_rng(0).permutation(len(targets))
    return {"perfect": perfect, "constant": constant, "shuffled": perfect[order]}


def metrics_agree(subject: TaskSubject) -> str:
    """The primary metric ranks the three as its direction says; the others give numbers."""
    spec, test = subject.spec, subject.data.test
    found, primary = predictions(subject), subject.spec.metrics[subject.spec.primary]
    scores = {name: float(primary(outputs, test)) for name, outputs in found.items()}
    for name, score in scores.items():
        if not math.isfinite(score):
            raise UnmetError(f"{spec.primary} of a {name} prediction is {score}", function=primary)
    sign = 1.0 if spec.higher_is_better else -1.0
    best, direction = scores["perfect"], "higher" if spec.higher_is_better else "lower"
    for name in ("constant", "shuffled"):
        if sign * (scores[name] - best) > ROUNDING * max(1.0, abs(best)):
            raise UnmetError(
                f"{spec.primary} of a {name} prediction is {scores[name]:.4g}, of a perfect one {best:.4g}, and "
                f"{direction} is said to be better",
                function=primary,
            )
    is_constant = len(np.unique(np.asarray(test.targets), axis=0)) == 1
    if not is_constant and all(scores[name] == best for name in ("constant", "shuffled")):
        seen = f"{spec.primary} is {best:.4g} for a perfect, a constant and a shuffled prediction alike"
        raise UnmetError(seen, function=primary)
    for function in spec.metrics.values():
        for outputs in found.values():
            float(function(outputs, test))
    told = ", ".join(f"{name} {score:.4g}" for name, score in scores.items())
    return f"{spec.primary}: {told}; {len(spec.metrics) - 1} more metrics"


def example_scores_average(subject: TaskSubject) -> str:
    """For each of the three predictions."""
    from seqbench.evaluation import example_scores

    spec, test = subject.spec, subject.data.test
    if spec.example_scores is None:
        raise InapplicableError("it gives none")
    for outputs in predictions(subject).values():
        try:
            example_scores(spec, outputs, test, float(spec.metrics[spec.primary](outputs, test)))
        except ValueError as error:
            raise UnmetError(str(error), function=spec.example_scores) from None
    return "a perfect, a constant and a shuffled prediction"


def evaluates(subject: TaskSubject) -> str:
    """As a cell would evaluate the constant prediction."""
    from seqbench.evaluation import evaluate

    found = evaluate(subject.spec, predictions(subject)["constant"], subject.data.test)
    return f"{len(found.remarks)} remarks, {len(found.predictions.splitlines()) - 1:,} rows of predictions"
