"""Next-character language modelling: which character follows a window of a text?"""

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seqbench import DataError, Output, SequenceSet, TaskSpec, expand, hookimpl, task_from_dataset


def load(source: str, window: int = 32, stride: int = 2, held_out: float = 0.1) -> Any:
    """Windows of characters, each with the next one; `held_out` of the text, its end, is for each of two splits."""
    path = Path(__file__).with_name("text.txt") if source == "builtin" else expand(source)[0]
    text = path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else ""
    part = int(len(text) * held_out)
    if "\ufffd" in text or not window < part < len(text) / 3:
        raise DataError(f"{path} has no {(window + 1) / held_out:.0f} characters of UTF-8 text: give more.")
    ends = (0, len(text) - 2 * part, len(text) - part, len(text))

    def pairs(begin: int, end: int) -> list[tuple[list[str], str]]:
        return [(list(text[place - window : place]), text[place]) for place in range(begin + window, end, stride)]

    return tuple(map(pairs, ends, ends[1:]))


def bits(outputs: Any, split: SequenceSet) -> Any:
    """`float64[N]`: -log2 of each target's probability by the softmax of `outputs: float64[N, characters]`."""
    return (np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(split)), split.targets]) / np.log(2)


def ngram(history: int, train: SequenceSet, validation: SequenceSet, output: Output) -> Any:
    """What followed the last `history` characters in train, smoothed by shorter histories (Witten & Bell 1991)."""
    shorter = ngram(history - 1, train, validation, output) if history else None
    followers: dict[bytes, Counter[int]] = defaultdict(Counter)
    contexts = partial(map, lambda window: window[len(window) - min(history, len(window)) :].tobytes())
    for context, target in zip(contexts(map(train.example, range(len(train)))), train.targets.tolist(), strict=True):
        followers[context][target] += 1

    def predict(split: SequenceSet) -> Any:
        parts = np.exp(shorter(split)) if shorter else np.full((len(split), output.size), 1 / output.size)
        for row, context in enumerate(contexts(map(split.example, range(len(split))))):
            if seen := followers.get(context):
                parts[row] *= len(seen)
                parts[row, list(seen)] += list(seen.values())
        return np.log(parts / parts.sum(1, keepdims=True))

    return predict


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task; numbering characters and the usual scores are seqbench's."""
    how: Any = {"input": "tokens", "output": "classes", "primary": "bits_per_character", "higher_is_better": False}
    how["metrics"] = {"bits_per_character": lambda outputs, split: float(bits(outputs, split).mean())}
    how["baselines"] = {f"ngram_{order}": partial(ngram, order - 1) for order in (1, 3, 6)}
    how["trainer"] = {"max_epochs": 8, "learning_rate": 5e-3}
    how["model_defaults"] = {"pooling": "last", "dropout": 0.1, "embedding_size": 32}
    return [task_from_dataset("charlm", load, example_scores=bits, **how)]
