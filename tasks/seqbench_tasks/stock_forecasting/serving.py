"""A window of days as it comes (CSV, or closes alone) → scaled inputs; outputs → closes in units of the price."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import DataError
from seqbench_tasks.stock_forecasting.columns import find_layout, listed
from seqbench_tasks.stock_forecasting.metrics import closes
from seqbench_tasks.stock_forecasting.names import normalise, split_name
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries, series_of_table
from seqbench_tasks.stock_forecasting.table import Table, table_of
from seqbench_tasks.stock_forecasting.text import check_text
from seqbench_tasks.stock_forecasting.windows import Scaler, days_before, features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = Path("window")
"""What errors name in place of a file."""
REMEMBERED = 256
"""Windows that are not read again between making the inputs and making the answer."""
SHOWN = 10
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Window:
    """The days that somebody sent, oldest first, and the name of their series in the state."""

    series: PriceSeries
    name: str

    @property
    def origin(self) -> str:
        """The last day; empty where days have no dates."""
        return str(self.series.day_names()[-1]) if len(self.series.days) else ""


class Reader:
    """Reads windows for one state."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.params = StockParams(**state["params"], strict=True)
        self.has_volume = bool(state["has_volume"])
        self.scalers: Mapping[str, Mapping[str, Any]] = state["series"]
        self._usual = self.params.model_copy(update={"column": None, "price": state["price"]})
        self._names: Mapping[str, str] = {normalise(name): name for name in self.scalers}
        self.read = lru_cache(REMEMBERED)(self._read)

    def target_scaler(self, name: str) -> Scaler:
        """That of a series' outputs."""
        return Scaler(**self.scalers[name]["target"])

    def inputs(self, window: Window) -> NDArray[np.float32]:
        """`float32[look_back, features]`, as the task makes them."""
        columns = features_of(window.series, self.params, has_volume=self.has_volume)
        scalers = [Scaler(**numbers) for numbers in self.scalers[window.name]["inputs"]]
        scaled = [scaler.apply(column) for scaler, column in zip(scalers, columns.values(), strict=True)]
        return np.stack(scaled, axis=1).astype(np.float32)[-self.params.look_back :]

    def _read(self, text: str) -> Window:
        """Raises DataError, naming line and column, for what is no window of days of a series that is known."""
        check_text(text, WINDOW)
        alone = _closes_alone(text)
        window = self._of_table(table_of(text, WINDOW)) if alone is None else self._of_closes(alone)
        needed = self.params.look_back + days_before(self.params)
        if len(window.series) < needed:
            reason = f"look_back = {self.params.look_back}" + (
                " and the day before it" if days_before(self.params) else ""
            )
            raise DataError(
                f"window has {len(window.series)} days, fewer than the {needed} of {reason}: give the last {needed}"
            )
        return window

    def _of_table(self, table: Table) -> Window:
        layout = find_layout(table)
        if layout.ticker is not None and len(tickers := dict.fromkeys(table.column(layout.ticker))) > 1:
            raise DataError(f"window has several tickers ({_shown(tickers)}): give the days of one")
        named = self.params.column is not None and normalise(self.params.column) in map(normalise, table.header)
        found = series_of_table(table, self.params if named else self._usual)
        if len(found) != 1:
            raise DataError(f"window has several price columns ({_shown([one.column for one in found])}): give one")
        series = found[0]
        if self.has_volume and "volume" not in series.columns:
            raise DataError(f"window has no volume, which the model needs; its columns are {listed(table)}: add it")
        return Window(series, self._name_of(series))

    def _name_of(self, series: PriceSeries) -> str:
        """The series that it is of: by its ticker or the name of its price column; the only one, where there is one."""
        if len(self.scalers) == 1:
            (only,) = self.scalers
            return only
        parts = split_name(series.column)
        candidates = (series.name if series.is_named else "", series.column, parts[1] if parts else "")
        found = next((self._names[normalise(name)] for name in candidates if normalise(name) in self._names), None)
        if found is None:
            raise DataError(
                f"window does not say which series it is of, or one that the model was not trained on: name one in a "
                f"column Ticker ({_shown(self.scalers)})"
            )
        return found

    def _of_closes(self, prices: NDArray[np.float64]) -> Window:
        if self.params.inputs == "ohlcv":
            raise DataError(
                "window has closes alone, but the model needs open, high and low too: give a CSV with these"
            )
        if not (np.isfinite(prices) & (prices > 0)).all():
            raise DataError("window has a close that is not positive, which a price must be: correct it")
        days = np.zeros(0, dtype="datetime64[s]")
        series = PriceSeries("", str(WINDOW), days, prices, {}, len(prices), (), "Close")
        return Window(series, self._name_of(series))


def _closes_alone(text: str) -> NDArray[np.float64] | None:
    """Closes, oldest first: one per line, perhaps below a name, or all in one line, a JSON list say; None for a table.

    Two numbers in a line may be a date and a close.
    """
    body = text.strip().strip("[]").strip()
    tokens = [token for token in re.split(r"[\s,;]+", body) if token]
    lines = len(body.split("\n"))
    if lines == len(tokens) > 1 and not _NUMBER.fullmatch(tokens[0]):
        tokens = tokens[1:]
    elif lines not in (1, len(tokens)):
        return None
    return np.array([float(token) for token in tokens]) if tokens and all(map(_NUMBER.fullmatch, tokens)) else None


def _shown(names: Any) -> str:
    listed_names = list(names)
    return ", ".join(listed_names[:SHOWN]) + (" ..." if len(listed_names) > SHOWN else "")


def encoder(state: Mapping[str, Any]) -> Callable[[Any], NDArray[np.float32]]:
    """`encode(window) -> float32[look_back, features]`."""
    reader = Reader(state)

    def encode(window: Any) -> NDArray[np.float32]:
        return reader.inputs(reader.read(_text(window)))

    return encode


def decoder(state: Mapping[str, Any]) -> Callable[[NDArray[np.float64], Any], Mapping[str, Any]]:
    """`decode(outputs, window) -> answer`: the closes forecast, the last one known and its day, and whose they are."""
    reader = Reader(state)
    is_level = reader.params.target == "close"

    def decode(outputs: NDArray[np.float64], window: Any) -> Mapping[str, Any]:
        found = reader.read(_text(window))
        last = float(found.series.price[-1])
        scaler = reader.target_scaler(found.name)
        values = np.asarray(outputs, dtype=np.float64)[None] * scaler.scale + scaler.offset
        forecast = closes(values, np.array([[last]]), is_level=is_level)[0]
        return {
            "series": found.name,
            "origin": found.origin,
            "last_close": last,
            "closes": [float(close) for close in forecast],
        }

    return decode


def _text(window: Any) -> str:
    if not isinstance(window, str):
        raise DataError(
            f"window is {type(window).__name__} and no text: give days as CSV with a date and a close column"
        )
    return window
