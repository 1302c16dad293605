"""Tables of any order, step and gaps become hours; targets are what comes later; and the task conforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from seqbench_hourly import Params, prepare, seqbench_tasks
from seqbench_hourly.scores import METRICS, ridge, seasonal

from seqbench import DataError, SequenceSet, TaskData
from seqbench.testing import check_task

HOURS = 800


def series(hours: int = HOURS) -> pd.DataFrame:
    """Load that rises by 1 an hour, so that a value tells its hour, and a second column that falls."""
    times = pd.date_range("2024-03-01", periods=hours, freq="h")
    return pd.DataFrame({"time": times.strftime("%Y-%m-%d %H:%M"), "load": np.arange(hours), "wind": -np.arange(hours)})


def prepared(table: pd.DataFrame, folder: Path, **params: object) -> TaskData:
    path = folder / "hours.csv"
    table.to_csv(path, index=False)
    return prepare(str(path), Params.model_validate(params), folder)


def unscaled(split: SequenceSet) -> NDArray[np.float64]:
    """Targets in the file's unit; train's mean is that of 0 to 559."""
    return np.asarray(split.targets * split.extras["unit"][0] + np.arange(HOURS * 7 // 10).mean())


def windows(split: SequenceSet) -> NDArray[np.float32]:
    return np.stack([split.example(place) for place in range(len(split))])


def test_targets_are_the_values_at_the_horizons(tmp_path: Path) -> None:
    """A window that ends at hour 71 is to tell hours 72, 77 and 95; no split reaches into the next."""
    data = prepared(series(), tmp_path)
    first = unscaled(data.train)[0]
    np.testing.assert_allclose(first, [72, 77, 95], atol=1e-2)
    np.testing.assert_allclose(unscaled(data.train)[-1][-1], 559, atol=1e-2)
    np.testing.assert_allclose(unscaled(data.test)[0], np.array([72, 77, 95]) + 680, atol=1e-2)
    assert "2024-03-03T23" == data.train.ids[0]


def test_order_steps_and_repeated_hours_do_not_matter(tmp_path: Path) -> None:
    """Shuffled rows, half hours and an hour that is there twice give the same hours, and are told of."""
    table = series()
    expected = prepared(table, tmp_path)
    half = table.assign(time=table["time"].str.replace(":00", ":30"))
    shuffled = pd.concat([table, half]).sample(frac=1, random_state=0)
    data = prepared(shuffled, tmp_path)
    np.testing.assert_allclose(windows(data.train), windows(expected.train), atol=1e-6)
    assert f"{HOURS} rows share an hour with others (their mean counts)" == data.notes["warnings"][0]
    assert "out of order" in data.notes["warnings"][1]


def test_short_gaps_are_filled_and_long_ones_avoided(tmp_path: Path) -> None:
    """Two missing hours are those in between; around ten no window remains that would touch them."""
    whole = series()
    data = prepared(whole.drop(index=[100, 101, *range(300, 310)]), tmp_path)
    assert data.notes["warnings"] == [
        "2 hours are missing and filled in between their neighbours",
        "10 hours are missing in longer gaps, which no window may touch",
    ]
    everything = prepared(whole, tmp_path)
    lost = set(everything.train.ids) - set(data.train.ids)
    assert 10 + 72 + 24 - 1 == len(lost)
    np.testing.assert_allclose(np.diff(windows(data.train)[60, 30:50, 0]), 1 / data.train.extras["unit"][0], rtol=1e-3)


def test_offsets_are_respected(tmp_path: Path) -> None:
    """The hour that a clock shows twice in autumn is two hours where the offsets say so."""
    times = pd.date_range("2024-10-20", periods=HOURS, freq="h", tz="Europe/Berlin")
    table = series().assign(time=[moment.isoformat() for moment in times])
    data = prepared(table, tmp_path)
    assert not data.notes["warnings"]
    assert "2024-10-22T21" == data.train.ids[0]


def test_the_scaler_is_fitted_on_train(tmp_path: Path) -> None:
    """Other values in test change nothing in train."""
    table = series()
    before = prepared(table, tmp_path, values="load, wind")
    table.loc[700:, ["load", "wind"]] *= 100
    after = prepared(table, tmp_path, values="load, wind")
    assert windows(before.train).tolist() == windows(after.train).tolist()
    assert (len(before.train), 72, 2 + 6) == windows(before.train).shape


@pytest.mark.parametrize(
    ("change", "params", "message"),
    [
        ({"time": "yesterday"}, {}, r"row 7: time 'yesterday', load '5', where a time \(time_format=ISO8601\)"),
        ({"load": "1,5"}, {}, r"row 7: .*load '1,5', where .* numbers \(with decimal points\) are needed"),
        ({}, {"values": "sun"}, r"has no column 'sun' but \['time', 'load', 'wind'\]: set time and values"),
        ({}, {"time": "date"}, r"has no column 'date'"),
        ({}, {"look_back": 500}, r"has 800 hours, 0 of them unknown, .* give a longer table"),
    ],
)
def test_what_cannot_be_used_is_told(
    tmp_path: Path, change: dict[str, str], params: dict[str, object], message: str
) -> None:
    """One sentence has the row or the column, and what would do."""
    table = series().astype(str)
    for column, cell in change.items():
        table.loc[5, column] = cell
    with pytest.raises(DataError, match=message):
        prepared(table, tmp_path, **params)


def test_baselines_say_what_they_are_said_to_say(tmp_path: Path) -> None:
    """The last value, yesterday's at that hour, and a line that ridge finds; MASE 1 is one day's error."""
    data = prepared(series(), tmp_path)
    arguments = (data.train, data.validation, data.output)
    step = 1 / data.test.extras["unit"][0]
    for predictor, hours in ((seasonal(1, *arguments), [1, 6, 24]), (seasonal(24, *arguments), [24, 24, 24])):
        np.testing.assert_allclose(
            data.test.targets - predictor(data.test), np.tile(np.array(hours) * step, (len(data.test), 1)), rtol=1e-3
        )
    assert 1 == pytest.approx(METRICS["mase"](seasonal(24, *arguments)(data.test), data.test), rel=1e-3)
    assert 24 == pytest.approx(METRICS["mae"](seasonal(24, *arguments)(data.test), data.test), rel=1e-3)
    assert METRICS["mae"](ridge(*arguments)(data.test), data.test) < 1


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert ["hourly"] == [spec.name for spec in seqbench_tasks()]
    assert [] == [finding for finding in check_task("hourly").findings if finding.status == "failed"]
