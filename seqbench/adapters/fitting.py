"""Estimators fitted to a task's targets, and what they predict as a model's outputs."""

from __future__ import annotations

import inspect
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

SHAPE = "decision_function_shape"
LOOKED_AT = 1000
"""Examples of train by which a decision function is told to be one of classes."""
AGREEING = 0.95
"""The part of them whose highest score is what is predicted: not all, as votes of pairs can be tied."""


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
    _ask_for_class_scores(estimator)
    estimator.fit(matrix, targets)
    classes = np.asarray(getattr(estimator, "classes_", known)).astype(np.int64)
    has_scores = _has_class_scores(estimator, matrix, classes)

    def predict(split: SequenceSet) -> NDArray[np.float64]:
        if not len(split):
            return np.zeros((0, size))
        return _log_probabilities(estimator, features(split), classes, size, has_scores=has_scores)

    return predict


def _ask_for_class_scores(estimator: Any) -> None:
    """Of an estimator, or a part of it, that gives scores of pairs of classes unless it is told: not where it was."""
    if not hasattr(estimator, "get_params"):
        return
    known = estimator.get_params(deep=True)
    for key, value in known.items():
        if key == SHAPE or key.endswith(f"__{SHAPE}"):
            owner = estimator if key == SHAPE else known[key.removesuffix(f"__{SHAPE}")]
            if value != "ovr" and value == inspect.signature(type(owner)).parameters[SHAPE].default:
                estimator.set_params(**{key: "ovr"})


def _decided(estimator: Any, matrix: Any, classes: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """The decision function, a column per class; None where there is none, or its columns are something else."""
    if not hasattr(estimator, "decision_function"):
        return None
    scores = np.asarray(estimator.decision_function(matrix), dtype=np.float64)
    if scores.ndim == 1:
        scores = np.stack([np.zeros_like(scores), scores], 1)
    return scores if scores.shape[1:] == classes.shape and np.isfinite(scores).all() else None


def _has_class_scores(estimator: Any, matrix: Any, classes: NDArray[np.int64]) -> bool:
    """Is the highest score of nearly every example of train that of the predicted class?

    Three classes have three pairs, too: the shape does not tell whose scores they are.
    """
    if hasattr(estimator, "predict_proba"):
        return False
    some = matrix[:LOOKED_AT]
    decided = _decided(estimator, some, classes)
    if decided is None:
        return False
    return float((classes[decided.argmax(1)] == np.asarray(estimator.predict(some))).mean()) >= AGREEING


def _log_probabilities(
    estimator: Any, matrix: Any, classes: NDArray[np.int64], size: int, *, has_scores: bool
) -> NDArray[np.float64]:
    """Columns in the order of the labels. has_scores: is the decision function one of classes?

    An example is scored the same whatever stands beside it; its highest output is what the estimator predicts.
    """
    if hasattr(estimator, "predict_proba"):
        scores = np.log(np.maximum(np.asarray(estimator.predict_proba(matrix), dtype=np.float64), np.exp(LEAST)))
    else:
        scores = np.where(np.asarray(estimator.predict(matrix))[:, None] == classes, 0.0, LEAST)
        decided = _decided(estimator, matrix, classes) if has_scores else None
        if decided is not None:
            agrees = decided.argmax(1) == scores.argmax(1)
            scores = np.where(agrees[:, None], decided, scores)
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
