"""Bits per character, and what n-grams reach: what a model has to beat."""

from ast import literal_eval
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench import Classes, Output, SequenceSet, TaskData

Outputs = NDArray[np.float64]
Predict = Callable[[SequenceSet], Outputs]


def bits(outputs: Outputs, split: SequenceSet) -> Outputs:
    """`float64[N]`: -log2 of each target's probability by the softmax of `outputs: float64[N, characters]`."""
    found: Outputs = np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(split)), split.targets]
    return np.asarray(found / np.log(2))


METRICS: Mapping[str, Callable[[Outputs, SequenceSet], float]] = {
    "bits_per_character": lambda outputs, split: float(bits(outputs, split).mean()),
    "accuracy": lambda outputs, split: float((outputs.argmax(1) == split.targets).mean()),
}


def show(data: TaskData, split: SequenceSet, index: int) -> str:
    assert isinstance(data.output, Classes)
    characters = ["", "\ufffd", *map(literal_eval, data.output.labels[1:])]
    window = "".join(characters[token] for token in split.example(index))
    return f"{split.ids[index]}: {window!r} \u2192 {characters[split.targets[index] + 1]!r}"


def ngram(history: int, train: SequenceSet, validation: SequenceSet, output: Output) -> Predict:
    """What followed the last `history` characters in train, smoothed by what follows shorter histories.

    Each weighs as often as it was seen, the next shorter as often as it had other followers (Witten & Bell 1991).
    """
    shorter = ngram(history - 1, train, validation, output) if history else None
    followers: dict[bytes, Counter[int]] = defaultdict(Counter)
    for context, target in zip(_contexts(train, history), train.targets.tolist(), strict=True):
        followers[context][target] += 1

    def predict(split: SequenceSet) -> Any:
        parts = np.exp(shorter(split)) if shorter else np.full((len(split), output.size), 1 / output.size)
        for row, context in enumerate(_contexts(split, history)):
            seen = followers.get(context)
            if seen:
                parts[row] *= len(seen)
                parts[row, list(seen)] += list(seen.values())
        return np.log(parts / parts.sum(1, keepdims=True))

    return predict


def _contexts(split: SequenceSet, history: int) -> list[bytes]:
    steps = np.arange(min(history, int(split.lengths[0])), 0, -1)
    return [row.tobytes() for row in split.values[(split.starts + split.lengths)[:, None] - steps]]
