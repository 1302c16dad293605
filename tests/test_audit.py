"""Sentinels ring for data that leaks and stay silent for data that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench.audit import Finding, audit
from seqbench.describe import describe
from seqbench.registry import discover
from seqbench.sequences import SequenceSet
from seqbench.spec import Classes, Dense, NoParams, Output, Serving, TaskData, TaskSpec


def data(seed: int = 0, count: int = 300) -> TaskData:
    random = np.random.default_rng(seed)

    def split(name: str) -> SequenceSet:
        labels = random.integers(0, 2, count)
        sequences = [random.normal(size=(4, 2)).astype(np.float32) + np.float32(2 * label) for label in labels]
        return SequenceSet.from_sequences(sequences, labels, [f"{name}:{number}" for number in range(count)])

    return TaskData(Dense(2), Classes(("no", "yes")), split("train"), split("validation"), split("test"))


def nearest_mean(train: SequenceSet, validation: SequenceSet, output: Output) -> Any:
    """Honest: learns the mean of each label."""

    def means(split: SequenceSet) -> Any:
        return np.array([split.example(index).mean() for index in range(len(split))])

    centres = [means(train)[np.asarray(train.targets) == label].mean() for label in range(output.size)]
    return lambda split: -np.abs(means(split)[:, None] - np.array(centres))


def reads_targets(train: SequenceSet, validation: SequenceSet, output: Output) -> Any:
    """A leak: knows the targets of what it predicts."""
    return lambda split: np.eye(output.size)[np.asarray(split.targets)]


def task(**changes: Any) -> TaskSpec:
    fields: dict[str, Any] = {
        "name": "toy",
        "prepare": lambda source, params, cache: data(),
        "input_kind": "dense",
        "metrics": {"accuracy": lambda outputs, split: 0.0},
        "primary": "accuracy",
        "higher_is_better": True,
        "loss": "cross_entropy",
        "baselines": {"nearest_mean": nearest_mean},
    }
    return TaskSpec(**{**fields, **changes})


def problems(spec: TaskSpec, found: TaskData) -> dict[str, str]:
    return {item.sentinel: item.problem for item in audit(spec, found, "builtin", NoParams()) if item.problem}


def test_honest_data_is_silent() -> None:
    """Separate splits and a baseline that learns from labels alone ring no sentinel."""
    assert {} == problems(task(), data())


def test_an_example_in_two_splits_rings() -> None:
    """The same content in train and test is found, and so is an id that occurs twice in a split."""
    clean = data()
    found = problems(task(), replace(clean, test=clean.train))
    assert {"splits_are_disjoint": "300 examples are in train and test"} == found
    ids = clean.test.ids.copy()
    ids[1] = ids[0]
    found = problems(task(), replace(clean, test=replace(clean.test, ids=ids)))
    assert {"ids_are_unique": "1 ids of test occur more than once, 'test:0' for one"} == found


def test_texts_that_only_look_alike_are_apart() -> None:
    """Two texts with the same token numbers and different words are no duplicate; the same words are."""
    clean = data()
    same = replace(clean, test=clean.train)
    texts = {"text": np.array([f"train {n}" for n in range(300)])}
    others = {"text": np.array([f"test {n}" for n in range(300)])}
    train = replace(clean.train, extras=texts)
    assert {} == problems(task(), replace(same, train=train, test=replace(clean.train, extras=others)))
    assert "splits_are_disjoint" in problems(task(), replace(same, train=train, test=train))


def test_a_label_that_is_told_otherwise_rings() -> None:
    """What scores above chance after fitting to shuffled labels has seen the targets."""
    found = problems(task(baselines={"reads_targets": reads_targets}), data())
    assert "'reads_targets' reaches 1.000" in found["shuffled_labels_give_chance"]


@pytest.mark.parametrize("seed", range(6))
def test_two_clear_clusters_are_no_leak(seed: int) -> None:
    """A baseline that by the luck of one random order tells two clusters apart rings no sentinel."""
    assert {} == problems(task(), data(seed))


def test_raw_inputs_that_are_encoded_otherwise_ring() -> None:
    """What a served model would make of a raw test example is held against what was prepared of it."""
    clean = data()
    raw = {"test:1": json.dumps(clean.test.example(1).tolist()), "test:2": json.dumps(clean.test.example(2).tolist())}
    told = replace(clean, state={"shift": 0.0}, raw_examples=raw)

    def encoder(state: Any) -> Any:
        return lambda text: np.array(json.loads(text), dtype=np.float32) + np.float32(state["shift"])

    serving = task(serving=Serving("numbers", encoder))
    assert {} == problems(serving, told)
    found = problems(serving, replace(told, state={"shift": 0.5}, raw_examples={**raw, "train:0": "[]"}))
    assert {
        "raw_inputs_are_as_prepared": "'test:1' is encoded otherwise than it was prepared; "
        "'test:2' is encoded otherwise than it was prepared; 'train:0' is no id of test"
    } == found
    assert "no raw examples" in problems(serving, clean)["raw_inputs_are_as_prepared"]


def test_a_tasks_own_sentinels_run_and_may_fail() -> None:
    """A task's sentinel is asked with its source; what it says, or that it raised, is a finding."""
    seen: list[tuple[str, Any]] = []

    def quiet(source: str, params: Any, cache: Path) -> str:
        seen.append((source, params))
        return ""

    def broken(source: str, params: Any, cache: Path) -> str:
        raise RuntimeError("no luck")

    found = problems(task(sentinels={"quiet": quiet, "loud": lambda *_: "it leaks", "broken": broken}), data())
    assert [("builtin", NoParams())] == seen
    assert {"loud": "it leaks", "broken": "it could not be checked: RuntimeError: no luck"} == found


@pytest.mark.parametrize("name", ["sentiment", "speech_commands", "stock_forecasting"])
def test_the_embedded_data_is_sound(name: str, tmp_path: Path) -> None:
    """No sentinel rings for any built-in task's embedded data."""
    spec = discover().tasks[name]
    small: dict[str, dict[str, Any]] = {
        "sentiment": {"reviews": (600, 100, 300)},
        "speech_commands": {"words": ("yes", "no")},
    }
    params = spec.params(**small.get(name, {}))
    prepared = spec.prepare("builtin", params, tmp_path)
    found: list[Finding] = list(audit(spec, prepared, "builtin", params))
    assert [] == [item for item in found if item.problem]
    assert len(found) >= 3


def test_describe_counts_what_there_is() -> None:
    """Sizes, classes, lengths, duplicates and five samples are those of the data."""
    clean = data(count=50)
    twice = replace(clean, train=replace(clean.train, starts=np.zeros(50, dtype=np.int64)))
    facts = describe(task(), twice)
    assert {"examples": 50, "steps": 200} == {key: facts["splits"]["test"][key] for key in ("examples", "steps")}
    assert {"min": 4.0, "median": 4.0, "p95": 4.0, "max": 4.0} == facts["splits"]["test"]["lengths"]
    assert 50 == sum(facts["splits"]["train"]["classes"].values())
    assert (49, 0) == (facts["duplicates"]["within"]["train"], facts["duplicates"]["within"]["test"])
    assert 5 == len(facts["samples"])
    assert facts["samples"][0].startswith("train:0: 4 steps")


def test_rare_classes_are_warned_of() -> None:
    """A class that a split hardly has is named, as a score on it says nothing."""
    clean = data(count=50)
    labels = np.zeros(50, dtype=np.int64)
    labels[:2] = 1
    (warning,) = describe(task(), replace(clean, test=replace(clean.test, targets=labels)))["warnings"]
    assert "test has fewer than 5 examples of 1 of its classes ('yes' 2)" == warning
