"""Data sets of pairs and of Hugging Face's columns are tasks: split, fitted on train, keyed by their content."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from seqbench import (
    Classes,
    ConfigError,
    DataError,
    Dense,
    Forecast,
    SequenceSet,
    SpecError,
    TaskData,
    TaskSpec,
    Tokens,
    task_from_dataset,
    task_from_datasets,
)
from seqbench.audit import audit
from seqbench.describe import describe, splits_of
from seqbench.evaluation import evaluate
from seqbench.offers import Offer
from seqbench.params import dump, validate

CACHE = Path()


def prepared(task: TaskSpec, source: str = "builtin", **params: Any) -> TaskData:
    return task.prepare(source, validate(task.params, params, f"tasks.{task.name}"), CACHE)


def nothing() -> list[Any]:
    return []


def content(task: TaskSpec) -> str:
    return str(dump(task.params, validate(task.params, {}, "tasks.x"))["content"])


class Waves(Dataset[tuple[torch.Tensor, Any]]):
    """60 sequences of one or two channels; the target is a class, or a number."""

    def __init__(self, *, count: int = 60, shift: float = 5.0, forecast: bool = False, channels: int = 2) -> None:
        random = np.random.default_rng(0)
        self.lengths = random.integers(2, 9, count)
        self.items = [random.normal(shift, 3.0, (length, channels)) for length in self.lengths]
        self.forecast = forecast

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Any]:
        values = torch.tensor(self.items[index], dtype=torch.float32)
        return values, 100.0 + index if self.forecast else index % 3


def scores(task: TaskSpec, outputs: Any, split: SequenceSet) -> dict[str, float]:
    return dict(evaluate(task, np.asarray(outputs, dtype=np.float64), split).metrics)


def test_a_torch_dataset_of_classes() -> None:
    """Kinds are told by the first item; splits are stratified, disjoint, and the same each time; sequences scaled."""
    task = task_from_dataset("waves", Waves())
    assert ("dense", "accuracy", "cross_entropy") == (task.input_kind, task.primary, task.loss)
    data, again = prepared(task), prepared(task)
    assert (Dense(2), Classes(("0", "1", "2"))) == (data.input, data.output)
    assert [13, 13, 13] == np.bincount(data.train.targets).tolist()
    assert [4, 4, 4] == np.bincount(data.test.targets).tolist()
    ids = [set(split.ids.tolist()) for split in (data.train, data.validation, data.test)]
    assert (60, {f"train-{n}" for n in range(60)}) == (sum(map(len, ids)), set.union(*ids))
    np.testing.assert_allclose(data.train.values.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.values.std(0), 1, atol=1e-5)
    assert np.array_equal(data.test.ids, again.test.ids)
    assert not np.array_equal(data.test.ids, prepared(task, split_seed=1).test.ids)
    assert all(finding.is_well for finding in audit(task, data, "builtin", validate(task.params, {}, "tasks.waves")))


def test_fitted_on_train_only() -> None:
    """Another test split leaves train as it was, and is scaled by train's mean and deviation."""
    train = Waves()
    one = prepared(task_from_dataset("waves", train, Waves(shift=0.0)))
    other = prepared(task_from_dataset("waves", train, Waves(shift=50.0, count=20)))
    assert np.array_equal(one.train.values, other.train.values)
    assert np.array_equal(one.validation.values, other.validation.values)
    state = other.state
    expected = (np.concatenate(Waves(shift=50.0, count=20).items) - state["mean"]) / state["scale"]
    np.testing.assert_allclose(other.test.values, expected, rtol=1e-4)
    raw = prepared(task_from_dataset("waves", train, Waves(), scale=False))
    np.testing.assert_allclose(raw.test.values, np.concatenate(Waves().items), rtol=1e-5)


def test_forecasts_are_scored_in_their_own_units() -> None:
    """Perfect outputs have no error; one unit of the scaler is one deviation of train; the mean stands beside."""
    task = task_from_dataset("waves", Waves(forecast=True), order="time")
    data = prepared(task)
    assert (Forecast(1), "mae", False) == (data.output, task.primary, task.higher_is_better)
    test = data.test
    assert [f"train-{n}" for n in range(48, 60)] == test.ids.tolist()
    assert (np.arange(148, 160) == test.extras["actual"][:, 0]).all()
    assert {"mae": 0, "rmse": 0} == pytest.approx(scores(task, test.targets, test), abs=1e-4)
    deviation = data.train.extras["actual"].std()
    assert deviation == pytest.approx(scores(task, test.targets + 1, test)["mae"], rel=1e-5)
    mean = task.baselines["mean"](data.train, data.validation, data.output)(test)
    assert float(np.arange(148, 160).mean() - data.train.extras["actual"].mean()) == pytest.approx(
        scores(task, mean, test)["mae"]
    )


def test_tokens_are_numbered_by_train() -> None:
    """Whole numbers move up by 2; what train does not have is 1; 0 is padding alone; given Tokens stay as they are."""
    train = [([0, 3, 2], "b"), ([1], "a")] * 4
    data = prepared(task_from_dataset("t", train, test=[([7, 3], "a")], validation=[([0], "b")]))
    assert (Tokens(6), ("a", "b")) == (data.input, data.output.labels)  # type: ignore[union-attr]
    assert [1, 5] == data.test.example(0).tolist()
    assert [2, 5, 4] == data.train.example(0).tolist()
    ready = [([1, 3], 0), ([2], 1)] * 5
    assert Tokens(4) == prepared(task_from_dataset("t", ready, input=Tokens(4))).input
    with pytest.raises(DataError, match=r"outside 1 \.\. 2"):
        prepared(task_from_dataset("t", ready, input=Tokens(3)))
    assert Dense(1) == prepared(task_from_dataset("t", ready, input="dense")).input


def test_texts_are_tokens_of_words() -> None:
    """Words of train by frequency, others unknown; the text is shown; labels keep their names."""
    train = [("Good, good film", "pos"), ("bad film", "neg")] * 10
    task = task_from_dataset("t", train, [("a good one", "pos"), ("bad", "neg")], [("film", "pos")])
    data = prepared(task)
    assert ["", "?", "film", "good", ",", "bad"] == data.state["words"]
    assert [1, 3, 1] == data.test.example(0).tolist()
    assert "test-0 [pos] 3 tokens: a good one" == task.show(data, data.test, 0)  # type: ignore[misc]
    told = describe(task, data)
    assert "2 classes from sequences of 6 tokens; splits as given: train 20, validation 1, test 2." == told["about"]
    assert 1 == int(prepared(task, max_length=1).test.lengths.max())


def test_a_function_is_called_when_data_is_prepared() -> None:
    """It gets the source, its parameters are the task's, and it gives splits as a tuple or by name."""
    calls: list[tuple[str, int]] = []

    def load(source: str, *, count: int = 30) -> Any:
        calls.append((source, count))
        pairs = [(np.arange(4.0) + n, n % 2) for n in range(count)]
        return {"train": pairs, "valid": pairs[:4], "test": pairs[4:8]} if source == "named" else (pairs, pairs[:6])

    task = task_from_dataset("t", load, input="dense", output="classes")
    assert [] == calls
    assert (6, 4) == (len(prepared(task, count=20).test), len(prepared(task, "named").validation))
    assert [("builtin", 20), ("named", 30)] == calls
    with pytest.raises(ConfigError, match=r"'tasks\.t\.count' is not valid"):
        validate(task.params, {"count": "many"}, "tasks.t")
    both = task_from_dataset("t", Waves, lambda: Waves(count=9), input="dense", output="classes")
    assert 9 == len(prepared(both).test)


def test_data_in_memory_is_keyed_by_its_content() -> None:
    """The same values give the same digest, one other value another; it changes when data is changed in place."""
    pairs = [(np.arange(4.0) + n, n % 2) for n in range(30)]
    one, same = (task_from_dataset("t", list(pairs)) for _ in range(2))
    assert content(one) == content(same)
    changed = [(pairs[0][0] + 1e-9, 0), *pairs[1:]]
    assert content(one) != content(task_from_dataset("t", changed))
    assert "2024-05" == content(task_from_dataset("t", pairs, version="2024-05"))
    alive = list(pairs)
    task = task_from_dataset("t", alive)
    before = content(task)
    alive.append((np.zeros(2), 1))
    assert before != content(task)


def test_data_that_is_never_the_same_is_refused() -> None:
    """A data set with random crops gives an error that says so; with a version it is taken."""

    class Random(Waves):
        def __getitem__(self, index: int) -> tuple[torch.Tensor, Any]:
            values, label = super().__getitem__(index)
            return values + torch.rand(1), label

    with pytest.raises(DataError, match="changes whenever it is read"):
        prepared(task_from_dataset("t", Random()))
    assert 12 == len(prepared(task_from_dataset("t", Random(), version="1")).test)


def test_what_a_function_reads_counts_by_files(tmp_path: Path) -> None:
    """`files` are hashed; a missing one is told."""
    file = tmp_path / "notes.txt"
    file.write_text("one")

    def task() -> TaskSpec:
        return task_from_dataset("t", nothing, input="dense", output="classes", files=(str(file),))

    first = content(task())
    file.write_text("two!")
    assert first != content(task())
    file.unlink()
    with pytest.raises(DataError, match=r"notes\.txt, which task 't' needs"):
        content(task())


def pair(sequence: Any, target: Any = 0) -> list[tuple[Any, Any]]:
    return [*((np.zeros(2), n % 2) for n in range(20)), (sequence, target)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: prepared(task_from_dataset("t", pair(np.zeros((2, 3))))), "has 3 features where 1 were expected"),
        (
            lambda: prepared(task_from_dataset("t", pair([1.0, np.nan]))),
            "'train-20' .* step 1 that is no finite number",
        ),
        (lambda: prepared(task_from_dataset("t", pair(np.zeros((2, 2, 2))))), r"is of shape \(2, 2, 2\)"),
        (lambda: prepared(task_from_dataset("t", pair("abc"))), r"is a str: give numbers"),
        (lambda: prepared(task_from_dataset("t", [(np.zeros(2), 0.5), (np.zeros(2), "x")] * 9)), "has the target 'x'"),
        (lambda: prepared(task_from_dataset("t", [(np.zeros(2), 1)] * 9)), "one class only, '1'"),
        (lambda: prepared(task_from_dataset("t", [(np.zeros(2), n) for n in range(90)])), "say output='forecast'"),
        (lambda: prepared(task_from_dataset("t", pair([0.0])[:2])), "has too few examples"),
        (lambda: prepared(task_from_dataset("t", pair([0.0])), "x.csv"), "brings its own data and takes no --data"),
        (lambda: prepared(task_from_dataset("t", [([3, -1], 0), ([3], 1)] * 9)), "has the token -1"),
        (lambda: task_from_dataset("t", [3, 4]), "item 0 of .* is a int: give pairs"),
        (lambda: task_from_dataset("t", [(0, 1, 2)]), "item 0 of .* is a tuple of 3: give pairs"),
        (lambda: task_from_dataset("t", lambda: 0), "its input is not known before it is loaded"),
        (lambda: task_from_dataset("t", pair([0.0]), metric=3), "'metric' is no argument.*did you mean 'metrics'"),
        (lambda: task_from_dataset("t", pair([0.0]), metrics={"m": len}, primary="m"), "higher_is_better=True or"),
        (lambda: task_from_dataset("t", 3), "give a data set of"),
        (lambda: prepared(task_from_dataset("t", lambda: 3, input="dense", output="classes")), "was given int by its"),
        (
            lambda: prepared(task_from_dataset("t", pair([0.0])), validation_part=0.9, test_part=0.2),
            "nothing to train on",
        ),
        (lambda: task_from_dataset("t", [(object(), 0)], input="tokens").params().content, "content cannot be told"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(make: Any, words: str) -> None:
    """Each mistake is an error of the project's own that says what, where, and what would do."""
    with pytest.raises((DataError, SpecError, ConfigError), match=words):
        make()


def test_unusable_examples_are_left_out_and_told() -> None:
    """Empty sequences and missing targets, with their number and the first one's id."""
    data = prepared(task_from_dataset("t", [*pair([]), (np.zeros(3), None)]))
    assert [
        "1 examples of train are empty and were left out ('train-20' for one)",
        "1 examples of train have no target and were left out ('train-21' for one)",
    ] == data.notes["dropped"]
    assert 20 == len(data.train) + len(data.validation) + len(data.test)


def test_own_metrics_and_fields() -> None:
    """A metric of the user's may be primary; further fields reach the spec; the usual ones stay beside."""
    task = task_from_dataset(
        "t", Waves(), metrics={"first": lambda outputs, split: 1.0}, primary="first", higher_is_better=True,
        trainer={"max_epochs": 2}, about="waves", model_defaults={"dropout": 0.5},
    )  # fmt: skip
    assert (["accuracy", "macro_f1", "first"], None) == (list(task.metrics), task.example_scores)
    assert (2, 5, "waves") == (task.trainer["max_epochs"], task.trainer["patience"], task.about)


@pytest.fixture(scope="module")
def hub() -> Any:
    return pytest.importorskip("datasets")


def test_a_dataset_of_columns(hub: Any) -> None:
    """Texts become words, a ClassLabel keeps its names in its order, splits are found by any of their names."""
    features = hub.Features({"text": hub.Value("string"), "label": hub.ClassLabel(names=["zero", "one"])})
    rows = {"text": ["a b", "b c"] * 10, "label": [0, 1] * 10}
    whole = hub.Dataset.from_dict(rows, features=features)
    data = prepared(task_from_datasets("t", hub.DatasetDict({"train": whole, "dev": whole.select(range(4))})))
    assert (("zero", "one"), 4) == (data.output.labels, len(data.validation))  # type: ignore[union-attr]
    assert Tokens(5) == data.input
    secret = hub.Dataset.from_dict({"text": ["x"] * 5, "label": [-1] * 5}, features=features)
    made = prepared(task_from_datasets("t", hub.DatasetDict({"train": whole, "test": secret})))
    assert (4, {"zero", "one"}) == (len(made.test), set(made.output.labels))  # type: ignore[union-attr]


def test_columns_of_numbers_and_functions_of_rows(hub: Any) -> None:
    """Lists of vectors are dense, of whole numbers tokens; a function of a row may make either; content keys them."""
    rows = {"walk": [[[float(n), 1.0]] * 3 for n in range(20)], "ids": [[n, 1] for n in range(20)],
            "y": [n / 2 for n in range(20)]}  # fmt: skip
    table = hub.Dataset.from_dict(rows)
    dense = task_from_datasets("t", table, "walk", "y")
    assert (Dense(2), Forecast(1)) == (prepared(dense).input, prepared(dense).output)
    assert "tokens" == task_from_datasets("t", table, "ids", "y").input_kind
    made = task_from_datasets("t", table, lambda row: [row["y"]], lambda row: "high" if row["y"] > 5 else "low")
    assert ("high", "low") == prepared(made).output.labels  # type: ignore[union-attr]
    assert content(dense) == content(task_from_datasets("t", hub.Dataset.from_dict(rows), "walk", "y"))
    assert content(dense) != content(task_from_datasets("t", table.select(range(19)), "walk", "y"))
    with pytest.raises(DataError, match="have no column 'wakl': did you mean 'walk'"):
        task_from_datasets("t", table, "wakl", "y")


def test_a_dataset_of_columns_can_be_sent(hub: Any) -> None:
    """As programs send their specs, with its data: what arrives prepares the same and has the same content."""
    task = task_from_datasets("t", hub.Dataset.from_dict({"text": ["a b", "b c"] * 10, "label": ["x", "y"] * 10}))
    offer = pickle.loads(pickle.dumps(Offer.of([], [task])))  # noqa: S301
    sent = offer.load().seqbench_tasks()[0]
    assert content(task) == content(sent)
    assert np.array_equal(prepared(task).test.values, prepared(sent).test.values)


def test_files_are_read_with_the_same_columns(hub: Any, tmp_path: Path, cache: Path) -> None:
    """`--data` takes CSV and JSON lines in place of what the function gives; what is no such file is told."""
    task = task_from_datasets("t", nothing, "words", "kind")
    file = tmp_path / "more.csv"
    file.write_text("words,kind\n" + "good one,1\nbad one,0\n" * 10)
    assert ("0", "1") == prepared(task, str(file)).output.labels  # type: ignore[union-attr]
    other = tmp_path / "more.xyz"
    other.write_text("?")
    with pytest.raises(DataError, match=r"is no table that can be read: give a \.csv"):
        prepared(task, str(other))
    hub.Dataset.from_dict({"words": ["up", "down"] * 10, "kind": [1.5, 0.5] * 10}).save_to_disk(tmp_path / "saved")
    forecast = task_from_datasets("t", nothing, "words", "kind", output="forecast")
    assert 20 == sum(len(split) for split in splits_of(prepared(forecast, str(tmp_path / "saved"))).values())
    with pytest.raises(DataError, match="there is nothing at"):
        prepared(task, str(tmp_path / "absent.csv"))
