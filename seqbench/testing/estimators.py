"""The checks of a model that fits itself, by the names that the same truths have for networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqbench.testing.findings import UnmetError
from seqbench.testing.subjects import LENGTHS, Case, ModelSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.sequences import SequenceSet

    Predict = Callable[[SequenceSet], NDArray[np.float64]]

TEST = 10
CLOSE = 1e-6


def builds(subject: ModelSubject) -> str:
    """It fits each case that it does not refuse, and gives something that can be called."""
    from seqbench.testing import building

    told = building.builds(subject)
    for case in subject.cases:
        if not callable(case.fitted()):
            raise UnmetError(f"{case}: fit gave nothing that can be called", "give predict(split) -> float64[N, size]")
    return told


def output_shape(subject: ModelSubject) -> str:
    """For ten examples and for one."""
    for case in subject.cases:
        predict = case.fitted()
        for count in (TEST, 1):
            _predictions(predict, case, case.split(count, "test"))
    return f"{len(subject.cases)} cases, {TEST} examples and 1"


def evaluation_is_deterministic(subject: ModelSubject) -> str:
    """The same examples twice."""
    for case in subject.cases:
        predict, test = case.fitted(), case.split(TEST, "test")
        _agree(_predictions(predict, case, test), _predictions(predict, case, test), f"{case}: two predictions")
    return "two predictions agree"


def length_one(subject: ModelSubject) -> str:
    """Examples of one step, alone and beside longer ones."""
    for case in subject.cases:
        predict = case.fitted()
        for lengths in ((1,), (8, 1, 3)):
            _predictions(predict, case, case.split(6, "test", lengths))
    return "lengths [1] and [8, 1, 3]"


def batch_order_invariance(subject: ModelSubject) -> str:
    """Test examples in reverse."""
    for case in subject.cases:
        predict, test = case.fitted(), case.split(TEST, "test")
        order = np.arange(TEST)[::-1]
        backwards = _predictions(predict, case, _rows(test, order))
        _agree(_predictions(predict, case, test)[order], backwards, f"{case}: examples in another order")
    return f"{TEST} examples and their reverse"


def batch_size_invariance(subject: ModelSubject) -> str:
    """The first few of the test examples alone."""
    for case in subject.cases:
        predict, test = case.fitted(), case.split(TEST, "test")
        few = _predictions(predict, case, _rows(test, np.arange(3)))
        _agree(_predictions(predict, case, test)[:3], few, f"{case}: 3 of {TEST} examples")
    return f"3 of {TEST} examples"


def same_seed_same_result(subject: ModelSubject) -> str:
    """Fitted twice."""
    for case in subject.cases:
        test = case.split(TEST, "test")
        one, other = (_predictions(case.fitted(), case, test) for _ in range(2))
        _agree(one, other, f"{case}: fitted twice with one seed", 0.0)
    return "fitted twice"


def predictor_ignores_targets(subject: ModelSubject) -> str:
    """The same examples with the targets of others."""
    for case in subject.cases:
        predict, test = case.fitted(), case.split(TEST, "test")
        turned = replace(test, targets=np.roll(test.targets, 1, axis=0))
        _agree(_predictions(predict, case, test), _predictions(predict, case, turned), f"{case}: other targets")
    return "other targets, the same predictions"


def _predictions(predict: Predict, case: Case, split: SequenceSet) -> NDArray[np.float64]:
    found = np.asarray(predict(split), dtype=np.float64)
    expected = (len(split), case.output.size)
    if found.shape != expected:
        raise UnmetError(f"{case}: predictions {list(found.shape)} where {list(expected)} are expected")
    if not np.isfinite(found).all():
        raise UnmetError(f"{case}, lengths {list(split.lengths[: len(LENGTHS)])}: predictions that are not finite")
    return found


def _rows(split: SequenceSet, index: NDArray[np.int64]) -> SequenceSet:
    return replace(
        split,
        starts=split.starts[index],
        lengths=split.lengths[index],
        targets=split.targets[index],
        ids=split.ids[index],
    )


def _agree(one: NDArray[np.float64], other: NDArray[np.float64], what: str, close: float = CLOSE) -> None:
    if not np.allclose(one, other, rtol=close, atol=close):
        raise UnmetError(f"{what}: predictions differ by up to {np.abs(one - other).max():.3g}")
