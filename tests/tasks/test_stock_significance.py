"""How sure a score is: the Diebold-Mariano test, the interval of the direction, copies of the last close; sentinels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_1samp

from seqbench import Output, SequenceSet, TaskData
from seqbench_tasks.stock_forecasting import sentinels, windows
from seqbench_tasks.stock_forecasting.metrics import outputs_from_closes
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.significance import diebold_mariano, lag_copy_warning
from seqbench_tasks.stock_forecasting.task import SPEC


def prepared(source: str = "builtin", **params: Any) -> TaskData:
    """What the task prepares."""
    return SPEC.prepare(source, StockParams(**params), Path())


def scores(closes: NDArray[np.float64], data: TaskData) -> dict[str, float]:
    """Every metric of forecast closes on test."""
    outputs = outputs_from_closes(closes, data.test)
    return {name: metric(outputs, data.test) for name, metric in SPEC.metrics.items()}


class TestDieboldMariano:
    """The test against naive."""

    def test_one_step_is_students_t(self) -> None:
        """With a horizon of 1 the corrected statistic is that of Student's t test of a mean difference of 0."""
        differences = np.random.default_rng(0).normal(0.3, 1.0, 40)
        expected = ttest_1samp(differences, 0.0)

        assert pytest.approx((expected.statistic, expected.pvalue)) == diebold_mariano(differences, 1)

    def test_two_steps_by_hand(self) -> None:
        """For 1, 2, 3, 4 and a horizon of 2: (1.25 + 2 x 0.3125) / 4, corrected by 0.375, gives the root of 5."""
        statistic, p_value = diebold_mariano(np.array([1.0, 2.0, 3.0, 4.0]), 2)

        assert pytest.approx(5**0.5) == statistic
        assert pytest.approx(0.111, abs=0.001) == p_value  # of t with 3 degrees of freedom

    def test_negative_variance(self) -> None:
        """Autocovariances that add up to no variance are weighted down: alternating differences still have one."""
        statistic, p_value = diebold_mariano(np.array([1.0, -1.0] * 20) + 0.1, 2)

        assert 0 < statistic < 1e6
        assert 0 < p_value < 1

    @pytest.mark.parametrize(("differences", "expected"), [(np.zeros(9), (0.0, 1.0)), (np.full(9, 2.0), (1e6, 0.0))])
    def test_always_finite(self, differences: NDArray[np.float64], expected: tuple[float, float]) -> None:
        """Equal forecasts differ by 0 with a p-value of 1; a constant difference has a finite statistic, too."""
        assert expected == diebold_mariano(differences, 1)

    def test_sign(self) -> None:
        """A forecast nearer to the truth than the last close has a negative statistic, one farther a positive one."""
        data = prepared()
        actual, last = data.test.extras["actual"], data.test.extras["last_close"][:, None]
        better, worse = scores(last + 0.5 * (actual - last), data), scores(last - 0.5 * (actual - last), data)

        assert better["dm_statistic"] < -5 < 5 < worse["dm_statistic"]
        assert max(better["dm_p_value"], worse["dm_p_value"]) < 0.001

    def test_naive_is_itself(self) -> None:
        """Naive against itself gives 0 and 1, whatever rounding the way to outputs and back leaves."""
        for params in ({}, {"target": "close"}, {"horizon": 3}):
            data = prepared(**params)
            last = np.repeat(data.test.extras["last_close"][:, None], data.output.size, axis=1)
            assert (0.0, 1.0) == (scores(last, data)["dm_statistic"], scores(last, data)["dm_p_value"])


class TestDirection:
    """The interval of the directional accuracy."""

    def test_is_exact(self) -> None:
        """The interval of a forecast that always goes up is the exact binomial one of the days that went up."""
        data = prepared()
        change = data.test.extras["actual"][:, 0] - data.test.extras["last_close"]
        found = scores(data.test.extras["last_close"][:, None] * 1.01, data)
        interval = binomtest(int((change > 0).sum()), int((change != 0).sum())).proportion_ci(0.95, "exact")

        assert pytest.approx((interval.low, interval.high)) == (
            found["directional_accuracy_low"],
            found["directional_accuracy_high"],
        )

    def test_perfect(self) -> None:
        """An accuracy of 1 has an interval that ends at 1 and begins below."""
        data = prepared()
        found = scores(data.test.extras["actual"], data)

        assert 1.0 == found["directional_accuracy_high"]
        assert 0.99 < found["directional_accuracy_low"] < 1.0


class TestLagCopy:
    """Telling when a forecast is the last value repeated."""

    @pytest.mark.parametrize("params", [{}, {"target": "close", "scaler": "minmax"}, {"horizon": 2}])
    def test_naive_is_a_full_copy(self, params: dict[str, Any]) -> None:
        """Naive scores 1 and is told; so is a copy with a bias and swings too small, which a plot shows as a shift."""
        data = prepared(**params)
        last = np.repeat(data.test.extras["last_close"][:, None], data.output.size, axis=1)

        for closes in (last, 0.9 * last + 100):
            assert pytest.approx(1.0) == scores(closes, data)["lag_copy"]
            sentence = lag_copy_warning(outputs_from_closes(closes, data.test), data.test)
            assert sentence.startswith("the forecast is the last close repeated")

    def test_truth_and_constants_are_none(self) -> None:
        """The true future, a constant and a forecast with half of the true change are no copies."""
        data = prepared()
        actual, last = data.test.extras["actual"], data.test.extras["last_close"][:, None]

        for closes in (actual, np.full_like(actual, 2000.0), last + 0.5 * (actual - last)):
            assert "" == lag_copy_warning(outputs_from_closes(closes, data.test), data.test)
        assert 0.1 > scores(actual, data)["lag_copy"]


class TestSentinels:
    """The task's own checks for leaks."""

    @pytest.mark.parametrize("name", list(SPEC.sentinels))
    @pytest.mark.parametrize("params", [{}, {"target": "close", "scaler": "minmax", "horizon": 5}])
    def test_all_is_well(self, name: str, params: dict[str, Any]) -> None:
        """Nothing is found in the task as it is."""
        assert "" == SPEC.sentinels[name]("builtin", StockParams(**params), Path())

    def test_panel(self, real_data: Path) -> None:
        """Nothing is found in a panel, either, with every feature."""
        source = f"{real_data}/stocks/*_yahoo.csv"
        for sentinel in SPEC.sentinels.values():
            assert "" == sentinel(source, StockParams(features="ohlcv", horizon=2), Path())

    def test_a_scaler_of_all_days_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A scaler fitted on every day is found by the sentinels that change later prices."""
        scale = windows._scale

        def leaking(series: Any, params: Any, bounds: tuple[int, int, int, int], **more: Any) -> Any:
            return replace(scale(series, params, (0, len(series), 0, 0), **more), bounds=bounds)

        monkeypatch.setattr(windows, "_scale", leaking)

        assert "the scaler changes" in sentinels.scaler("builtin", StockParams(), Path())
        assert "changes with prices from after its origin" in sentinels.future("builtin", StockParams(), Path())

    def test_overlapping_targets_are_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Train windows whose targets reach into validation are found."""
        split = windows._split

        def wide(scaled: Any, params: Any, place: int, **more: Any) -> Any:
            begin, first, second, end = scaled.bounds
            wider = replace(scaled, bounds=(begin, first + 3, second, end))
            return split(wider if place == 0 else scaled, params, place, **more)

        monkeypatch.setattr(windows, "_split", wide)

        assert "target days are in two splits" in sentinels.target_days("builtin", StockParams(), Path())

    def test_what_knows_the_future_after_shuffling_rings(self) -> None:
        """A baseline that beats naive though its training targets were in random order is found."""

        def peeks(_train: SequenceSet, _validation: SequenceSet, _output: Output) -> Any:
            return lambda split: outputs_from_closes(split.extras["actual"], split)

        assert "something else tells the future" in sentinels.judge_shuffled(prepared(), peeks)
