"""A sound task, and copies of it with one mistake each, named after the mistake."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqbench import Classes, DataError, Dense, Forecast, SequenceSet, Serving, TaskData, TaskSpec, Tokens, hookimpl

FORECAST = Forecast(1)


@dataclass(frozen=True)
class Params:
    """look_back: steps of a window. seed: of the built-in series. noise: augmentation."""

    look_back: int = 6
    seed: int = 0
    noise: float = 0.1


def series(source: str, params: Params) -> Any:
    """A noisy sine, or the column `value` of a CSV file."""
    if source == "builtin":
        random = np.random.default_rng(params.seed)
        return np.sin(np.arange(700) / 9) + random.normal(0, 0.3, 700) + np.arange(700) / 300
    try:
        with Path(source).open(newline="") as file:
            values = np.array([float(row["value"]) for row in csv.DictReader(file)])
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{source} cannot be read as CSV with a column 'value' ({error}): give one that can.") from None
    if len(values) < 100:
        raise DataError(f"{source} has {len(values)} rows, fewer than 100: give a longer series.")
    return values


def windows(values: Any, first: int, last: int, look_back: int, name: str) -> SequenceSet:
    """Each window whose next value is one of `first` to `last`."""
    ends = range(first + look_back, last)
    sequences = [values[end - look_back : end, None].astype(np.float32) for end in ends]
    targets = np.array([[values[end]] for end in ends], dtype=np.float32)
    return SequenceSet.from_sequences(sequences, targets, [f"{name}-{end}" for end in ends])


def prepared(values: Any, scaled_by: slice, params: Params) -> TaskData:
    mean, scale = values[scaled_by].mean(), values[scaled_by].std()
    values = (values - mean) / scale
    cuts = (0, int(0.6 * len(values)), int(0.8 * len(values)), len(values))
    parts = [
        windows(values, first, last, params.look_back, name)
        for name, first, last in zip(("train", "validation", "test"), cuts[:-1], cuts[1:], strict=True)
    ]
    raw = {str(parts[2].ids[0]): json.dumps((parts[2].example(0)[:, 0] * scale + mean).tolist())}
    return TaskData(
        Dense(1), FORECAST, *parts, state={"mean": float(mean), "scale": float(scale)}, raw_examples=raw
    )


def prepare(source: str, params: Params, cache: Path) -> TaskData:
    values = series(source, params)
    return prepared(values, slice(0, int(0.6 * len(values))), params)


def encoder(state: Any) -> Any:
    def encode(raw: Any) -> Any:
        return ((np.array(json.loads(raw)) - state["mean"]) / state["scale"])[:, None].astype(np.float32)

    return encode


def mae(outputs: Any, split: SequenceSet) -> float:
    return float(np.abs(outputs - split.targets).mean())


def errors(outputs: Any, split: SequenceSet) -> Any:
    return np.abs(outputs - split.targets).mean(1)


def last_value(train: SequenceSet, validation: SequenceSet, output: Any) -> Any:
    return lambda split: np.array([split.example(row)[-1] for row in range(len(split))], dtype=np.float64)


def augment(x: Any, lengths: Any, generator: Any, params: Params) -> Any:
    import torch

    return x + params.noise * torch.randn(x.shape, generator=generator, device=x.device)


SOUND = TaskSpec(
    name="sound_forecast",
    prepare=prepare,
    input_kind="dense",
    metrics={"mae": mae},
    primary="mae",
    higher_is_better=False,
    loss="mae",
    params=Params,
    baselines={"last_value": last_value},
    trainer={"max_epochs": 3},
    augment=augment,
    training_params=("noise",),
    example_scores=errors,
    remarks=lambda outputs, split: [f"{len(split)} windows"],
    describe=lambda data: f"{len(data.train)} windows of {int(data.train.lengths[0])} steps.",
    show=lambda data, split, index: f"{split.ids[index]}: {split.targets[index]}",
    serving=Serving("window", encoder),
    sentinels={"quiet": lambda source, params, cache: ""},
)


def labelled(source: str, params: Params, cache: Path) -> TaskData:
    """Tokens of one half of the vocabulary more often than of the other, by the label."""
    random = np.random.default_rng(params.seed)

    def split(count: int, name: str) -> SequenceSet:
        labels = random.integers(0, 2, count)
        sequences = [random.integers(1, 8, size=10) + 5 * label for label in labels]
        return SequenceSet.from_sequences(sequences, labels, [f"{name}-{place}" for place in range(count)])

    return TaskData(Tokens(13), Classes(("low", "high")), split(200, "train"), split(50, "v"), split(100, "test"))


def accuracy(outputs: Any, split: SequenceSet) -> float:
    return float((outputs.argmax(1) == split.targets).mean())


def threshold(train: SequenceSet, validation: SequenceSet, output: Any) -> Any:
    def means(split: SequenceSet) -> Any:
        return np.array([split.example(row).mean() for row in range(len(split))])

    centres = np.array([means(train)[train.targets == label].mean() for label in range(output.size)])
    return lambda split: -np.abs(means(split)[:, None] - centres)


LABELLED = TaskSpec(
    "sound_labels", labelled, "tokens", {"accuracy": accuracy}, "accuracy", True, "cross_entropy", Params,
    baselines={"threshold": threshold},
)  # fmt: skip


def scaled_by_all(source: str, params: Params, cache: Path) -> TaskData:
    return prepared(series(source, params), slice(None), params)


def test_in_train(source: str, params: Params, cache: Path) -> TaskData:
    data = labelled(source, params, cache)
    both = [*map(data.train.example, range(len(data.train))), *map(data.test.example, range(20))]
    targets = np.concatenate([data.train.targets, data.test.targets[:20]])
    return replace(data, train=SequenceSet.from_sequences(both, targets))


def without_a_seed(source: str, params: Params, cache: Path) -> TaskData:
    return prepare(source, replace(params, seed=int(np.random.default_rng().integers(1 << 30))), cache)


def from_the_global_generator(source: str, params: Params, cache: Path) -> TaskData:
    return prepare(source, replace(params, seed=int(np.random.randint(1 << 30))), cache)


def label_out_of_range(source: str, params: Params, cache: Path) -> TaskData:
    data = labelled(source, params, cache)
    return replace(data, train=replace(data.train, targets=data.train.targets + 1))


def token_zero(source: str, params: Params, cache: Path) -> TaskData:
    data = labelled(source, params, cache)
    return replace(data, test=replace(data.test, values=data.test.values % 12))


def file_not_found(source: str, params: Params, cache: Path) -> TaskData:
    if source != "builtin":
        return prepared(np.loadtxt(source), slice(0, 100), params)
    return prepare(source, params, cache)


def one_fingerprint(source: str, params: Params, cache: Path) -> TaskData:
    return replace(prepare(source, params, cache), fingerprint="0" * 64)


def objects(source: str, params: Params, cache: Path) -> TaskData:
    data = prepare(source, params, cache)
    dates = np.array(["today"] * len(data.test), dtype=object)
    return replace(data, test=replace(data.test, extras={"date": dates}))


def same_ids(source: str, params: Params, cache: Path) -> TaskData:
    data = labelled(source, params, cache)
    return replace(data, test=replace(data.test, ids=np.array(["one"] * len(data.test))))


def told_by_ids(source: str, params: Params, cache: Path) -> TaskData:
    data = labelled(source, params, cache)
    ids = np.array([f"{label}-{place}" for place, label in enumerate(data.test.targets)])
    return replace(data, test=replace(data.test, ids=ids))


def reads_ids(train: SequenceSet, validation: SequenceSet, output: Any) -> Any:
    return lambda split: np.eye(output.size)[[int(str(name)[0]) if str(name)[0].isdigit() else 0 for name in split.ids]]


def reads_targets(train: SequenceSet, validation: SequenceSet, output: Any) -> Any:
    return lambda split: np.asarray(split.targets, dtype=np.float64)


def one_column_more(train: SequenceSet, validation: SequenceSet, output: Any) -> Any:
    return lambda split: np.zeros((len(split), output.size + 1))


def unseeded_augment(x: Any, lengths: Any, generator: Any, params: Params) -> Any:
    import torch

    return x + params.noise * torch.randn_like(x)


def crashes(*arguments: Any) -> Any:
    raise KeyError("text")


def forecast(name: str, **changes: Any) -> TaskSpec:
    return replace(SOUND, name=name, **changes)


def labels(name: str, **changes: Any) -> TaskSpec:
    return replace(LABELLED, name=name, **changes)


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    return [
        SOUND,
        LABELLED,
        forecast("scaled_by_all", prepare=scaled_by_all),
        labels("test_in_train", prepare=test_in_train),
        forecast("without_a_seed", prepare=without_a_seed),
        forecast("from_the_global_generator", prepare=from_the_global_generator),
        labels("label_out_of_range", prepare=label_out_of_range),
        labels("token_zero", prepare=token_zero),
        forecast("file_not_found", prepare=file_not_found),
        forecast("one_fingerprint", prepare=one_fingerprint),
        forecast("wrong_training_params", training_params=("noise", "look_back")),
        forecast("objects", prepare=objects),
        labels("same_ids", prepare=same_ids),
        labels("told_by_ids", prepare=told_by_ids, baselines={"reads_ids": reads_ids}),
        forecast("reads_targets", baselines={"reads_targets": reads_targets}),
        forecast("one_column_more", baselines={"one_column_more": one_column_more}),
        forecast("wrong_direction", higher_is_better=True),
        forecast("other_scores", example_scores=lambda outputs, split: errors(outputs, split) ** 2),
        forecast("crashing_remarks", remarks=crashes),
        forecast("crashing_show", show=crashes),
        forecast("unseeded_augment", augment=unseeded_augment),
        forecast("other_encoder", serving=Serving("window", lambda state: encoder({**state, "mean": 0.0}))),
        forecast("ringing_sentinel", sentinels={"ringing": lambda source, params, cache: "it leaks"}),
        forecast("unknown_option", trainer={"epochs": 3}),
        forecast("loss_per_example", loss=lambda outputs, targets: (outputs - targets).abs().mean(1)),
        forecast("other_input", input_kind="tokens"),
    ]
