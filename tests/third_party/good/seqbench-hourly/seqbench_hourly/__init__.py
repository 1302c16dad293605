"""Hourly forecasts 1, 6 and 24 hours ahead, of a table of one's own or of two made-up years of a town's electricity."""

from pathlib import Path
from typing import Any

from seqbench import DataError, TaskSpec, hookimpl, task_from_frame

SEQBENCH_INTERFACE = 1


def load(source: str, time: str = "", value: str = "", time_format: str = "ISO8601", longest_gap: int = 3) -> Any:
    """One row per hour: `value`, and where the hour lies in the day and the week.

    time, value: columns, by default the first and the second. Rows of one hour count with their mean; in UTC where
    the file has offsets, else by its own clock. Up to `longest_gap` missing hours are filled in between their
    neighbours. Raises DataError with the row or column that cannot be used.
    """
    import numpy as np
    import pandas as pd

    path = Path(__file__).with_name("load.csv.gz") if source == "builtin" else Path(source)
    try:
        cells = pd.read_csv(path, sep=None, engine="python", dtype=str, skipinitialspace=True)
    except Exception as error:
        told = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as a table ({told}): give a CSV file.") from None
    clock, name = (given or [*cells.columns, ""][place] for place, given in enumerate((time, value)))
    for column in (clock, name):
        if column not in cells:
            raise DataError(f"{path} has no column '{column}' but {list(cells)}: set time and value to two of these.")
    times = pd.DatetimeIndex(pd.to_datetime(cells[clock], format=time_format, utc=True, errors="coerce"))
    numbers = pd.to_numeric(cells[name], errors="coerce").astype(float).set_axis(times)
    wrong = times.isna() | (~np.isfinite(numbers.to_numpy()) & cells[name].notna().to_numpy())
    if wrong.any():
        row = int(wrong.argmax())
        form = f"a time (time_format={time_format}) and a number (with a decimal point)"
        raise DataError(
            f"{path}, row {row + 2}: '{cells[clock][row]}' and '{cells[name][row]}', where {form} are needed."
        )
    hours = numbers.resample("h").mean()
    lost = hours.isna()
    is_long = lost & (lost.groupby((~lost).cumsum()).transform("sum") > longest_gap)
    hours = hours.interpolate(limit_area="inside").mask(is_long)
    table = pd.DataFrame({"time": pd.DatetimeIndex(hours.index).tz_localize(None), "value": hours.to_numpy()})
    for period, turn in (("day", table["time"].dt.hour / 24), ("week", table["time"].dt.dayofweek / 7)):
        table[f"{period}_sin"], table[f"{period}_cos"] = np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)
    return table


CALENDAR = ("day_sin", "day_cos", "week_sin", "week_cos")
ABOUT = "a value 1, 6 and 24 hours ahead, from the hours before and the calendar"


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task: seqbench makes the windows, the splits in time, the scores and the baselines."""
    how: dict[str, Any] = {"look_back": 72, "horizons": (1, 6, 24), "season": 24, "trainer": {"max_epochs": 8}}
    return [task_from_frame("hourly", load, values=CALENDAR, target="value", time="time", about=ABOUT, **how)]
