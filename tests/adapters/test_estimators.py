"""Estimators of scikit-learn, and of aeon's interface, are models of their own kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from seqbench import (
    Classes,
    Dense,
    Forecast,
    Input,
    ModelSpec,
    Output,
    SequenceSet,
    SpecError,
    Tokens,
    model_from_estimator,
)
from seqbench.adapters.features import bag_of_words, flat, padded_at_end, summary
from seqbench.params import dump, validate
from trained_cells import planned, train

FOUR = Classes(("a", "b", "c", "d"))


def split(count: int = 60, classes: tuple[int, ...] = (0, 1, 3), seed: int = 0) -> SequenceSet:
    """Sequences of two channels whose level is their class."""
    random = np.random.default_rng(seed)
    labels = np.array([classes[index % len(classes)] for index in range(count)])
    sequences = [random.normal(label, 0.3, (random.integers(3, 9), 2)).astype(np.float32) for label in labels]
    return SequenceSet.from_sequences(sequences, labels.astype(np.int64))


def fit(
    spec: ModelSpec, data: SequenceSet, input: Input = Dense(2), output: Output = FOUR, seed: int = 7, **params: Any
) -> Any:
    assert spec.fit is not None
    return spec.fit(data, data, input, output, validate(spec.params, params, f"models.{spec.name}"), seed)


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), SVC(), LinearSVC(), KNeighborsClassifier(), RandomForestClassifier(20),
     make_pipeline(StandardScaler(), LogisticRegression())],
)  # fmt: skip
def test_classifiers_give_the_labels_columns(estimator: Any) -> None:
    """Outputs are in the order of the labels, finite, right, and least for the class that train does not have."""
    data = split()
    outputs = fit(model_from_estimator(estimator, "x"), data)(split(seed=1))
    assert (60, 4) == outputs.shape
    assert np.isfinite(outputs).all()
    assert 0.95 <= float((outputs.argmax(1) == data.targets).mean())
    assert (outputs[:, 2] < outputs[:, [0, 1, 3]].min(1)).all()


def test_probabilities_are_kept() -> None:
    """The exponent of the outputs is what predict_proba gives, so the log loss is the estimator's own."""
    data = split()
    outputs = fit(model_from_estimator(LogisticRegression()), data)(data)
    expected = LogisticRegression().fit(summary(data), data.targets).predict_proba(summary(data))
    np.testing.assert_allclose(np.exp(outputs)[:, [0, 1, 3]], expected, rtol=1e-9)


def test_two_classes_by_a_decision_function() -> None:
    """One number per example is the second class's score, the first's being 0."""
    data = split(classes=(0, 1))
    outputs = fit(model_from_estimator(LinearSVC()), data, output=Classes(("no", "yes")))(data)
    assert (outputs[:, 0] == 0).all()
    assert (data.targets == outputs.argmax(1)).all()


class PairwiseSVC(SVC):  # type: ignore[misc]
    """Its default is scores of pairs."""

    def __init__(self, kernel: str = "rbf", decision_function_shape: str = "ovo") -> None:
        super().__init__(kernel=kernel, decision_function_shape=decision_function_shape)


class Upside(LinearSVC):  # type: ignore[misc]
    """Its decision function tells the opposite of what it predicts, of one example."""

    def decision_function(self, X: Any) -> Any:  # noqa: N803
        found = super().decision_function(X).copy()
        found[0] *= -1
        return found

    def predict(self, X: Any) -> Any:  # noqa: N803
        scores = super().decision_function(X)
        return self.classes_[scores.argmax(1) if scores.ndim == 2 else (scores > 0).astype(int)]


@pytest.mark.parametrize("kinds", [(0, 1), (0, 1, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize(
    "estimator", [SVC(decision_function_shape="ovo"), PairwiseSVC(), Upside(), SVC(),
                  make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo"))]
)  # fmt: skip
def test_the_highest_output_is_what_is_predicted(estimator: Any, kinds: tuple[int, ...]) -> None:
    """Scores of pairs, of which three classes have three, are not taken for those of classes; nor is a tie broken."""
    data, other = split(classes=kinds), split(classes=kinds, seed=1)
    predict = fit(model_from_estimator(estimator, "x"), data)
    outputs = predict(other)
    assert (
        clone(estimator).fit(summary(data), data.targets).predict(summary(other)).tolist() == outputs.argmax(1).tolist()
    )


def test_a_shape_that_nobody_set_is_that_of_classes() -> None:
    """Then outputs are graded; where the user asked for pairs, they are the prediction alone."""
    data = split()
    graded, chosen = (
        fit(model_from_estimator(item), data)(data) for item in (PairwiseSVC(), SVC(decision_function_shape="ovo"))
    )
    assert len(np.unique(graded)) > 60
    assert 3 == len(np.unique(chosen))


def test_one_class_in_train_is_always_predicted() -> None:
    """Where there is nothing to tell apart, no estimator is asked."""
    outputs = fit(model_from_estimator(LogisticRegression()), split(classes=(3,)))(split())
    assert {3} == set(outputs.argmax(1).tolist())


@pytest.mark.parametrize("estimator", [LinearRegression(), GradientBoostingRegressor(n_estimators=30)])
def test_regressors_give_every_value(estimator: Any) -> None:
    """One that takes several values is fitted once, another once for each; both forecast all of them."""
    random = np.random.default_rng(0)
    sequences = [random.normal(size=(5, 1)).astype(np.float32) for _ in range(200)]
    targets = np.array([[s[-1, 0], s[0, 0] + 1] for s in sequences], dtype=np.float32)
    data = SequenceSet.from_sequences(sequences, targets)
    outputs = fit(model_from_estimator(estimator, "x"), data, Dense(1), Forecast(2))(data)
    assert (200, 2) == outputs.shape
    assert np.abs(outputs - targets).mean() < 0.2


def test_parameters_and_seeds() -> None:
    """Plain parameters can be set, a pipeline's too; the seed is the cell's; a wrong kind of task is told."""
    spec = model_from_estimator(make_pipeline(StandardScaler(), LogisticRegression()), "pipe")
    known = dump(spec.params, validate(spec.params, {"logisticregression__C": 0.5}, "models.pipe"))
    assert (0.5, "auto") == (known["logisticregression__C"], known["features"])
    assert not [name for name in known if "random_state" in name]
    forest = model_from_estimator(RandomForestClassifier(n_estimators=5, random_state=3))
    assert (60, 4) == fit(forest, split(), max_features=0.5, criterion="entropy")(split()).shape
    data, other = split(), split(seed=1)
    one, same, another = (fit(forest, data, seed=seed)(other) for seed in (1, 1, 2**62))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, another)
    with pytest.raises(SpecError, match=r"is a classifier, and the task wants a regressor"):
        fit(forest, data, output=Forecast(1))
    with pytest.raises(SpecError, match="is no estimator"):
        model_from_estimator(3, "three")


def test_a_classifier_and_a_regressor_are_one_model() -> None:
    """Each does the tasks that it can; what is set goes to both, and another default stays the regressor's own."""
    spec = model_from_estimator(RandomForestClassifier(), "forest", regressor=RandomForestRegressor())
    data = split()
    assert (60, 4) == fit(spec, data, n_estimators=3)(data).shape
    values = SequenceSet.from_sequences(
        [data.example(index) for index in range(60)], data.targets[:, None].astype(np.float32)
    )
    assert (60, 1) == fit(spec, values, output=Forecast(1), n_estimators=3)(values).shape


def test_a_function_makes_the_estimator_when_it_is_fitted() -> None:
    """Its keyword parameters are the model's."""

    def nearest(n_neighbors: int = 3) -> Any:
        """The nearest sequences."""
        return KNeighborsClassifier(n_neighbors)

    spec = model_from_estimator(nearest)
    assert ("nearest", "The nearest sequences.") == (spec.name, spec.about)
    assert (60, 4) == fit(spec, split(), n_neighbors=1)(split()).shape


def test_features() -> None:
    """Summaries, the last steps padded before, arrays padded after, and counts of tokens."""
    data = SequenceSet.from_sequences([np.array([[1.0], [3.0]]), np.array([[2.0], [4.0], [9.0]])], np.array([0, 1]))
    np.testing.assert_allclose(summary(data), [[2, 1, 1, 3, 3, 2], [5, np.sqrt(26 / 3), 2, 9, 9, 3]])
    assert [[0, 1, 3], [2, 4, 9]] == flat(data, 3).tolist()
    assert [[1, 3], [4, 9]] == flat(data, 2).tolist()
    assert [[[1, 3, 0]], [[2, 4, 9]]] == padded_at_end(data, 3).tolist()
    words = SequenceSet.from_sequences([np.array([1, 2, 2]), np.array([3])], np.array([0, 1]))
    assert [[0, 1, 2, 0], [0, 0, 0, 1]] == bag_of_words(words, 4).toarray().tolist()


@pytest.mark.parametrize("estimator", [LogisticRegression(), GaussianNB()])
def test_tokens_are_a_bag_of_words(estimator: Any) -> None:
    """Sparse, or dense for an estimator that takes no sparse matrix."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    sequences = [random.integers(1, 5, 6) + 4 * label for label in labels]
    data = SequenceSet.from_sequences(sequences, labels)
    outputs = fit(model_from_estimator(estimator, "x"), data, Tokens(10), Classes(("a", "b")))(data)
    assert 1.0 == float((outputs.argmax(1) == labels).mean())


class Collection(BaseEstimator):  # type: ignore[misc]
    """The interface of an aeon estimator of collections of series."""

    _tags = {"capability:multivariate": True, "capability:unequal_length": False}  # noqa: RUF012 - as in aeon

    def fit(self, X: NDArray[np.float64], y: NDArray[Any]) -> Collection:  # noqa: N803
        assert 3 == X.ndim
        self.shape_ = X.shape[1:]
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == label].mean() for label in self.classes_])
        return self

    def predict(self, X: NDArray[np.float64]) -> NDArray[Any]:  # noqa: N803
        assert self.shape_ == X.shape[1:]
        return np.asarray(self.classes_[np.abs(X.mean((1, 2))[:, None] - self.means_).argmin(1)])


class SeriesClassifier(ClassifierMixin, Collection):  # type: ignore[misc]
    """It gives labels alone."""


class SeriesRegressor(RegressorMixin, Collection):  # type: ignore[misc]
    """It gives the last value."""

    def predict(self, X: NDArray[np.float64]) -> NDArray[Any]:  # noqa: N803
        return np.asarray(X[:, 0, -1])


def test_estimators_of_series_get_arrays_of_one_length() -> None:
    """`[examples, channels, time]`, of the longest of train or of `steps`; labels alone become outputs; dense only."""
    spec = model_from_estimator(SeriesClassifier(), "series")
    assert ("dense",) == spec.accepts
    data = split(classes=(0, 3))
    for steps in (None, 4):
        outputs = fit(spec, data, steps=steps)(split(classes=(0, 3), seed=1))
        assert 0.9 <= float((outputs.argmax(1) == data.targets).mean())
    values = SequenceSet.from_sequences(
        [np.full((4, 1), level, dtype=np.float32) for level in range(5)],
        np.arange(10, dtype=np.float32).reshape(5, 2),
    )
    outputs = fit(model_from_estimator(SeriesRegressor(), "r"), values, Dense(1), Forecast(2))(values)
    assert np.arange(5).repeat(2).tolist() == outputs.ravel().tolist()


def test_an_aeon_classifier() -> None:
    """A real one, where aeon is installed."""
    neighbors = pytest.importorskip("aeon.classification.distance_based", exc_type=ImportError)
    spec = model_from_estimator(neighbors.KNeighborsTimeSeriesClassifier(distance="euclidean"))
    assert ("dense",) == spec.accepts
    assert ("aeon",) == spec.distributions
    outputs = fit(spec, split())(split(seed=1))
    assert 0.9 <= float((outputs.argmax(1) == split(seed=1).targets).mean())


PLUGIN = """
import seqbench
from sklearn.linear_model import LogisticRegression
@seqbench.hookimpl
def seqbench_models():
    return [seqbench.model_from_estimator(LogisticRegression())]
"""


def test_what_cannot_do_a_task_says_so_in_its_record(tmp_path: Path, toy: str, cache: Path) -> None:
    """A regressor's cell of a task of classes failed, with the sentence that says what would do."""
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.replace("LogisticRegression", "Ridge"))
    record = train(tmp_path / "results", planned("toy", ("ridge",), plugin_files=[toy, str(file)]), [toy, str(file)])[0]
    assert record.failure is not None
    assert ("failed", "SpecError") == (record.status, record.failure.type)
    assert (
        "model 'ridge': Ridge is a regressor, and the task wants a classifier: choose other tasks, or give "
        "model_from_estimator one of each, as estimator and regressor"
    ) == record.failure.message


def test_an_estimator_is_trained_as_a_cell(tmp_path: Path, toy: str, cache: Path) -> None:
    """It stands in the record with its parameters, no network's costs, and a score above chance."""
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    cells = planned("toy", ("logistic_regression",), plugin_files=[toy, str(file)])
    record = train(tmp_path / "results", cells, [toy, str(file)])[0]
    assert ("ok", None) == (record.status, record.costs.parameters)
    assert 1.0 == record.parameters["model"]["C"]
    assert record.metrics["accuracy"] > 0.7
