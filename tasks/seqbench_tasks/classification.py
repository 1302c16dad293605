"""What classification tasks share: metrics, and the baseline that looks at nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seqbench import Classes, Output, SequenceSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Outputs = NDArray[np.float64]
    Predictor = Callable[[SequenceSet], Outputs]

C_VALUES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse strengths of L2 that logistic regression chooses from, on validation."""


def accuracy(outputs: Outputs, split: SequenceSet) -> float:
    """Part of the examples whose highest output `float[N, classes]` is the target."""
    return float((outputs.argmax(1) == split.targets).mean())


def macro_f1(outputs: Outputs, split: SequenceSet) -> float:
    """Mean over the classes in the targets of F1 = 2 TP / (2 TP + FP + FN); each class counts the same."""
    import numpy as np

    predicted = outputs.argmax(1)
    scores = []
    for label in np.unique(split.targets):
        is_label, is_predicted = split.targets == label, predicted == label
        hits = int((is_label & is_predicted).sum())
        scores.append(2 * hits / int(is_label.sum() + is_predicted.sum()))
    return float(np.mean(scores))


def majority(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """Log frequencies of the labels in train, whatever the example."""
    import numpy as np

    counts = np.bincount(train.targets, minlength=output.size)
    scores = np.log((counts + 1) / (counts.sum() + output.size))
    return lambda split: np.tile(scores, (len(split), 1))


def logistic_regression(
    features: Callable[[SequenceSet], Any], train: SequenceSet, validation: SequenceSet, output: Output
) -> Predictor:
    """Multinomial logistic regression on `features(split)` (a matrix, dense or sparse), C chosen on validation.

    Without a validation split C is 1. Classes that train does not have are never predicted.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    assert isinstance(output, Classes)
    matrix = features(train)

    def fitted(c: float) -> LogisticRegression:
        return LogisticRegression(C=c, max_iter=2000).fit(matrix, train.targets)

    if len(validation):
        held_out = features(validation)
        candidates = [fitted(c) for c in C_VALUES]
        model = max(candidates, key=lambda candidate: float(candidate.score(held_out, validation.targets)))
    else:
        model = fitted(1.0)

    def predict(split: SequenceSet) -> Outputs:
        scores = np.full((len(split), output.size), -np.inf)
        scores[:, model.classes_] = model.predict_log_proba(features(split))
        bounded: Outputs = np.maximum(scores, -1e3)
        return bounded

    return predict
