"""The stock task: look-back windows of trading days, forecasts of the next closes, scores against the naive forecast.

The honest outcome on a price index is a MASE of about 1: tomorrow's close is today's, and little more can be known. A
model far below 1 on such a series has seen the future.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import TaskData, TaskSpec
from seqbench_tasks.stock_forecasting.params import StockParams

if TYPE_CHECKING:
    import torch


def prepare(source: str, params: StockParams, cache: Path) -> TaskData:
    """Read the series and cut its windows.

    source: `"builtin"` (the S&P 500 of the package arch, daily, 1999-2018) or the path of a CSV file with a date and a
    close column.
    Raises DataError with file, line and column for a source that cannot be used.
    """
    from seqbench_tasks.stock_forecasting.reader import builtin_path, read_prices
    from seqbench_tasks.stock_forecasting.windows import make_windows

    if source == "builtin":
        series = replace(read_prices(builtin_path(), params), name="S&P 500")
    else:
        series = read_prices(Path(source), params)
    return make_windows(series, params)


def augment(
    x: torch.Tensor,
    lengths: torch.Tensor,
    generator: torch.Generator,
    params: StockParams,
) -> torch.Tensor:
    """Training windows `x: float[batch, time, features]` with noise on every value and one offset per window.

    Both are Gaussian, in units of the scaler, and off by default: then `x` is given back as it is.
    """
    import torch

    if params.noise_std > 0:
        x = x + params.noise_std * torch.randn(x.shape, generator=generator, device=x.device)
    if params.shift_std > 0:
        offsets = torch.randn((len(x), 1, x.shape[2]), generator=generator, device=x.device)
        x = x + params.shift_std * offsets
    return x


def describe(data: TaskData) -> str:
    """One paragraph: the series, its splits with their dates, what was dropped, and the scaler."""
    notes = data.notes
    sizes = {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    ranges = ", ".join(
        f"{name} {size} ({notes['date_ranges'][name][0]} to {notes['date_ranges'][name][1]})" if size else f"no {name}"
        for name, size in sizes.items()
    )
    scaler = notes["scaler"]
    dropped = f" {notes['rows_dropped']} rows were dropped: {notes['dropped'][0]}." if notes["rows_dropped"] else ""
    return (
        f"{notes['series']}: {notes['trading_days']} trading days from {notes['rows_read']} rows, price column "
        f"'{notes['price_column']}'.{dropped} Forecasts by split: {ranges}. Inputs: {notes['features']}, target: "
        f"{notes['target']}; {scaler['kind']} scaler fitted on train (offset {scaler['target']['offset']:.6g}, "
        f"scale {scaler['target']['scale']:.6g})."
    )


def _call(module: str, function: str, *arguments: Any) -> Any:
    """Call a function of a module of this package, imported at first use: discovery then needs no NumPy."""
    return getattr(import_module(f"seqbench_tasks.stock_forecasting.{module}"), function)(*arguments)


METRICS = ("mase", "rmse", "mae", "smape", "skill", "directional_accuracy")
BASELINES = ("naive", "drift", "moving_average", "ar", "ridge")

SPEC = TaskSpec(
    name="stock_forecasting",
    prepare=prepare,
    input_kind="dense",
    metrics={name: partial(_call, "metrics", name) for name in METRICS},
    primary="mase",
    higher_is_better=False,
    # Squared near 0, absolute beyond one unit of the scaler: the score is an absolute error, returns have fat tails.
    loss="huber",
    params=StockParams,
    baselines={name: partial(_call, "baselines", name) for name in BASELINES},
    trainer={"batch_size": 128, "max_epochs": 10, "patience": 3},
    model_defaults={"parameter_budget": 5_000, "dropout": 0.0},
    augment=augment,
    predictions=partial(_call, "metrics", "predictions"),
    describe=describe,
    distributions=("arch",),
    about="The next daily close from a look-back window of log-returns (the real S&P 500, or any CSV of prices).",
)
