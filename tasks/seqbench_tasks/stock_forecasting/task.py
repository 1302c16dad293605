"""The stock task: look-back windows of trading days, forecasts of the next closes, scores against the naive forecast.

The honest outcome on a price index is a MASE of about 1: tomorrow's close is today's, and little more can be known. A
model far below 1 on such a series has seen the future.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import Serving, TaskData, TaskSpec
from seqbench_tasks.stock_forecasting.params import StockParams

if TYPE_CHECKING:
    import torch


def prepare(source: str, params: StockParams, cache: Path) -> TaskData:
    """Read the series and cut their windows.

    source: `"builtin"` (the S&P 500 of the package arch, daily, 1999-2018), or a file of prices, or a folder or glob
    pattern of such files, which are one panel.
    Raises DataError with file, line and column for a source that cannot be used.
    """
    from seqbench_tasks.stock_forecasting.panel import read_panel
    from seqbench_tasks.stock_forecasting.windows import make_windows

    return make_windows(read_panel(source, params), params)


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


def _call(module: str, function: str, *arguments: Any) -> Any:
    """Call a function of a module of this package, imported at first use: discovery then needs no NumPy."""
    return getattr(import_module(f"seqbench_tasks.stock_forecasting.{module}"), function)(*arguments)


METRICS = {
    "metrics": ("mase", "rmse", "mae", "smape", "skill", "directional_accuracy"),
    "significance": (
        "directional_accuracy_low",
        "directional_accuracy_high",
        "dm_statistic",
        "dm_p_value",
        "lag_copy",
    ),
}
BASELINES = ("naive", "drift", "moving_average", "ar", "ridge")
SENTINELS = ("scaler", "future", "target_days", "shuffled_targets", "lag_copies")

SPEC = TaskSpec(
    name="stock_forecasting",
    prepare=prepare,
    input_kind="dense",
    metrics={name: partial(_call, module, name) for module, names in METRICS.items() for name in names},
    primary="mase",
    higher_is_better=False,
    # Squared near 0, absolute beyond one unit of the scaler: the score is an absolute error, returns have fat tails.
    loss="huber",
    params=StockParams,
    baselines={name: partial(_call, "baselines", name) for name in BASELINES},
    trainer={"batch_size": 128, "max_epochs": 10, "patience": 3},
    model_defaults={"parameter_budget": 5_000, "dropout": 0.0},
    augment=augment,
    example_scores=partial(_call, "metrics", "scaled_errors"),
    predictions=partial(_call, "metrics", "predictions"),
    describe=partial(_call, "notes", "describe"),
    remarks=partial(_call, "significance", "remarks"),
    training_params=("noise_std", "shift_std"),
    show=partial(_call, "notes", "show"),
    fetchers={"yfinance": partial(_call, "fetch", "fetch_yfinance")},
    sentinels={name: partial(_call, "sentinels", name) for name in SENTINELS},
    distributions=("arch",),
    serving=Serving(
        "window",
        partial(_call, "serving", "encoder"),
        partial(_call, "serving", "decoder"),
        "the last days as CSV with a header (Date, Close and what else the model was trained on), or closes alone, "
        "oldest first",
    ),
    about="The next daily close from a look-back window of log-returns (the real S&P 500, or any CSV of prices).",
)
