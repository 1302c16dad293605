"""Copy memory (Hochreiter & Schmidhuber 1997; Arjovsky et al. 2016), asked for by one question: see README."""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from seqbench import Classes, DataError, SequenceSet, TaskData, TaskSpec, Tokens, hookimpl


class Params(BaseModel, frozen=True, extra="forbid"):
    """length: blanks. recall: symbols before them. examples: of train. held_out: of validation, and of test."""

    length: int = Field(default=200, ge=1)
    recall: int = Field(default=10, ge=1)
    examples: int = Field(default=20_000, ge=1)
    held_out: int = Field(default=1_000, ge=1)


def prepare(source: str, params: Params, cache: Path) -> TaskData:
    """Tokens: 1 to 8 are symbols, 9 is a blank, and from 10 on they ask for the first symbol, the second and so on."""
    if source != "builtin":
        raise DataError(f"copy memory makes its own examples and cannot read {source}: leave --data out.")

    def split(seed: int, count: int) -> SequenceSet:
        random = np.random.default_rng(seed)
        symbols, asked = random.integers(1, 9, (count, params.recall)), random.integers(0, params.recall, count)
        sequences = np.hstack([symbols, np.full((count, params.length), 9), 10 + asked[:, None]])
        return SequenceSet.from_sequences(list(sequences), symbols[np.arange(count), asked] - 1)

    train, validation, test = map(split, range(3), (params.examples, params.held_out, params.held_out))
    return TaskData(Tokens(10 + params.recall), Classes(tuple("abcdefgh")), train, validation, test)


def cross_entropy(outputs: Any, split: SequenceSet) -> float:
    return float((np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(split)), split.targets]).mean())


def accuracy(outputs: Any, split: SequenceSet) -> float:
    return float((outputs.argmax(1) == split.targets).mean())


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    spec = TaskSpec(
        name="copy_memory",
        prepare=prepare,
        input_kind="tokens",
        metrics={"cross_entropy": cross_entropy, "accuracy": accuracy},
        primary="cross_entropy",
        higher_is_better=False,
        loss="cross_entropy",
        params=Params,
        baselines={"chance": lambda train, validation, output: lambda split: np.zeros((len(split), output.size))},
        trainer={"max_epochs": 10, "patience": 0, "learning_rate": 5e-3, "batch_size": 32},
        model_defaults={"pooling": "last", "parameter_budget": 10_000, "embedding_size": 16},
        about="one of ten symbols, asked for after a long blank",
    )
    return [spec]
