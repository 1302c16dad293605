"""What is asked for is what was marked or stored, and both tasks conform."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seqbench_long import adding, copy_memory

from seqbench import DataError, TaskSpec
from seqbench.testing import check_task

SMALL = {"examples": 3000, "held_out": 500, "length": 21}
(ADDING,) = adding.seqbench_tasks()
(COPY_MEMORY,) = copy_memory.seqbench_tasks()


def test_the_sum_is_that_of_the_marked_numbers() -> None:
    """One mark is in the first half, one in the second, and their numbers add up to the target."""
    data = adding.prepare("builtin", adding.Params(**SMALL), Path())
    x = data.test.values.reshape(500, 21, 2)
    assert np.ones(500).tolist() == x[:, :10, 1].sum(1).tolist() == x[:, 10:, 1].sum(1).tolist()
    np.testing.assert_allclose((x[..., 0] * x[..., 1]).sum(1, keepdims=True), data.test.targets, rtol=1e-6)


def test_always_saying_one_costs_a_sixth() -> None:
    """The mean squared error of the constant 1 is the variance of a sum of two uniform numbers, 1/6."""
    data = adding.prepare(
        "builtin",
        adding.Params(
            **SMALL,
        ),
        Path(),
    )
    predictor = ADDING.baselines["one"](data.train, data.validation, data.output)
    assert 1 / 6 == pytest.approx(ADDING.metrics["mse"](predictor(data.train), data.train), rel=0.05)


def test_the_symbol_asked_for_is_the_target() -> None:
    """The last token tells by its number which of the first symbols is the label."""
    data = copy_memory.prepare("builtin", copy_memory.Params(**SMALL), Path())
    x = data.test.values.reshape(500, 10 + 21 + 1)
    assert {9} == set(x[:, 10:31].ravel().tolist())
    assert (x[np.arange(500), x[:, -1] - 10] - 1).tolist() == data.test.targets.tolist()
    chance = COPY_MEMORY.baselines["chance"](data.train, data.validation, data.output)
    assert np.log(8) == pytest.approx(COPY_MEMORY.metrics["cross_entropy"](chance(data.test), data.test))


@pytest.mark.parametrize("spec", [ADDING, COPY_MEMORY], ids=lambda spec: spec.name)
def test_they_read_nothing(spec: TaskSpec, tmp_path: Path) -> None:
    """A source is refused by one sentence."""
    with pytest.raises(DataError, match=r"makes its own examples and cannot read .*: leave --data out"):
        spec.prepare(str(tmp_path), spec.params(), tmp_path)


@pytest.mark.parametrize("name", ["adding", "copy_memory"])
def test_they_conform(name: str) -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [finding for finding in check_task(name, params=SMALL).findings if finding.status == "failed"]
