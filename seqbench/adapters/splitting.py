"""Splits of data that comes without them: seeded and stratified by class, or in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seqbench.adapters.parameters import Parameter
from seqbench.errors import ConfigError

Part = Annotated[float, Field(ge=0, lt=1)]
Order = Literal["random", "time"]


def split_parameters(order: str) -> tuple[Parameter, ...]:
    """Those of a task whose data has to be split: parts of all examples, and how they are chosen."""
    return (
        Parameter("validation_part", Part, 0.15),
        Parameter("test_part", Part, 0.2),
        Parameter("order", Order, order),
        Parameter("split_seed", Annotated[int, Field(ge=0)], 0),
    )


def parts_of(params: Any, who: str) -> tuple[float, float]:
    """The parts for validation and test. Raises ConfigError where nothing is left for training."""
    validation, test = float(params.validation_part), float(params.test_part)
    if validation + test >= 1:
        raise ConfigError(
            f"{who}: validation_part = {validation:g} and test_part = {test:g} leave nothing to train on: choose less."
        )
    return validation, test


def places(
    count: int, parts: tuple[float, float], params: Any, classes: Sequence[Any] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which of `count` examples are train, validation and test, each in ascending order.

    In the order of time the last part is test and the one before it validation. At random, the examples are shuffled
    and put in the order of their classes (where there are some), and every so many-th of them is taken: so each class
    has its part in each split, to within one example, and a class of one example is trained on.
    """
    validation, test = parts
    if params.order == "time":
        first, second = round(count * (1 - validation - test)), round(count * (1 - test))
        return np.arange(first), np.arange(first, second), np.arange(second, count)
    order = np.random.default_rng(params.split_seed).permutation(count)
    if classes:
        _, number, sizes = np.unique(np.asarray(classes), return_inverse=True, return_counts=True)
        order = order[np.argsort(number[order], kind="stable")]
        order = order[sizes[number[order]] > 1]
    is_test = _every(len(order), test)
    rest = order[~is_test]
    is_validation = _every(len(rest), validation / (1 - test))
    held_out = np.concatenate([order[is_test], rest[is_validation]])
    train = np.setdiff1d(np.arange(count), held_out)
    return train, np.sort(rest[is_validation]), np.sort(order[is_test])


def _every(count: int, part: float) -> NDArray[np.bool_]:
    """`bool[count]`, true for a part of them that is spread evenly."""
    reached = np.floor(np.arange(count + 1) * part + 0.5)
    return np.asarray(np.diff(reached) > 0)
