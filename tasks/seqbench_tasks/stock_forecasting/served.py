"""What a served forecaster needs of the series that it was trained on, and test windows as somebody would send them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from seqbench import SequenceSet
    from seqbench_tasks.stock_forecasting.params import StockParams
    from seqbench_tasks.stock_forecasting.reader import PriceSeries
    from seqbench_tasks.stock_forecasting.windows import Scaled, Scaler

RAW_EXAMPLES = 3
KEPT_PARAMS = ("look_back", "horizon", "target", "features", "price", "column", "date_format")
BARS = ("open", "high", "low")


def state_of(panel: Sequence[Scaled], params: StockParams, *, has_volume: bool) -> dict[str, Any]:
    """The parameters that decide what a window is, and the scalers of each series by its name.

    price: which of `Close` and `Adj Close` a window's price is called where its columns have their usual names.
    """
    return {
        "params": {name: getattr(params, name) for name in KEPT_PARAMS},
        "has_volume": has_volume and params.inputs == "ohlcv",
        "price": "adj_close" if _has_two_prices(panel[0].series, params) else "close",
        "series": {
            one.series.name: {
                "inputs": [_numbers(scaler) for scaler in one.input_scalers],
                "target": _numbers(one.target_scaler),
            }
            for one in panel
        },
    }


def _numbers(scaler: Scaler) -> dict[str, float]:
    return {"offset": scaler.offset, "scale": scaler.scale}


def _has_two_prices(series: PriceSeries, params: StockParams) -> bool:
    """Is the price that is forecast another than the close that open, high and low are held against?"""
    if params.column is None:
        return params.price == "adj_close"
    return "close" in series.columns and not np.array_equal(series.columns["close"], series.price)


def raw_examples_of(panel: Sequence[Scaled], params: StockParams, test: SequenceSet) -> dict[str, str]:
    """The first windows of test, all of the first series, as CSV with the usual names of columns, by their ids.

    Each has as many days as `look_back`, and the one before them where features are made of two days.
    """
    one, is_panel = panel[0], len(panel) > 1
    first = one.first_targets(params, 2)[:RAW_EXAMPLES]
    days = params.look_back + one.first_day
    windows = [_csv(one.series, int(day) - days, int(day), params, is_panel=is_panel) for day in first]
    return {str(name): window for name, window in zip(test.ids, windows, strict=False)}


def _csv(series: PriceSeries, begin: int, end: int, params: StockParams, *, is_panel: bool) -> str:
    """The days `begin` to `end - 1`; numbers so that they read as the same floats."""
    close = series.columns.get("close")
    columns: dict[str, Any] = {"Date": series.day_names()}
    if is_panel:
        columns["Ticker"] = [series.name] * len(series)
    columns |= {name.title(): series.columns[name] for name in BARS if name in series.columns}
    if _has_two_prices(series, params):
        columns |= {} if close is None else {"Close": close}
        columns["Adj Close"] = series.price
    else:
        columns["Close"] = series.price
    if "volume" in series.columns:
        columns["Volume"] = series.columns["volume"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    parts = [[str(cell) for cell in column[begin:end]] for column in columns.values()]
    writer.writerows(zip(*parts, strict=True))
    return text.getvalue()
