"""Hourly forecasts at several horizons, of a table of one's own or of two made-up years of a town's electricity."""

from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field, PositiveInt

from seqbench import Dense, Forecast, TaskData, TaskSpec, hookimpl
from seqbench_hourly.scores import METRICS, ridge, scaled_errors, seasonal
from seqbench_hourly.windows import windows


class Params(BaseModel, frozen=True, extra="forbid"):
    """time, values: columns. horizons, look_back: hours. longest_gap: hours in a row that are filled in."""

    time: str = Field(default="", description="by default the first column")
    values: str = Field(default="", description="parted by commas, the first is forecast; by default the second column")
    time_format: str = Field(default="ISO8601", description="as strftime has it, '%d.%m.%Y %H:%M' say")
    horizons: tuple[PositiveInt, ...] = Field(default=(1, 6, 24), min_length=1)
    look_back: int = Field(default=72, ge=24)
    longest_gap: int = Field(default=3, ge=0)


def prepare(source: str, params: Params, cache: Path) -> TaskData:
    """70 % of the hours are train, 15 % validation, 15 % test."""
    from seqbench_hourly.table import read

    path = Path(__file__).with_name("load.csv.gz") if source == "builtin" else Path(source)
    hours = read(path, params.time, params.values, params.time_format, params.longest_gap)
    train, validation, test = windows(hours, np.array(params.horizons), params.look_back)
    given, asked = Dense(train.values.shape[1]), Forecast(len(params.horizons))
    return TaskData(given, asked, train, validation, test, notes=hours.notes)


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task."""
    spec = TaskSpec(
        name="hourly",
        prepare=prepare,
        input_kind="dense",
        metrics=METRICS,
        primary="mase",
        higher_is_better=False,
        loss="mae",
        params=Params,
        baselines={"last_value": partial(seasonal, 1), "seasonal_naive": partial(seasonal, 24), "ridge": ridge},
        trainer={"max_epochs": 8},
        example_scores=scaled_errors,
        about="a value some hours ahead, from the hours before and the calendar",
    )
    return [spec]
