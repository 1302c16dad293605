"""Estimators fitted to a task's targets, and what they predict as a model's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqbench.adapters.features import Featurizer
from seqbench.errors import SpecError
from seqbench.spec import Classes, Output, Predictor

if TYPE_CHECKING:
    from seqbench.sequences import SequenceSet

LEAST = float(np.log(np.finfo(np.float64).eps))
"""The log-probability of what an estimator holds impossible: one example can cost 36 nats, not infinitely many."""


def for_output(estimators: list[Any], output: Output, who: str) -> Any:
    """The one that can give such outputs. Raises SpecError where there is none."""
    wanted = "classifier" if isinstance(output, Classes) else "regressor"
    for estimator in estimators:
        if _kind_of(estimator) in (wanted, None):
            return estimator
    name = type(estimators[0]).__name__
    raise SpecError(
        f"{who}: {name} is a {_kind_of(estimators[0])}, and the task wants a {wanted}: choose other tasks, or give "
        "model_from_estimator one of each, as estimator and regressor"
    )


def _kind_of(estimator: Any) -> str | None:
    """`classifier` or `regressor`; None for what does not say."""
    from sklearn.base import is_classifier, is_regressor

    for kind, is_it in (("classifier", is_classifier), ("regressor", is_regressor)):
        try:
            if is_it(estimator):
                return kind
        except Exception:  # no estimator of scikit-learn's own kind
            break
    own = getattr(estimator, "_estimator_type", None)
    return own if own in ("classifier", "regressor") else None


def fitted(estimator: Any, features: Featurizer, train: SequenceSet, output: Output, who: str) -> Predictor:
    """Fit it on train; `predictor(split) -> float64[N, output.size]`."""
    matrix = features(train)
    count = matrix.shape[0] if hasattr(matrix, "shape") else len(matrix)
    if count != len(train):
        raise SpecError(f"{who}: its features have {count} rows for {len(train)} examples")
    if isinstance(output, Classes):
        return _classifier(estimator, matrix, features, train, output.size)
    return _regressor(estimator, matrix, features, train)


def _classifier(estimator: Any, matrix: Any, features: Featurizer, train: SequenceSet, size: int) -> Predictor:
    targets = np.asarray(train.targets)
    known = np.unique(targets)
    if len(known) == 1:  # nothing to tell apart, which many estimators refuse
        only = np.full(size, LEAST)
        only[known] = 0.0
        return lambda split: np.tile(only, (len(split), 1))
    estimator.fit(matrix, targets)
    classes = np.asarray(getattr(estimator, "classes_", known)).astype(np.int64)

    def predict(split: SequenceSet) -> NDArray[np.float64]:
        if not len(split):
            return np.zeros((0, size))
        return _log_probabilities(estimator, features(split), classes, size)

    return predict


def _log_probabilities(estimator: Any, matrix: Any, classes: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Columns in the order of the labels."""
    if hasattr(estimator, "predict_proba"):
        scores = np.log(np.maximum(np.asarray(estimator.predict_proba(matrix), dtype=np.float64), np.exp(LEAST)))
    elif hasattr(estimator, "decision_function"):
        scores = np.asarray(estimator.decision_function(matrix), dtype=np.float64)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], 1)
    else:
        predicted = np.asarray(estimator.predict(matrix))
        scores = np.where(predicted[:, None] == classes, 0.0, LEAST)
    outputs = np.repeat(scores.min(1, keepdims=True) + LEAST, size, axis=1)
    outputs[:, classes] = scores
    return outputs


def _regressor(estimator: Any, matrix: Any, features: Featurizer, train: SequenceSet) -> Predictor:
    from sklearn.base import clone

    targets = np.asarray(train.targets, dtype=np.float64)
    size = targets.shape[1]
    if size == 1 or not _gives_several(estimator):
        each = [clone(estimator).fit(matrix, targets[:, index]) for index in range(size)]
    else:
        each = [estimator.fit(matrix, targets)]

    def predict(split: SequenceSet) -> NDArray[np.float64]:
        if not len(split):
            return np.zeros((0, size))
        given = features(split)
        columns = [np.asarray(one.predict(given), dtype=np.float64).reshape(len(split), -1) for one in each]
        return np.concatenate(columns, axis=1)

    return predict


def _gives_several(estimator: Any) -> bool:
    """Does it say that it can be fitted to several values per example?"""
    try:
        from sklearn.utils import get_tags

        return bool(get_tags(estimator).target_tags.multi_output)
    except Exception:  # before scikit-learn 1.6, or an estimator of another library
        return False
