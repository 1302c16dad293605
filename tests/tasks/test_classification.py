"""Scores of classification: by hand, by scikit-learn, and finite whatever a model gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from seqbench import Classes, SequenceSet
from seqbench_tasks.classification import (
    accuracy,
    expected_calibration_error,
    log_loss,
    logistic_regression,
    macro_f1,
    majority,
)


def split_of(targets: list[int] | NDArray[np.int64]) -> SequenceSet:
    return SequenceSet.from_sequences([[1]] * len(targets), np.asarray(targets))


@pytest.fixture
def random_outputs() -> tuple[NDArray[np.float64], SequenceSet]:
    random = np.random.default_rng(0)
    return random.normal(0, 2, (500, 4)), split_of(random.integers(0, 4, 500))


def test_scores_are_scikit_learns(random_outputs: tuple[NDArray[np.float64], SequenceSet]) -> None:
    """Accuracy, macro-F1 and log-loss of four classes are what scikit-learn computes from softmaxed outputs."""
    outputs, split = random_outputs
    probabilities = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    assert metrics.accuracy_score(split.targets, outputs.argmax(1)) == pytest.approx(accuracy(outputs, split))
    assert metrics.f1_score(split.targets, outputs.argmax(1), average="macro") == pytest.approx(
        macro_f1(outputs, split)
    )
    assert metrics.log_loss(split.targets, probabilities) == pytest.approx(log_loss(outputs, split))


def test_calibration_by_hand() -> None:
    """Two of four right at confidence 0.9 and one of one at 0.6: (4 |0.5 - 0.9| + |1 - 0.6|) / 5."""
    outputs = np.log([[0.9, 0.1]] * 4 + [[0.4, 0.6]])
    split = split_of([0, 0, 1, 1, 1])
    assert (4 * 0.4 + 0.4) / 5 == pytest.approx(expected_calibration_error(outputs, split))


def test_errors_of_two_bins_do_not_cancel() -> None:
    """Too sure in one bin and not sure enough in another is an error in both, and none within one bin."""
    apart = np.log([[0.9, 0.1], [0.55, 0.45]])
    assert (0.9 + 0.45) / 2 == pytest.approx(expected_calibration_error(apart, split_of([1, 0])))
    together = np.log([[0.75, 0.25]] * 4)
    assert pytest.approx(0.0, abs=1e-12) == expected_calibration_error(together, split_of([0, 0, 0, 1]))


def test_adding_a_constant_changes_nothing(random_outputs: tuple[NDArray[np.float64], SequenceSet]) -> None:
    """Outputs are logits: the same number added to all of an example's, however large, leaves every score."""
    outputs, split = random_outputs
    for score in (log_loss, expected_calibration_error):
        assert score(outputs, split) == pytest.approx(score(outputs + 1e3, split))


def test_scores_are_finite() -> None:
    """A model that is sure and wrong costs 36 nats, not infinitely many; log-probabilities of 0 are no trouble."""
    outputs = np.array([[0.0, -np.inf], [1e6, -1e6]])
    split = split_of([1, 1])
    assert -np.log(np.finfo(float).eps) == pytest.approx(log_loss(outputs, split))
    assert pytest.approx(1.0) == expected_calibration_error(outputs, split)


def test_baselines_give_log_probabilities() -> None:
    """Baselines' outputs are normalised log-probabilities, also with a class that train lacks."""
    train, test = split_of([0, 0, 1, 0, 1, 0]), split_of([0, 1, 2])
    output = Classes(("a", "b", "c"))

    def features(split: SequenceSet) -> NDArray[np.float64]:
        return np.arange(len(split), dtype=float)[:, None]

    for predict in (majority(train, train, output), logistic_regression(features, train, train, output)):
        outputs = predict(test)
        assert np.exp(outputs).sum(1) == pytest.approx(np.ones(3))
        assert np.isfinite(log_loss(outputs, test))
