"""Tables are tasks: one sequence per group, or windows over series that never see what comes after them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqbench import (
    Classes,
    DataError,
    Dense,
    Forecast,
    SequenceSet,
    SpecError,
    TaskData,
    TaskSpec,
    Tokens,
    task_from_frame,
)
from seqbench.adapters.forecasts import moments_are_in_one_split
from seqbench.audit import audit
from seqbench.evaluation import evaluate
from seqbench.params import dump, validate

CACHE = Path()


def prepared(task: TaskSpec, source: str = "builtin", **params: Any) -> TaskData:
    return task.prepare(source, validate(task.params, params, f"tasks.{task.name}"), CACHE)


def hourly(rows: int = 400, *, series: tuple[str, ...] = ()) -> pd.DataFrame:
    """A daily wave with noise, and a second column; for each of `series`, or once."""
    random = np.random.default_rng(0)
    parts = []
    for place, name in enumerate(series or ("",)):
        time = pd.date_range("2024-01-01", periods=rows, freq="h")
        load = 50 * (place + 1) + 10 * np.sin(time.hour * np.pi / 12) + random.normal(size=rows)
        parts.append(pd.DataFrame({"time": time, "load": load, "warm": random.normal(size=rows), "site": name}))
    return pd.concat(parts, ignore_index=True)


def windows(frame: Any = None, **more: Any) -> TaskSpec:
    given = {"time": "time", "target": "load", "values": ["warm"], "look_back": 24, "horizons": [1, 6], **more}
    return task_from_frame("load", hourly() if frame is None else frame, **given)


def scores(task: TaskSpec, outputs: Any, split: SequenceSet) -> dict[str, float]:
    return dict(evaluate(task, np.asarray(outputs, dtype=np.float64), split).metrics)


def test_windows_are_slices_of_the_series() -> None:
    """Each holds the rows before its forecasts, target first, scaled by the rows before validation."""
    task, frame = windows(), hourly()
    data = prepared(task)
    assert ("dense", "mase", False) == (task.input_kind, task.primary, task.higher_is_better)
    assert (Dense(2), Forecast(2)) == (data.input, data.output)
    known = frame[["load", "warm"]].iloc[: round(400 * 0.65)]
    for split in (data.train, data.validation, data.test):
        for index in (0, len(split) - 1):
            first = int(np.flatnonzero(frame["time"] == pd.Timestamp(split.ids[index]))[0])
            expected = (frame[["load", "warm"]].iloc[first - 24 : first] - known.mean()) / known.std(ddof=0)
            np.testing.assert_allclose(split.example(index), expected, rtol=1e-4, atol=1e-5)
            assert frame["load"].iloc[[first, first + 5]].tolist() == split.extras["actual"][index].tolist()
            assert frame["load"].iloc[first - 1] == split.extras["last"][index]


def test_no_forecast_crosses_a_split() -> None:
    """All rows that a window forecasts are in its split; the buffer holds no row after its last input."""
    task = windows(horizons=[1, 24])
    data = prepared(task)
    cuts = hourly()["time"].iloc[[round(400 * 0.65), round(400 * 0.8)]].tolist()
    for split, begin, end in (
        (data.train, pd.Timestamp("2024-01-01"), cuts[0]),
        (data.validation, *cuts),
        (data.test, cuts[1], pd.Timestamp("2025-01-01")),
    ):
        assert begin <= pd.Timestamp(min(split.extras["date"]))
        assert pd.Timestamp(max(split.extras["until"])) < end
        assert len(split.values) == int((split.starts + split.lengths).max())
    assert 400 * 0.15 - 23 == len(data.validation)
    assert all(finding.is_well for finding in audit(task, data, "builtin", validate(task.params, {}, "tasks.load")))


@pytest.mark.parametrize("predict", ["level", "change"])
def test_the_naive_forecast_scores_one(predict: str) -> None:
    """MASE of the last value is 1, of perfect outputs 0; errors are in the target's units, at each horizon too."""
    task = windows(predict=predict, season=24)
    data = prepared(task)
    fitted = {name: make(data.train, data.validation, data.output) for name, make in task.baselines.items()}
    test = data.test
    assert 1.0 == pytest.approx(scores(task, fitted["naive"](test), test)["mase"])
    assert task.predictions is not None
    columns = list(task.predictions(test.targets.astype(np.float64), test))
    assert ["date", "actual", "predicted", "actual_1", "predicted_1", "actual_2", "predicted_2"] == columns
    perfect = scores(task, test.targets, test)
    assert dict.fromkeys(("mase", "mae", "rmse", "mae_h1", "mae_h6"), 0) == pytest.approx(perfect, abs=1e-4)
    off = scores(task, (test.extras["actual"] + 3 - test.extras["offset"]) / test.extras["scale"], test)
    assert (3.0, 3.0, 3.0) == pytest.approx((off["mae"], off["rmse"], off["mae_h6"]))
    assert (
        scores(task, fitted["seasonal_naive"](test), test)["mae"] < 2 < scores(task, fitted["mean"](test), test)["mae"]
    )


def test_several_series() -> None:
    """Windows stay within a series, each is scaled by itself, ids name it, and each counts the same in the score."""
    task = windows(hourly(series=("a", "b")), group="site")
    data = prepared(task)
    assert {"a", "b"} == set(data.test.extras["series"].tolist())
    assert len(set(data.test.ids.tolist())) == len(data.test)
    means = [data.train.extras["actual"][data.train.extras["series"] == name].mean() for name in ("a", "b")]
    assert 40 < means[1] - means[0]
    outputs = np.asarray(data.train.targets, dtype=np.float64)
    assert abs(float(outputs[data.train.extras["series"] == "b"].mean())) < 0.2
    naive = task.baselines["naive"](data.train, data.validation, data.output)(data.test)
    assert 1.0 == pytest.approx(scores(task, naive, data.test)["mase"])
    sentinels = {name: check("builtin", task.params(), CACHE) for name, check in task.sentinels.items()}
    assert {"moments_are_in_one_split": "", "future_changes_no_training": ""} == sentinels


def test_gaps_are_filled_from_the_past_and_never_forecast() -> None:
    """A missing input is the value before it; rows before a column's first value, and missing targets, are left out."""
    frame = hourly()
    frame.loc[:2, "warm"] = np.nan
    frame.loc[100:101, "load"] = np.nan
    frame = frame.drop(index=50)
    data = prepared(windows(frame, horizons=[1]))
    whole = prepared(windows(horizons=[1]))
    assert len(whole.train) - 3 - 1 - 2 == pytest.approx(len(data.train), abs=1)
    assert "2024-01-05T04:00" not in data.train.ids
    after = data.train.ids.tolist().index("2024-01-05T06:00")
    window = data.train.example(after)
    assert window[-1, 0] == window[-2, 0] == window[-3, 0]
    assert any("2 of 792 values were missing" in told for told in data.notes["warnings"])
    assert any("1 of 395 steps of 'time'" in told for told in data.notes["warnings"])


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(60, 200), look_back=st.integers(1, 12), ahead=st.integers(1, 8), stride=st.integers(1, 3),
    first=st.integers(1, 3),
)  # fmt: skip
def test_the_future_never_reaches_a_window(rows: int, look_back: int, ahead: int, stride: int, first: int) -> None:
    """Whatever the shape, what is changed after a window's last row changes nothing in it, and splits are in order."""
    horizons = [first, first + ahead]
    frame = hourly(rows)
    task = windows(frame, horizons=horizons, look_back=look_back)
    data = prepared(task, stride=stride)
    assert "" == task.sentinels["moments_are_in_one_split"]("builtin", task.params(), CACHE)
    changed = frame.assign(
        load=np.where(np.arange(rows) >= round(rows * 0.65), 7.0 + np.arange(rows) ** 2, frame["load"])
    )
    other = prepared(windows(changed, horizons=horizons, look_back=look_back), stride=stride)
    assert np.array_equal(data.train.values, other.train.values)
    assert np.array_equal(data.train.targets, other.train.targets)


def test_without_times_rows_are_moments() -> None:
    """Row numbers stand for times, so that they sort."""
    data = prepared(task_from_frame("x", pd.DataFrame({"y": np.sin(np.arange(300.0))}), target="y", look_back=10))
    assert "010" == data.train.ids[0]
    assert data.test.ids.tolist() == sorted(data.test.ids.tolist())


@pytest.mark.parametrize(
    ("times", "ends"),
    [(np.arange(200) * 0.5, ("2.5", "99.5")), (np.arange(200) - 100, ("-95.0", "99.0")),
     (np.arange(200) + 1e-3, ("5.001", "199.001"))],
)  # fmt: skip
def test_moments_are_compared_as_times(times: Any, ends: tuple[str, str]) -> None:
    """Fractions and negative times, whose names do not sort as they do, are in order, and so are the dates told."""
    frame = pd.DataFrame({"time": times, "load": np.sin(np.arange(200.0))})
    task = windows(frame, values=(), look_back=5)
    data = prepared(task)
    assert "" == task.sentinels["moments_are_in_one_split"]("builtin", task.params(), CACHE)
    assert ends == (data.notes["date_ranges"]["train"][0], data.notes["date_ranges"]["test"][1])
    overlapping = replace(data, train=data.test, test=data.train)
    assert moments_are_in_one_split(data) == "" != moments_are_in_one_split(overlapping)


def test_series_of_different_length_without_times() -> None:
    """Row 70 of one and row 071 of another are moments one after the other."""
    lengths = {"a": 100, "b": 110}
    frame = pd.concat([pd.DataFrame({"site": name, "load": np.sin(np.arange(rows))}) for name, rows in lengths.items()])
    task = windows(frame.reset_index(drop=True), time=None, values=(), group="site", look_back=5, horizons=[1])
    assert "" == task.sentinels["moments_are_in_one_split"]("builtin", task.params(), CACHE)
    assert "109" == prepared(task).notes["date_ranges"]["test"][1]


def test_columns_that_are_called_by_numbers() -> None:
    """A number names its column, as its text does, and the data is the same as under another name."""
    named = hourly()[["load", "warm"]]
    numbered = named.set_axis([0, 1], axis=1)
    expected = prepared(task_from_frame("x", named, target="load", values=["warm"], look_back=24))
    for target, values in ((0, [1]), ("0", "1"), (0, 1)):
        task = task_from_frame("x", numbered, target=target, values=values, look_back=24)
        assert np.array_equal(expected.test.values, prepared(task).test.values)
    assert "[0, 1]" == str(list(numbered.columns))
    with pytest.raises(SpecError, match="its table has no column '2', only 0, 1"):
        task_from_frame("x", numbered, target=2, look_back=24)


def test_whole_numbers_with_gaps() -> None:
    """A group without a target is left out, even the first one; the others' are classes."""
    frame = patients().sort_values("patient")
    frame["grade"] = (frame["patient"].str[1:].astype(int) % 3).astype("Int64")
    frame.loc[frame["patient"] == "p00", "grade"] = pd.NA
    data = prepared(task_from_frame("ward", frame, group="patient", values="pulse", target="grade"))
    assert Classes(("0", "1", "2")) == data.output
    assert ["1 examples of train have no target and were left out ('p00' for one)"] == data.notes["dropped"]


def patients() -> pd.DataFrame:
    """Thirty patients with three to eight rows, not in order."""
    random = np.random.default_rng(0)
    rows = [
        {"patient": f"p{number:02d}", "day": day, "pulse": random.normal(60 + 20 * (number % 2)), "fever": day / 2,
         "ill": "yes" if number % 2 else "no", "age": 20.0 + number, "drug": "ab"[day % 2]}
        for number in range(30) for day in range(3 + number % 6)
    ]  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=1)


def test_groups_are_sequences() -> None:
    """Rows of a group in the order of time, its one target, its name as id; split by groups, stratified."""
    task = task_from_frame("ward", patients(), group="patient", time="day", values=["pulse", "fever"], target="ill")
    data = prepared(task, scale=False)
    assert (Dense(2), Classes(("no", "yes"))) == (data.input, data.output)
    found = {
        str(name): split.example(i)
        for split in (data.train, data.validation, data.test)
        for i, name in enumerate(split.ids)
    }
    assert 30 == len(found)
    for name, values in found.items():
        frame = patients()
        expected = frame[frame["patient"] == name].sort_values("day")
        np.testing.assert_allclose(values, expected[["pulse", "fever"]], rtol=1e-6)
    assert [3, 3] == np.bincount(data.test.targets).tolist()
    forecast = task_from_frame("ward", patients(), group="patient", time="day", values="pulse", target="age")
    assert (Dense(1), Forecast(1), "mae") == (prepared(forecast).input, prepared(forecast).output, forecast.primary)


def test_groups_of_words_and_given_splits() -> None:
    """A column of texts gives tokens; a column of splits is kept to; by order of time the last groups are test."""
    drugs = task_from_frame("ward", patients(), group="patient", time="day", values="drug", target="ill")
    assert ("tokens", Tokens(4)) == (drugs.input_kind, prepared(drugs).input)
    frame = patients()
    frame["part"] = np.where(frame["patient"] > "p24", "test", np.where(frame["patient"] > "p19", "valid", "train"))
    given = task_from_frame("w", frame, group="patient", values="pulse", target="ill", split="part")
    assert [f"p{n}" for n in range(25, 30)] == sorted(prepared(given).test.ids.tolist())
    frame["day"] += frame["patient"].str[1:].astype(int) * 100
    by_time = task_from_frame("w", frame, group="patient", time="day", values="pulse", target="ill", order="time")
    assert [f"p{n}" for n in range(24, 30)] == prepared(by_time).test.ids.tolist()


def test_tables_come_from_files_functions_and_data(tmp_path: Path, cache: Path) -> None:
    """A path, a function with parameters, `--data` with CSV or Parquet; content is what keys them."""
    file, parquet = tmp_path / "load.csv", tmp_path / "load.parquet"
    hourly(200).to_csv(file, index=False)
    hourly(300).to_parquet(parquet)
    by_path, by_function = windows(str(file)), windows(lambda rows=120: hourly(rows))
    assert 200 == prepared(by_path).notes["rows"]
    assert 300 == prepared(by_path, str(parquet)).notes["rows"] == prepared(by_function, str(parquet)).notes["rows"]
    assert 150 == prepared(by_function, rows=150).notes["rows"]
    assert "content" not in dump(by_function.params, validate(by_function.params, {}, "tasks.load"))

    def content(task: TaskSpec) -> str:
        return str(dump(task.params, validate(task.params, {}, "tasks.load"))["content"])

    before = content(by_path)
    hourly(201).to_csv(file, index=False)
    assert before != content(by_path)
    assert content(windows(hourly())) == content(windows(hourly())) != content(windows(hourly(399)))
    unneeded = hourly().assign(more=1)
    assert content(windows(hourly())) == content(windows(unneeded))
    indexed = hourly().set_index("time")
    assert prepared(windows(indexed)).test.ids.tolist() == prepared(windows()).test.ids.tolist()
    assert len(prepared(windows(indexed.rename_axis(None), time="index")).test)


def without(column: str) -> pd.DataFrame:
    return hourly().drop(columns=column)


def doubled() -> pd.DataFrame:
    return hourly().assign(more=1.0).rename(columns={"more": "load"})


def put(row: int, column: str, value: Any) -> pd.DataFrame:
    frame = hourly().astype({column: object})
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: windows(without("warm")), "its table has no column 'warm'"),
        (lambda: prepared(windows(lambda: without("warm"))), "has no column 'warm'"),
        (lambda: prepared(windows(put(7, "load", "n/a?"))), r"row 8, column 'load': 'n/a\?' is no number"),
        (lambda: prepared(windows(put(7, "time", "soon"))), "row 8, column 'time': 'soon' is no time"),
        (lambda: prepared(windows(pd.concat([hourly(), hourly()]))), "occurs twice: drop one, or say with group="),
        (lambda: prepared(windows(hourly(40))), "has 40 rows, too few for look_back = 24 and horizons up to 6"),
        (lambda: prepared(windows(hourly().assign(load=1.0))), "'load' of .* never changes in train"),
        (lambda: prepared(windows(hourly().iloc[:0])), "has no rows"),
        (lambda: prepared(windows(hourly().assign(warm=np.nan))), "no row with a value in each of load, warm"),
        (lambda: windows(doubled()), "has 2 columns 'load': give each a name of its own"),
        (lambda: prepared(windows(doubled)), "has 2 columns 'load': give each a name of its own"),
        (lambda: windows(horizons=[0]), "are no different whole numbers"),
        (lambda: windows(split="site"), "are for groups"),
        (lambda: task_from_frame("x", hourly(), target="load"), "give group=, the column"),
        (lambda: task_from_frame("x", hourly(), target="load", group="site"), "give values="),
        (lambda: task_from_frame("x", 3, target="load", look_back=2), "int is no pandas DataFrame"),
        (lambda: prepared(task_from_frame("x", target="load", look_back=2)), "give --data x=FILE with the columns"),
        (lambda: prepared(windows("no.csv")), r"there is no file .*no\.csv"),
        (lambda: prepared(windows(), "no.csv"), r"there is nothing at no\.csv"),
        (lambda: prepared(task_from_frame("x", patients(), group="patient", values="fever", target="drug")),
         "'drug' is not the same in all rows of group 'p"),
        (lambda: prepared(task_from_frame("x", patients(), group="ill", values="fever", target="ill", split="drug")),
         "is not the same|name it train, validation or test"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_a_sentence(make: Any, words: str) -> None:
    """Each mistake is an error of the project's own that says what, where, and what would do."""
    with pytest.raises((DataError, SpecError), match=words):
        make()
