"""Downloading price histories by ticker, as CSV files that the reader reads."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import DataError

if TYPE_CHECKING:
    import pandas as pd

    from seqbench_tasks.stock_forecasting.params import StockParams

INSTEAD = "or download a CSV of its prices elsewhere and give the path"


def fetch_yfinance(rest: str, params: StockParams, folder: Path) -> Path:
    """The daily full history of each ticker of `TICKER[,TICKER]` from Yahoo Finance, unadjusted, one CSV file each.

    Gives the file, or the folder where there are several. Raises DataError when yfinance is not installed, Yahoo cannot
    be reached, or a ticker has no prices.
    """
    tickers = list(dict.fromkeys(part.strip().upper() for part in rest.split(",") if part.strip()))
    if not tickers:
        raise DataError(f"'yfinance:{rest}' names no ticker: write yfinance:AAPL, or yfinance:AAPL,MSFT for a panel")
    try:
        import yfinance
    except ImportError:
        raise DataError(
            f"yfinance:{rest} needs the package yfinance: pip install 'seqbench[yfinance]', {INSTEAD}"
        ) from None
    try:
        with _heard("yfinance") as said:
            frame = yfinance.download(
                tickers, period="max", interval="1d", auto_adjust=False, progress=False, multi_level_index=True
            )
    except Exception as error:
        reason = _short(str(error)) or type(error).__name__
        raise DataError(
            f"cannot fetch {', '.join(tickers)} from Yahoo Finance ({reason}): check the connection, {INSTEAD}"
        ) from None
    frames = {ticker: _of_ticker(frame, ticker) for ticker in tickers}
    empty = [ticker for ticker, one in frames.items() if one is None]
    if empty:
        reason = f" ({_short(said[-1])})" if said else ""
        raise DataError(
            f"Yahoo Finance could not be reached for, or has no prices of, {', '.join(empty)}{reason}: check the "
            f"ticker and the connection, {INSTEAD}"
        )
    paths = [_write(one, folder / f"{re.sub(r'[^A-Za-z0-9.^=_-]', '-', name)}.csv") for name, one in frames.items()]
    return paths[0] if len(paths) == 1 else folder


def _short(text: str) -> str:
    """The cause that a message of yfinance, curl or urllib3 ends in, in one line, without what they wrap it in."""
    text = re.sub(r"^(\[[^\]]*\]|\$?[A-Z0-9.^=-]+): ", "", " ".join(text.split()))
    text = text.rpartition("(Caused by ")[2]
    while match := re.match(r"[A-Za-z_.]*(?:Error|Exception|Timeout)\((?P<inside>.*?)\)*$", text):
        text = match["inside"].strip("'\" ")
    text = re.sub(r"^<?[\w.]+ object at 0x\w+>: |^Failed to perform, |\bcurl: \(\d+\) ", "", text)
    text = re.sub(r"^curl: \(\d+\) | See https?://curl\.\S+.*$| \(?\[Errno -?\d+\].*$", "", text)
    return text[:160].strip(" .:")


def _of_ticker(frame: pd.DataFrame | None, ticker: str) -> pd.DataFrame | None:
    """The ticker's rows and columns; None where there is no price."""
    if frame is None or frame.empty:
        return None
    if frame.columns.nlevels == 1:
        one = frame
    else:
        level = next((place for place in range(2) if ticker in frame.columns.get_level_values(place)), None)
        if level is None:
            return None
        one = frame.loc[:, frame.columns.get_level_values(level) == ticker].droplevel(level, axis=1)
    one = one.dropna(how="all")
    has_close = "Close" in one.columns and bool(one["Close"].notna().any())
    return one if has_close else None


def _write(frame: Any, path: Path) -> Path:
    frame.to_csv(path, date_format="%Y-%m-%d", index_label="Date", lineterminator="\n")
    return path


@contextmanager
def _heard(name: str) -> Iterator[list[str]]:
    """What the package logs, kept for the error instead of shown: it logs what it cannot fetch, and goes on."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    before = logger.handlers[:], logger.propagate
    logger.handlers[:], logger.propagate = [handler], False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield said
    finally:
        logger.handlers[:], logger.propagate = before
