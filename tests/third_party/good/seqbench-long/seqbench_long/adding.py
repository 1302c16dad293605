"""The adding problem (Hochreiter & Schmidhuber 1997), in the form of Le et al. 2015 and Arjovsky et al. 2016.

Each step has a number from [0, 1) and a mark, which is 1 at one step of either half and 0 elsewhere. What is asked for
is the sum of the two marked numbers; whoever always says 1 has a mean squared error of 1/6 = 0.167.
"""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field

from seqbench import DataError, Dense, Forecast, SequenceSet, TaskData, TaskSpec, hookimpl


class Params(BaseModel, frozen=True, extra="forbid"):
    """length: steps of a sequence. examples: of train. held_out: examples of validation, and of test."""

    length: int = Field(default=200, ge=2)
    examples: int = Field(default=12_800, ge=1)
    held_out: int = Field(default=1_000, ge=1)


def prepare(source: str, params: Params, cache: Path) -> TaskData:
    """The three splits, each from a generator of its own."""
    if source != "builtin":
        raise DataError(f"the adding problem makes its own examples and cannot read {source}: leave --data out.")

    def split(seed: int, count: int) -> SequenceSet:
        random, rows, half = np.random.default_rng(seed), np.arange(count), params.length // 2
        x = random.random((count, params.length, 2), dtype=np.float32)
        x[..., 1] = 0
        marked = np.stack([random.integers(0, half, count), random.integers(half, params.length, count)])
        x[rows, marked, 1] = 1
        return SequenceSet.from_sequences(list(x), x[rows, marked, 0].sum(0)[:, None])

    train, validation, test = map(split, range(3), (params.examples, params.held_out, params.held_out))
    return TaskData(Dense(2), Forecast(1), train, validation, test)


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task; a state after the last step has to do, for all models alike."""
    spec = TaskSpec(
        name="adding",
        prepare=prepare,
        input_kind="dense",
        metrics={"mse": lambda outputs, split: float(np.square(outputs - split.targets).mean())},
        primary="mse",
        higher_is_better=False,
        loss="mse",
        params=Params,
        baselines={"one": lambda train, validation, output: lambda split: np.ones((len(split), 1))},
        trainer={"max_epochs": 5, "patience": 0, "learning_rate": 1e-2, "schedule": "constant", "batch_size": 16},
        model_defaults={"pooling": "last", "parameter_budget": 10_000},
        about="the sum of the two marked numbers of a long sequence",
    )
    return [spec]
