"""Tables of any order, step and gaps become hours; targets are what comes later; and the task conforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from seqbench_hourly import load, seqbench_tasks

from seqbench import DataError, TaskData
from seqbench.testing import check_task

HOURS = 800


def series(hours: int = HOURS) -> pd.DataFrame:
    """Load that rises by 1 an hour, so that a value tells its hour, and a second column that falls."""
    times = pd.date_range("2024-03-01", periods=hours, freq="h")
    return pd.DataFrame({"time": times.strftime("%Y-%m-%d %H:%M"), "load": np.arange(hours), "wind": -np.arange(hours)})


def loaded(table: pd.DataFrame, folder: Path, **params: Any) -> pd.DataFrame:
    table.to_csv(folder / "hours.csv", index=False)
    found = load(str(folder / "hours.csv"), **params)
    assert isinstance(found, pd.DataFrame)
    return found


def prepared(table: pd.DataFrame, folder: Path) -> TaskData:
    table.to_csv(folder / "hours.csv", index=False)
    (spec,) = seqbench_tasks()
    return spec.prepare(str(folder / "hours.csv"), spec.params(), folder)


def test_targets_are_the_values_at_the_horizons(tmp_path: Path) -> None:
    """A window that ends at hour 71 is to tell hours 72, 77 and 95, and the splits follow one another in time."""
    data = prepared(series(), tmp_path)
    np.testing.assert_allclose(data.train.extras["actual"][0], [72, 77, 95], atol=1e-3)
    last, first = data.train.extras["actual"][-1].max(), data.validation.extras["actual"][0].min()
    assert last < first
    assert data.validation.extras["actual"].max() < data.test.extras["actual"].min()


def test_order_steps_and_repeated_hours_do_not_matter(tmp_path: Path) -> None:
    """Shuffled rows, half hours and an hour that is there twice give the same hours."""
    table = series()
    half = table.assign(time=table["time"].str.replace(":00", ":30"))
    shuffled = pd.concat([table, half]).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(loaded(table, tmp_path), loaded(shuffled, tmp_path))


def test_short_gaps_are_filled_and_long_ones_are_not(tmp_path: Path) -> None:
    """Two missing hours are those in between; ten stay unknown, and none of them is ever forecast."""
    gaps = series().drop(index=[100, 101, *range(300, 310)])
    table = loaded(gaps, tmp_path)
    np.testing.assert_allclose(table["value"][99:103], [99, 100, 101, 102])
    assert list(range(300, 310)) == table.index[table["value"].isna()].tolist()
    assert not set(range(300, 310)) & set(prepared(gaps, tmp_path).train.extras["actual"].round().ravel().tolist())


def test_offsets_are_respected(tmp_path: Path) -> None:
    """The hour that a clock shows twice in autumn is two hours where the offsets say so."""
    times = pd.date_range("2024-10-20", periods=HOURS, freq="h", tz="Europe/Berlin")
    table = loaded(series().assign(time=[moment.isoformat() for moment in times]), tmp_path)
    assert HOURS == len(table)
    assert pd.Timestamp("2024-10-19 22:00") == table["time"][0]


def test_the_scaler_is_fitted_on_train(tmp_path: Path) -> None:
    """Other values in test change nothing in train."""
    table = series()
    before = prepared(table, tmp_path)
    table["load"] = table["load"].where(table.index < 780, 10_000)
    after = prepared(table, tmp_path)
    np.testing.assert_array_equal(before.train.targets, after.train.targets)
    np.testing.assert_array_equal(before.train.example(7), after.train.example(7))


@pytest.mark.parametrize(
    ("change", "params", "message"),
    [
        ({"time": "yesterday"}, {}, r"row 7: 'yesterday' and '5', where a time \(time_format=ISO8601\)"),
        ({"load": "1,5"}, {}, r"row 7: .*'1,5', where .* a number \(with a decimal point\) are needed"),
        ({}, {"value": "sun"}, r"has no column 'sun' but \['time', 'load', 'wind'\]: set time and value"),
        ({}, {"time": "date"}, r"has no column 'date'"),
    ],
)
def test_what_cannot_be_used_is_told(
    tmp_path: Path, change: dict[str, str], params: dict[str, str], message: str
) -> None:
    """One sentence has the row or the column, and what would do."""
    table = series().astype(str)
    for column, cell in change.items():
        table.loc[5, column] = cell
    with pytest.raises(DataError, match=message):
        loaded(table, tmp_path, **params)


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert ["hourly"] == [spec.name for spec in seqbench_tasks()]
    assert [] == [finding for finding in check_task("hourly").findings if finding.status == "failed"]
