"""Prices by ticker from yfinance, whose answers have the shape that its download gives."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seqbench import DataError
from seqbench_tasks.stock_forecasting.panel import read_panel
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.task import SPEC

FIELDS = ["Adj Close", "Close", "High", "Low", "Open", "Volume"]


class Download:
    """`yfinance.download`: a frame with columns (Price, Ticker) and days without a time zone."""

    def __init__(self, known: dict[str, int], error: Exception | None = None) -> None:
        """known: ticker → the number of its first day."""
        self.known, self.error, self.calls = known, error, list[dict[str, Any]]()

    def __call__(self, tickers: list[str], **options: Any) -> pd.DataFrame:
        """The frame."""
        self.calls.append({"tickers": tickers, **options})
        if self.error is not None:
            raise self.error
        days = pd.DatetimeIndex(pd.bdate_range("2018-01-02", periods=400), name="Date")
        columns = pd.MultiIndex.from_product([FIELDS, tickers], names=["Price", "Ticker"])
        frame = pd.DataFrame(np.nan, index=days, columns=columns)
        for ticker in tickers:
            begin = self.known.get(ticker, len(days))
            prices = 100 + np.cumsum(np.random.default_rng(len(ticker)).normal(0, 1, len(days)))[begin:]
            for field in FIELDS:
                frame.loc[days[begin:], (field, ticker)] = prices if field != "Adj Close" else prices / 2
        if not any(ticker in self.known for ticker in tickers):
            logging.getLogger("yfinance").error("1 Failed download:")
            logging.getLogger("yfinance").error("%s: possibly delisted; no timezone found", tickers)
            return frame.iloc[:0]
        return frame


def fetched(monkeypatch: pytest.MonkeyPatch, folder: Path, rest: str, download: Callable[..., pd.DataFrame]) -> Path:
    """What the fetcher gives for `yfinance:REST`."""
    import yfinance

    monkeypatch.setattr(yfinance, "download", download)
    return SPEC.fetchers["yfinance"](rest, StockParams(), folder)


class TestFetch:
    """`yfinance:TICKER[,TICKER]`."""

    def test_one_ticker(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """One ticker gives a file with Yahoo's columns, asked for as daily full unadjusted history."""
        download = Download({"^GSPC": 0})
        path = fetched(monkeypatch, tmp_path, "^gspc", download)
        (series,) = read_panel(str(path), StockParams(features="ohlcv"))

        assert (400, "2018-01-02", "Close") == (len(series), series.day_names()[0], series.column)
        (call,) = download.calls
        assert (["^GSPC"], "max", "1d", False) == (
            call["tickers"],
            call["period"],
            call["interval"],
            call["auto_adjust"],
        )
        adjusted = read_panel(str(path), StockParams(price="adj_close"))[0]
        np.testing.assert_allclose(series.price / 2, adjusted.price)

    def test_panel(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Several tickers are a panel at once; a later listing and days that only others trade leave no bad rows."""
        path = fetched(monkeypatch, tmp_path, "AAPL, BRK-B", Download({"AAPL": 0, "BRK-B": 90}))
        panel = read_panel(str(path), StockParams())

        assert tmp_path == path
        assert [("AAPL", 400, ()), ("BRK-B", 310, ())] == [(item.name, len(item), item.dropped) for item in panel]

    @pytest.mark.parametrize("rest", ["NOSUCH", "AAPL,NOSUCH"])
    def test_unknown_ticker(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rest: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """An unknown ticker, alone or beside others, is named with what to do, and nothing is printed beside."""
        with pytest.raises(DataError, match=r"no prices of, NOSUCH.*: check the ticker .*download a CSV") as caught:
            fetched(monkeypatch, tmp_path, rest, Download({"AAPL": 0}))
        assert "\n" not in str(caught.value)
        assert ("", "") == capfd.readouterr()

    def test_offline(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A connection that fails is one sentence that says what could not be reached and what to do instead."""
        with pytest.raises(DataError, match=r"cannot fetch AAPL from Yahoo Finance \(no route\): .* give the path$"):
            fetched(monkeypatch, tmp_path, "AAPL", Download({}, OSError("no route")))

    @pytest.mark.parametrize(
        ("said", "cause"),
        [
            (
                (
                    "['AAPL']: DNSError('Failed to perform, curl: (6) Could not resolve host: guce.yahoo.com. See "
                    "https://curl.se/libcurl/c/libcurl-errors.html first for more details.')"
                ),
                "Could not resolve host: guce.yahoo.com",
            ),
            (
                "['AAPL', 'MSFT']: YFRateLimitError('Too Many Requests. Rate limited. Try after a while.')",
                "Too Many Requests. Rate limited. Try after a while",
            ),
            (
                (
                    "HTTPSConnectionPool(host='q.com', port=443): Max retries exceeded with url: /v8 (Caused by "
                    'NameResolutionError("<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve '
                    "'q.com' ([Errno -2] Name or service not known)\"))"
                ),
                "Failed to resolve 'q.com'",
            ),
            ("$AAPL: possibly delisted; no timezone found", "possibly delisted; no timezone found"),
        ],
    )
    @pytest.mark.parametrize("is_raised", [False, True])
    def test_cause(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, cause: str, *, is_raised: bool
    ) -> None:
        """Of what yfinance logs or raises, the error repeats the cause, and nothing of what it is wrapped in."""

        def download(*_: Any, **__: Any) -> pd.DataFrame:
            if is_raised:
                raise OSError(said)
            logging.getLogger("yfinance").error(said)
            return pd.DataFrame()

        with pytest.raises(DataError, match=re.escape(f" ({cause}): check the ")):
            fetched(monkeypatch, tmp_path, "AAPL", download)

    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Without the package, the error names the extra that brings it."""
        monkeypatch.setitem(sys.modules, "yfinance", None)
        with pytest.raises(DataError, match=r"pip install 'seqbench\[yfinance\]'"):
            SPEC.fetchers["yfinance"]("AAPL", StockParams(), tmp_path)

    def test_no_ticker(self, tmp_path: Path) -> None:
        """An address without a ticker says how to write one."""
        with pytest.raises(DataError, match="names no ticker"):
            SPEC.fetchers["yfinance"](" , ", StockParams(), tmp_path)
