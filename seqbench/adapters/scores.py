"""Metrics, baselines and words of tasks made by adapters. Forecasts are scored in the units of their targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench.spec import Classes, Output, TaskData, Tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.sequences import SequenceSet
    from seqbench.spec import Metric, Predictor

    Outputs = NDArray[np.float64]

SHOWN = 8
"""Steps, or words times four, that one example is shown by."""


def accuracy(outputs: Outputs, split: SequenceSet) -> float:
    """Part of the examples whose highest output `float[N, classes]` is the target."""
    return float(correct(outputs, split).mean())


def correct(outputs: Outputs, split: SequenceSet) -> Outputs:
    """`float64[N]`: 1 where the highest output is the target, else 0."""
    return np.asarray(outputs.argmax(1) == split.targets, dtype=np.float64)


def macro_f1(outputs: Outputs, split: SequenceSet) -> float:
    """Mean over the classes in the targets of F1 = 2 TP / (2 TP + FP + FN)."""
    predicted = outputs.argmax(1)
    scores = []
    for label in np.unique(split.targets):
        is_label, is_predicted = split.targets == label, predicted == label
        scores.append(2 * int((is_label & is_predicted).sum()) / int(is_label.sum() + is_predicted.sum()))
    return float(np.mean(scores))


def majority(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """Log frequencies of the labels in train, whatever the example."""
    counts = np.bincount(train.targets, minlength=output.size)
    scores = np.log((counts + 1) / (counts.sum() + output.size))
    return lambda split: np.asarray(np.tile(scores, (len(split), 1)))


def real(outputs: Outputs, split: SequenceSet) -> Outputs:
    """Outputs in the units of the targets: `float64[N, values]`."""
    return np.asarray(outputs * split.extras["scale"] + split.extras["offset"], dtype=np.float64)


def scaled(values: Outputs, split: SequenceSet) -> Outputs:
    """The outputs that stand for values in the units of the targets; undoes `real`."""
    return np.asarray((values - split.extras["offset"]) / split.extras["scale"])


def absolute_errors(outputs: Outputs, split: SequenceSet) -> Outputs:
    """`float64[N]`: each example's mean absolute error over its values."""
    return np.asarray(np.abs(real(outputs, split) - split.extras["actual"]).mean(axis=1))


def mae(outputs: Outputs, split: SequenceSet) -> float:
    """Mean absolute error."""
    return float(absolute_errors(outputs, split).mean())


def rmse(outputs: Outputs, split: SequenceSet) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.square(real(outputs, split) - split.extras["actual"]).mean()))


def mean(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """The mean of each value in train, whatever the example."""
    means = train.extras["actual"].mean(axis=0)
    return lambda split: scaled(np.tile(means, (len(split), 1)), split)


def forecasts(outputs: Outputs, split: SequenceSet) -> Mapping[str, NDArray[Any]]:
    """Columns of stored predictions: what was and what was predicted, in the units of the targets.

    `actual` and `predicted` are the first value; with several, `actual_1`, `predicted_1` and so on follow.
    """
    predicted, actual = real(outputs, split), split.extras["actual"]
    columns = {name: split.extras[name] for name in ("series", "date") if name in split.extras}
    if "series" in columns and not np.any(columns["series"] != ""):
        del columns["series"]  # there is one, without a name
    columns |= {"actual": actual[:, 0], "predicted": predicted[:, 0]}
    if actual.shape[1] > 1:
        for index in range(actual.shape[1]):
            columns |= {f"actual_{index + 1}": actual[:, index], f"predicted_{index + 1}": predicted[:, index]}
    return columns


def texts(outputs: Outputs, split: SequenceSet) -> Mapping[str, NDArray[Any]]:
    """The beginning of each text, where there are texts, beside its prediction."""
    return {"text": split.extras["text"]} if "text" in split.extras else {}


CLASSES: Mapping[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}
VALUES: Mapping[str, Metric] = {"mae": mae, "rmse": rmse}
HIGHER_IS_BETTER: Mapping[str, bool] = {"accuracy": True, "macro_f1": True, "mae": False, "rmse": False, "mase": False}
SCORES: Mapping[str, Callable[[Outputs, SequenceSet], Outputs]] = {"accuracy": correct, "mae": absolute_errors}
"""By primary metric, the scores of single examples that average to it."""


def show(data: TaskData, split: SequenceSet, index: int) -> str:
    """One example as a person reads it: its target, its length, and how it begins."""
    return f"{split.ids[index]} [{_target(data, split, index)}] {_sequence(data, split, index)}"


def _target(data: TaskData, split: SequenceSet, index: int) -> str:
    if isinstance(data.output, Classes):
        return data.output.labels[int(split.targets[index])]
    return ", ".join(f"{value:.5g}" for value in split.extras["actual"][index][:SHOWN])


def _sequence(data: TaskData, split: SequenceSet, index: int) -> str:
    values = split.example(index)
    if "text" in split.extras:
        return f"{len(values)} tokens: {split.extras['text'][index]}"
    if isinstance(data.input, Tokens):
        more = " ..." if len(values) > 4 * SHOWN else ""
        return f"{len(values)} tokens: {' '.join(map(str, values[: 4 * SHOWN].tolist()))}{more}"
    steps = [" ".join(f"{value:.3g}" for value in step[:SHOWN]) for step in values[:SHOWN]]
    return f"{len(values)} steps of {values.shape[1]}: {' | '.join(steps)}{' | ...' if len(values) > SHOWN else ''}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def describe(data: TaskData) -> str:
    """One paragraph: what goes in, what comes out, sizes, and what was left out."""
    sizes = f"train {len(data.train)}, validation {len(data.validation)}, test {len(data.test)}"
    if isinstance(data.input, Tokens):
        given = _counted(data.input.vocabulary, "token")
    else:
        given = _counted(data.input.features, "feature")
    is_classes = isinstance(data.output, Classes)
    wanted = f"{data.output.size} classes" if is_classes else f"{_counted(data.output.size, 'value')} to forecast"
    told = [f"{wanted} from sequences of {given}; {data.notes.get('split', 'splits')}: {sizes}."]
    told += [f"{sentence}." for sentence in (*data.notes.get("dropped", ()), *data.notes.get("warnings", ()))]
    return " ".join(told)
