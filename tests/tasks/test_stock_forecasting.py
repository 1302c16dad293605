"""The stock task: honest windows, scores against naive, and baselines."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from seqbench import DataError, SequenceSet, TaskData
from seqbench_tasks.stock_forecasting.baselines import past_closes
from seqbench_tasks.stock_forecasting.metrics import closes_from_outputs, outputs_from_closes
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import read_prices
from seqbench_tasks.stock_forecasting.task import SPEC, augment

SPLITS = ("train", "validation", "test")
DAYS = np.arange("2020-01-01", "2021-12-31", dtype="datetime64[D]")[:600]


def random_walk(days: int = 600, seed: int = 0) -> NDArray[np.float64]:
    """Prices around 100 with daily log-returns of 1 %."""
    return np.asarray(100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, days))))


def write(path: Path, prices: NDArray[np.float64], header: str = "Date,Close") -> Path:
    """A plain CSV of daily prices."""
    rows = (f"{day},{price:.6f}" for day, price in zip(DAYS, prices, strict=False))
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def prepared(path: Path | str, **params: Any) -> TaskData:
    """What the task prepares from a file."""
    return SPEC.prepare(str(path), StockParams(**params), Path())


def forecasts(data: TaskData, baseline: str) -> NDArray[np.float64]:
    """A baseline's outputs on test."""
    return np.asarray(SPEC.baselines[baseline](data.train, data.validation, data.output)(data.test))


def all_target_days(split: SequenceSet) -> set[float]:
    """The closes that a split forecasts; a random walk never repeats one."""
    return set(split.extras["actual"].ravel().tolist())


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """600 days of a random walk as a CSV file."""
    return write(tmp_path / "walk.csv", random_walk())


class TestWindows:
    """Chronological splits of one flat buffer, without a look ahead."""

    def test_window_and_target(self, walk: Path) -> None:
        """An example is the last look_back scaled log-returns, and its target the next."""
        data = prepared(walk)
        closes = read_prices(walk, StockParams()).price
        returns = np.diff(np.log(closes))
        train = returns[: round(600 * 0.7) - 1]
        scaled = (returns - train.mean()) / train.std()

        np.testing.assert_allclose(data.train.example(5)[:, 0], scaled[5:35], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(data.train.targets[5], scaled[35:36], rtol=1e-4, atol=1e-5)
        assert closes[35] == data.train.extras["last_close"][5]
        assert closes[36] == data.train.extras["actual"][5, 0]
        assert str(DAYS[36]) == data.train.ids[5]

    @pytest.mark.parametrize("params", [{}, {"target": "close"}, {"horizon": 5}, {"features": "close"}])
    def test_no_target_day_in_two_splits(self, walk: Path, params: dict[str, Any]) -> None:
        """Splits follow each other in time, and no day is forecast in two of them."""
        data = prepared(walk, **params)
        days = [all_target_days(getattr(data, name)) for name in SPLITS]

        assert set() == days[0] & days[1] | days[1] & days[2] | days[0] & days[2]
        assert max(data.train.ids) < min(data.validation.ids)
        assert max(data.validation.ids) < min(data.test.ids)
        assert [str(DAYS[420]), str(DAYS[510])] == [data.validation.ids[0], data.test.ids[0]]

    @pytest.mark.parametrize("params", [{}, {"target": "close", "scaler": "minmax"}, {"horizon": 3}])
    def test_test_days_change_nothing_before(self, tmp_path: Path, params: dict[str, Any]) -> None:
        """When the prices of the test days change, scaler, train and validation stay as they were, bit for bit."""
        prices = random_walk()
        changed = np.concatenate([prices[:510], prices[510:] * 7])
        before = prepared(write(tmp_path / "walk.csv", prices), **params)
        after = prepared(write(tmp_path / "walk.csv", changed), **params)

        assert before.notes["scaler"] == after.notes["scaler"]
        for name in ("train", "validation"):
            one, other = getattr(before, name), getattr(after, name)
            np.testing.assert_array_equal(one.values, other.values)
            np.testing.assert_array_equal(one.targets, other.targets)

    @pytest.mark.parametrize("origin", [511, 540, 598])
    def test_the_future_changes_no_input(self, tmp_path: Path, origin: int) -> None:
        """Perturbing every price after a forecast's origin leaves its input as it was."""
        prices = random_walk()
        changed = np.concatenate([prices[:origin], prices[origin:] * 3])
        before, after = (prepared(write(tmp_path / "walk.csv", values)) for values in (prices, changed))
        index = before.test.ids.tolist().index(str(DAYS[origin]))

        np.testing.assert_array_equal(before.test.example(index), after.test.example(index))
        assert before.test.targets[index] != after.test.targets[index]

    def test_windows_share_one_buffer(self, walk: Path) -> None:
        """A split holds each of its days once, whatever the look-back, and none after its last target."""
        data = prepared(walk, look_back=60)

        assert (419, 1) == data.train.values.shape
        assert 90 + 60 == len(data.test.values)
        assert len(data.test.values) - 1 == data.test.starts[-1] + data.test.lengths[-1]

    def test_first_test_window_looks_back_into_validation(self, walk: Path) -> None:
        """The first day of test is forecast from the last days of validation."""
        data = prepared(walk)

        assert 90 == len(data.test)
        np.testing.assert_array_equal(data.test.example(0)[:-1], data.validation.example(89)[1:])

    def test_no_validation(self, walk: Path) -> None:
        """A validation fraction of 0 gives an empty split, and every baseline still works."""
        data = prepared(walk, splits=[0.7, 0.0, 0.3], look_back=1, target="close", scaler="minmax")

        assert (0, 180) == (len(data.validation), len(data.test))
        assert 0.0 == data.train.values.min()
        assert 1.0 == data.train.values.max()
        for name in SPEC.baselines:
            assert 0.9 < SPEC.metrics["mase"](forecasts(data, name), data.test) < 1.5

    def test_split_dates(self, walk: Path) -> None:
        """Splits can be given by the first days of validation and test."""
        data = prepared(walk, split_dates=["2021-01-01", "2021-06-01"])

        assert ["2021-01-01", "2021-06-01"] == [data.validation.ids[0], data.test.ids[0]]

    def test_horizon(self, walk: Path) -> None:
        """With a horizon, targets are the log-returns of the next days and rebuild their closes."""
        data = prepared(walk, horizon=4)

        assert (4, 4) == (data.output.size, data.test.targets.shape[1])
        np.testing.assert_allclose(
            data.test.extras["actual"], closes_from_outputs(data.test.targets.astype(np.float64), data.test), rtol=1e-6
        )

    def test_ohlcv(self, tmp_path: Path) -> None:
        """With features = ohlcv a day has five inputs, the return first; a column that is missing is named."""
        close = random_walk()
        spread = 0.01 * np.random.default_rng(1).random((600, 4))
        columns = [close * (1 + spread[:, 0]), close * (1.01 + spread[:, 1]), close * (0.99 - spread[:, 2]), close]
        table = np.column_stack([*columns, 1e9 * spread[:, 3]])
        rows = (f"{day}," + ",".join(f"{cell:.6f}" for cell in cells) for day, cells in zip(DAYS, table, strict=True))
        path = tmp_path / "full.csv"
        path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]))
        data = prepared(path, features="ohlcv")

        assert 5 == data.train.values.shape[1]
        np.testing.assert_array_equal(prepared(path).train.values[:, 0], data.train.values[:, 0])
        np.testing.assert_allclose(data.train.values.mean(axis=0), 0, atol=1e-5)
        with pytest.raises(DataError, match="no open column"):
            prepared(write(tmp_path / "walk.csv", close), features="ohlcv")

    def test_too_short(self, tmp_path: Path) -> None:
        """A split with fewer days than look_back and 30 more is an error that says which and how many are needed."""
        with pytest.raises(DataError, match=r"walk.csv has 300 usable rows, of which 45 are validation, .* the 60 "):
            prepared(write(tmp_path / "walk.csv", random_walk(300)))
        assert 45 == len(prepared(tmp_path / "walk.csv", look_back=15).validation)

    def test_constant_price(self, tmp_path: Path) -> None:
        """A price that never moves cannot be scaled or scored, and is refused."""
        still = np.full(600, 5.0)
        with pytest.raises(DataError, match="never changes in train"):
            prepared(write(tmp_path / "still.csv", still))
        still[:500] = random_walk(500)
        with pytest.raises(DataError, match="never changes in test"):
            prepared(write(tmp_path / "still.csv", still))

    @pytest.mark.parametrize(
        "params",
        [{"splits": [0.5, 0.1, 0.1]}, {"splits": [1.0, 0.0, 0.0]}, {"look_back": 0}, {"lookback": 3},
         {"split_dates": ["2021-01-01", "2020-01-01"]}],
    )  # fmt: skip
    def test_parameters_are_checked(self, params: dict[str, Any]) -> None:
        """Fractions that leave a split out or do not add up, and unknown keys, are refused."""
        with pytest.raises(ValidationError):
            StockParams(**params)


class TestScores:
    """Metrics on the reconstructed close."""

    @pytest.mark.parametrize("params", [{}, {"target": "close"}, {"horizon": 3}, {"scaler": "minmax"},
                                        {"target": "close", "scaler": "minmax", "horizon": 2}])  # fmt: skip
    def test_naive_is_one(self, walk: Path, params: dict[str, Any]) -> None:
        """The naive forecast has a MASE of 1, a skill of 0 and the directional accuracy of a coin."""
        data = prepared(walk, **params)
        outputs = forecasts(data, "naive")

        assert pytest.approx(1.0, abs=1e-12) == SPEC.metrics["mase"](outputs, data.test)
        assert pytest.approx(0.0, abs=1e-12) == SPEC.metrics["skill"](outputs, data.test)
        assert 0.5 == SPEC.metrics["directional_accuracy"](outputs, data.test)

    def test_against_the_formulas(self, walk: Path) -> None:
        """MAE, RMSE, MASE, sMAPE and directional accuracy of known forecasts are those of their formulas."""
        data = prepared(walk)
        actual, last = data.test.extras["actual"][:, 0], data.test.extras["last_close"]
        forecast = last * 1.003
        outputs = outputs_from_closes(forecast[:, None], data.test)
        errors = np.abs(actual - forecast)
        scores = {name: metric(outputs, data.test) for name, metric in SPEC.metrics.items()}

        assert pytest.approx(errors.mean()) == scores["mae"]
        assert pytest.approx(np.sqrt((errors**2).mean())) == scores["rmse"]
        assert pytest.approx(errors.mean() / np.abs(actual - last).mean()) == scores["mase"]
        assert pytest.approx(200 * (errors / (actual + forecast)).mean()) == scores["smape"]
        assert pytest.approx((actual > last).mean()) == scores["directional_accuracy"]

    @pytest.mark.parametrize("params", [{}, {"target": "close"}, {"horizon": 3}])
    def test_perfect_forecast(self, walk: Path, params: dict[str, Any]) -> None:
        """The actual closes score 0 errors and every direction, and survive the way to outputs and back."""
        data = prepared(walk, **params)
        outputs = outputs_from_closes(data.test.extras["actual"], data.test)

        assert pytest.approx(0.0, abs=1e-10) == SPEC.metrics["mase"](outputs, data.test)
        assert 1.0 == SPEC.metrics["directional_accuracy"](outputs, data.test)
        np.testing.assert_allclose(outputs, data.test.targets, rtol=1e-4, atol=1e-5)

    def test_order_of_examples_changes_no_score(self, walk: Path) -> None:
        """Metrics take each example with its own facts: reversing examples and outputs leaves every score."""
        data = prepared(walk)
        split, backwards = data.test, slice(None, None, -1)
        turned = SequenceSet(
            split.values,
            split.starts[backwards],
            split.lengths[backwards],
            split.targets[backwards],
            split.ids[backwards],
            {name: array[backwards] for name, array in split.extras.items()},
        )
        outputs = np.random.default_rng(0).normal(size=(len(split), 1))

        for metric in SPEC.metrics.values():
            assert pytest.approx(metric(outputs, split)) == metric(outputs[backwards], turned)

    def test_predictions(self, walk: Path) -> None:
        """Stored predictions have the date, the last, actual and forecast close, and every step of a horizon."""
        assert SPEC.predictions is not None
        one, two = prepared(walk), prepared(walk, horizon=2)
        columns = SPEC.predictions(forecasts(one, "naive"), one.test)

        assert ["date", "last_close", "actual", "predicted"] == list(columns)
        np.testing.assert_allclose(columns["last_close"], columns["predicted"], rtol=1e-12)
        assert {"actual_1", "actual_2", "predicted_1", "predicted_2"} < set(
            SPEC.predictions(forecasts(two, "naive"), two.test)
        )


class TestBaselines:
    """Forecasts without a network."""

    def test_drift(self, tmp_path: Path) -> None:
        """Drift is exact for steady growth, at every day ahead; the wobble of one day keeps the scaler alive."""
        steady = np.exp(0.001 * np.arange(600, dtype=np.float64))
        steady[200] *= 1.0001
        data = prepared(write(tmp_path / "steady.csv", steady), horizon=3)

        assert SPEC.metrics["mase"](forecasts(data, "drift"), data.test) < 0.001

    def test_ar_finds_an_autoregression(self, tmp_path: Path) -> None:
        """On returns that follow an AR(1), AR and ridge come near the forecast that knows the law; drift does not."""
        noise = np.random.default_rng(3).normal(0, 0.01, 600)
        returns = np.zeros(600)
        for day in range(1, 600):
            returns[day] = -0.6 * returns[day - 1] + noise[day]
        data = prepared(write(tmp_path / "ar.csv", 100 * np.exp(np.cumsum(returns))))
        scores = {name: SPEC.metrics["mase"](forecasts(data, name), data.test) for name in SPEC.baselines}
        best = np.abs(noise[510:]).mean() / np.abs(returns[510:]).mean()

        assert best < 0.85
        assert pytest.approx(best, abs=0.02) == scores["ar"]
        assert pytest.approx(best, abs=0.02) == scores["ridge"]
        assert pytest.approx(1.0, abs=0.02) == scores["drift"]

    def test_moving_average(self, walk: Path) -> None:
        """The moving average is the mean of a few of the last closes, all of them before the forecast day."""
        data = prepared(walk)
        closes = read_prices(walk, StockParams()).price
        forecast = closes_from_outputs(forecasts(data, "moving_average"), data.test)[:, 0]
        options = [np.array([closes[510 + i - days : 510 + i].mean() for i in range(90)]) for days in (2, 3, 5, 10)]

        assert any(np.allclose(option, forecast, rtol=1e-5) for option in options)

    @pytest.mark.parametrize(("params", "days"), [({}, 31), ({"target": "close"}, 30)])
    def test_past_closes(self, walk: Path, params: dict[str, Any], days: int) -> None:
        """Past closes are rebuilt from the window and end with the last close."""
        data = prepared(walk, **params)
        closes = read_prices(walk, StockParams()).price

        np.testing.assert_allclose(past_closes(data.test)[0], closes[510 - days : 510], rtol=1e-5)

    def test_no_skill_on_a_random_walk(self, walk: Path) -> None:
        """On a random walk no baseline is far below 1: nothing leaks."""
        data = prepared(walk)

        for name in SPEC.baselines:
            assert SPEC.metrics["mase"](forecasts(data, name), data.test) > 0.95

    @pytest.mark.parametrize("name", list(SPEC.baselines))
    def test_targets_are_not_looked_at(self, walk: Path, name: str) -> None:
        """A baseline's forecasts stay the same when it is shown wrong actual closes and targets of test."""
        data = prepared(walk)
        predictor = SPEC.baselines[name](data.train, data.validation, data.output)
        extras = {**data.test.extras, "actual": data.test.extras["actual"] * 9}
        blind = SequenceSet(
            data.test.values, data.test.starts, data.test.lengths, data.test.targets * 9, data.test.ids, extras
        )

        np.testing.assert_array_equal(predictor(data.test), predictor(blind))


class TestTask:
    """The task as the core sees it."""

    def test_builtin(self) -> None:
        """The embedded series is the S&P 500, 5,031 days from 1999 to 2018, on which nothing is far from naive."""
        data = prepared("builtin")
        scores = {name: SPEC.metrics["mase"](forecasts(data, name), data.test) for name in SPEC.baselines}

        assert 5031 == data.notes["rows_read"] == data.notes["trading_days"]
        assert {
            "train": ["1999-01-04", "2013-01-02"],
            "validation": ["2013-01-03", "2015-12-30"],
            "test": ["2015-12-31", "2018-12-31"],
        } == data.notes["date_ranges"]
        assert pytest.approx(1.0, abs=0.005) == scores["ar"]
        assert pytest.approx(1.0, abs=0.005) == scores["ridge"]

    def test_builtin_is_the_series_of_arch(self) -> None:
        """The embedded closes are those that arch.data.sp500 loads."""
        from arch.data import sp500

        frame = sp500.load()
        data = prepared("builtin")

        assert frame["Close"].to_numpy()[-1] == data.test.extras["actual"][-1, 0]
        assert frame["Close"].to_numpy()[-len(data.test) - 1 : -1].tolist() == data.test.extras["last_close"].tolist()

    def test_describe(self, walk: Path) -> None:
        """The description tells the splits, their dates, and an empty one."""
        assert SPEC.describe is not None
        whole, without = SPEC.describe(prepared(walk)), SPEC.describe(prepared(walk, splits=[0.7, 0.0, 0.3]))

        assert "validation 90 (2021-02-24 to 2021-05-24)" in whole
        assert "no validation" in without

    def test_augment(self) -> None:
        """Augmentation is off by default, adds what its parameters say, and follows its generator."""
        import torch

        x, lengths = torch.zeros(64, 30, 1), torch.full((64,), 30)

        def augmented(**params: float) -> torch.Tensor:
            return augment(x, lengths, torch.Generator().manual_seed(0), StockParams(**params))  # type: ignore[arg-type]

        assert x is augmented()
        noisy, shifted = augmented(noise_std=0.1), augmented(shift_std=0.5)
        assert pytest.approx(0.1, rel=0.1) == float(noisy.std())
        assert 0.0 == float(shifted.std(dim=1).max())
        assert pytest.approx(0.5, rel=0.3) == float(shifted[:, 0].std())
        assert torch.equal(noisy, augmented(noise_std=0.1))

    def test_discovery_is_light(self) -> None:
        """Importing the task's spec imports neither NumPy nor pandas nor torch."""
        code = "import sys, seqbench_tasks.stock_forecasting.task; print({'numpy', 'pandas', 'torch'} & {*sys.modules})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert "set()" == done.stdout.strip()

    def test_textbook_example(self) -> None:
        """The textbook run file sets only parameters that exist, and cuts the embedded series as it says."""
        path = Path(__file__).parents[2] / "examples" / "stock_lstm_textbook.toml"
        settings = tomllib.loads(path.read_text())["tasks"]["stock_forecasting"]
        data = prepared("builtin", **settings)

        assert (0, 1509) == (len(data.validation), len(data.test))
        assert {1} == set(data.test.lengths.tolist())
        assert data.test.targets.max() > 1.5  # the test prices are far above the train range

    def test_vix(self, real_data: Path) -> None:
        """On Cboe's VIX mean reversion lets AR be a little better than naive, but only a little."""
        data = prepared(real_data / "stocks" / "VIX_1990-2026_cboe.csv")

        assert (9235, 0) == (data.notes["rows_read"], data.notes["rows_dropped"])
        assert 0.97 < SPEC.metrics["mase"](forecasts(data, "ar"), data.test) < 1.0
