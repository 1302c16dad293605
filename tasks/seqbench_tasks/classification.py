"""What classification tasks share: metrics, and the baseline that looks at nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seqbench import Classes, Output

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqbench import SequenceSet

    Outputs = NDArray[np.float64]
    Predictor = Callable[[SequenceSet], Outputs]

CALIBRATION_BINS = 15
"""As in Guo et al. 2017."""
C_VALUES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse strengths of L2 that logistic regression chooses from, on validation."""


def accuracy(outputs: Outputs, split: SequenceSet) -> float:
    """Part of the examples whose highest output `float[N, classes]` is the target."""
    return float((outputs.argmax(1) == split.targets).mean())


def correct(outputs: Outputs, split: SequenceSet) -> Outputs:
    """1 for each example whose highest output is the target, 0 for the others: their mean is the accuracy."""
    found: Outputs = (outputs.argmax(1) == split.targets).astype(float)
    return found


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


def log_loss(outputs: Outputs, split: SequenceSet) -> float:
    """Mean negative log-probability of the targets, in nats, by the softmax of `outputs: float[N, classes]`.

    Probabilities are bounded below by the resolution of a double (2.2e-16), so that one example costs 36 nats at most.
    """
    import numpy as np

    chosen = _probabilities(outputs)[np.arange(len(split)), split.targets]
    return float(-np.log(np.maximum(chosen, np.finfo(np.float64).eps)).mean())


def expected_calibration_error(outputs: Outputs, split: SequenceSet) -> float:
    """How far confidence is from accuracy, 0 to 1: their difference in each of 15 bins, weighted by examples.

    Confidence is the highest probability of the softmax of `outputs: float[N, classes]`; bin m is (m/15, (m+1)/15]
    (Guo et al. 2017, equation 3).
    """
    import numpy as np

    probabilities = _probabilities(outputs)
    confidence, is_right = probabilities.max(1), probabilities.argmax(1) == split.targets
    places = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    gaps = np.bincount(places, weights=is_right - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(split))


def _probabilities(outputs: Outputs) -> Outputs:
    """The softmax of logits or log-probabilities."""
    import numpy as np

    shifted = np.exp(outputs - outputs.max(1, keepdims=True))
    found: Outputs = shifted / shifted.sum(1, keepdims=True)
    return found


METRICS: Mapping[str, Callable[[Outputs, SequenceSet], float]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "log_loss": log_loss,
    "expected_calibration_error": expected_calibration_error,
}
"""Of every classification task."""


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
