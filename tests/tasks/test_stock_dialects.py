"""Reading prices: what named sites and programs write, in their own shapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench import DataError
from seqbench_tasks.stock_forecasting.panel import read_panel
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries

DAYS = [day for day in (date(2018, 1, 2) + timedelta(number) for number in range(130)) if day.weekday() < 5]
PRICES = [round(float(price), 2) for price in 1000 + np.cumsum(np.random.default_rng(0).normal(0, 5, len(DAYS)))]


def table(row: Callable[[date, float], str], header: str = "", *, newest_first: bool = False) -> str:
    """A header and a row for every day."""
    rows = [row(day, price) for day, price in zip(DAYS, PRICES, strict=True)]
    return "\n".join([*([header] if header else []), *(rows[::-1] if newest_first else rows)]) + "\n"


def german(price: float) -> str:
    """1.234,50."""
    return f"{price:,.2f}".translate(str.maketrans(",.", ".,"))


def epoch(day: date, factor: int = 1) -> int:
    """Seconds since 1970 at midnight UTC, times a factor."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * factor


def read(folder: Path, data: str | bytes, name: str = "prices.csv", **params: Any) -> tuple[PriceSeries, ...]:
    """A file with this content, read."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_panel(str(path), StockParams(**params))


NOISE = np.random.default_rng(0).integers(1, 256, 3000, dtype=np.uint8).tobytes()
"""Bytes of anything but text, no zero among them."""
SHAPES = {
    "investing.com": table(
        lambda d, p: f'"{d:%m/%d/%Y}","{p:,.2f}","{p:,.2f}","{p + 1:,.2f}","{p - 1:,.2f}","1.23M","-0.52%"',
        '"Date","Price","Open","High","Low","Vol.","Change %"',
        newest_first=True,
    ),
    "investing.com in German": table(
        lambda d, p: f'"{d:%d.%m.%Y}","{german(p)}","{german(p)}","{german(p + 1)}","{german(p - 1)}","1,23M","-0,52%"',
        '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"',
        newest_first=True,
    ),
    "Nasdaq": table(
        lambda d, p: f"{d:%m/%d/%Y},${p:.2f},--,${p:.2f},${p:.2f},${p:.2f}",
        "Date,Close/Last,Volume,Open,High,Low",
        newest_first=True,
    ),
    "Stooq's bulk files": table(
        lambda d, p: f"AAPL.US,D,{d:%Y%m%d},000000,{p},{p},{p},{p},5,0",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
    ),
    "Finam, a time without zeros": table(
        lambda d, p: f"SBER;D;{d:%Y%m%d};0;{p}", "<TICKER>;<PER>;<DATE>;<TIME>;<CLOSE>"
    ),
    "Quandl WIKI": table(
        lambda d, p: f"{d},{p},{p},{p},{p},5,0.0,1.0,1,1,1,{p / 2:.4f},5",
        "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume",
    ),
    "FRED": table(lambda d, p: f"{d},{p}", "observation_date,SP500"),
    "Google Sheets": table(lambda d, p: f"{d.month}/{d.day}/{d.year} 16:00:00,{p}", "Date,Close"),
    "MetaTrader 4, no header": table(lambda d, p: f"{d:%Y.%m.%d},00:00,{p},{p + 1},{p - 1},{p},5"),
    "MetaTrader 5": table(
        lambda d, p: f"{d:%Y.%m.%d}\t{p}\t{p}\t{p}\t{p}\t5\t0\t1",
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
    ),
    "histdata.com, no header": table(lambda d, p: f"{d:%Y%m%d} 170000;{p};{p};{p};{p};0"),
    "CryptoDataDownload": table(
        lambda d, p: f"{epoch(d, 1000)},{d} 00:00:00,BTC/USDT,{p},{p},{p},{p},5,6",
        "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USDT",
        newest_first=True,
    ),
    "Binance, no header, millionths": table(lambda d, p: f"{epoch(d, 10**6)},{p},{p},{p},{p},5,{epoch(d)},1,2,3,4,0"),
    "TradingView": table(lambda d, p: f"{epoch(d)},{p},{p},{p},{p}", "time,open,high,low,close"),
    "German Excel": table(
        lambda d, p: f"{d:%d.%m.%Y};{german(p)};{german(p)};1.234.567", "Datum;Eröffnung;Schluss;Volumen"
    ),
    "days of a spreadsheet": table(lambda d, p: f"{(d - date(1899, 12, 30)).days},{p}", "Date,Close"),
    "NSE": table(lambda d, p: f'"{d:%d-%b-%Y}","EQ","1.00","{p:,.2f}"', '"Date ","series ","PREV. CLOSE ","close "'),
    "Barchart": table(lambda d, p: f"{d:%m/%d/%Y},{p},1,0.1%,5", "Time,Last,Change,%Chg,Volume")
    + '"Downloaded from Barchart.com as of 01-02-2024 03:04am CST"\n',
    "Bloomberg": table(
        lambda d, p: f"{d.month}/{d.day}/{d.year},{p}",
        "Security,SPX Index\nStart Date,1/2/2018\nEnd Date,6/2/2018\n\nDate,PX_LAST",
    ),
    "tushare": table(
        lambda d, p: f"600519.SH,{d:%Y%m%d},{p},1,0.5", "ts_code,trade_date,close,change,pct_chg", newest_first=True
    ),
    "Chinese": table(lambda d, p: f"{d:%Y年%m月%d日},{p}", "日期,收盘价"),
    "two digits of everything": table(lambda d, p: f"{d:%y-%m-%d},{p}", "Date,Close"),
    "R without a header for row names": table(lambda d, p: f"{d} {p} 5", "Close Volume"),
    "pandas with a row number": table(lambda d, p: f"{d.toordinal()},{d},{p}", ",Date,Close"),
    "copied from Yahoo's page": table(
        lambda d, p: f"{d:%b} {d.day}, {d.year}\t{p:,.2f}\t5", "Date\tClose Close price adjusted for splits.\tVolume"
    ),
    "ISO without separators": table(lambda d, p: f"{d:%Y%m%d}T160000Z,{p}", "Date,Close"),
    "single quotes": table(lambda d, p: f"'{d}','{p:,.2f}',''", "'Date','Close','Volume'"),
    "single quotes around dates only": table(lambda d, p: f"'{d}'; {p}", "Date; Close"),
    "Swiss thousands": table(lambda d, p: f"{d};{p:,.2f}".replace(",", "'"), "Date;Close"),
    "investing.com in Dutch": table(
        lambda d, p: f'"{d:%d-%m-%Y}","{german(p)}","1,0"', '"Datum","Laatst","Verschil %"', newest_first=True
    ),
    "investing.com in Korean": table(lambda d, p: f'"{d:%Y- %m- %d}","{p:,.2f}"', '"날짜","종가"', newest_first=True),
    "Czech": table(lambda d, p: f"{d.day}. {d.month}. {d.year};{p}", "Datum;Close"),
    "Hungarian": table(lambda d, p: f"{d:%Y.%m.%d.};{p}", "Date;Close"),
    "Korean with points": table(lambda d, p: f"{d.year}. {d.month}. {d.day}. 15:30,{p}", "날짜,종가"),
    "ISO with Z": table(lambda d, p: f'"{d}T23:59:59.999Z";{p}', "timestamp;close"),
}


class TestShapes:
    """One price per day out of whatever a program wrote."""

    @pytest.mark.parametrize("shape", list(SHAPES))
    def test_same_prices(self, tmp_path: Path, shape: str) -> None:
        """The days and prices of each of these files are the same, and nothing but a footer is dropped."""
        (series,) = read(tmp_path, SHAPES[shape])

        assert [str(day) for day in DAYS] == series.day_names().tolist()
        assert PRICES == series.price.tolist()
        assert ("Downloaded" in SHAPES[shape]) == len(series.dropped)

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-8-sig", "gbk"])
    def test_encodings(self, tmp_path: Path, encoding: str) -> None:
        """UTF-16 with and without its mark, a mark of UTF-8, and a national encoding give the same prices."""
        text = SHAPES["FRED" if encoding != "gbk" else "Chinese"].replace("\n", "\r\n")

        assert PRICES == read(tmp_path, text.encode(encoding))[0].price.tolist()

    @pytest.mark.parametrize("shape", ["investing.com", "investing.com in German", "MetaTrader 4, no header"])
    def test_bars(self, tmp_path: Path, shape: str) -> None:
        """High and low are found under these names and in these places: one above and one below the price."""
        (series,) = read(tmp_path, SHAPES[shape], features="ohlcv")

        np.testing.assert_allclose(series.price + 1, series.columns["high"])
        np.testing.assert_allclose(series.price - 1, series.columns["low"])
        assert series.column in {"Price", "Zuletzt", "Close"}

    def test_three_decimals_after_a_comma(self, tmp_path: Path) -> None:
        """Between semicolons 1,234 is a decimal comma where nothing else decides; between commas it is 1234."""
        semicolons = table(lambda d, _: f"{d};1,234", "Date;Close")
        commas = table(lambda d, _: f'{d},"1,234"', "Date,Close")

        assert [1.234, 1234.0] == [read(tmp_path, text)[0].price[0] for text in (semicolons, commas)]

    def test_unquoted_thousands(self, tmp_path: Path) -> None:
        """A row with more cells than the header is not read with its cells moved, but dropped and told."""
        text = table(lambda d, p: f"{d},{p},5" if d != DAYS[3] else f"{d},1,234.5,5", "Date,Close,Volume")
        (series,) = read(tmp_path, text)

        assert ("line 5: 4 cells where the header has 3",) == series.dropped

    def test_half_days_of_a_clock(self, tmp_path: Path) -> None:
        """Hours as 09-AM and 11-PM, as older files of CryptoDataDownload have them, order the rows."""
        text = table(lambda d, p: f"{d} 11-PM,{p + 1}\n{d} 09-AM,{p}", "Date,Close")
        (series,) = read(tmp_path, text)

        assert ["2018-01-02T09:00:00", "2018-01-02T23:00:00"] == series.day_names()[:2].tolist()
        assert PRICES[0] == series.price[0]

    def test_date_format_without_the_time(self, tmp_path: Path) -> None:
        """A date_format need not say that a time follows, and one that fits no cell is an error that says so."""
        text = table(lambda d, p: f"{d:%d/%m/%Y} 16:00:00,{p}", "Date,Close")

        assert "2018-01-02" == read(tmp_path, text, date_format="%d/%m/%Y")[0].day_names()[0]
        with pytest.raises(DataError, match=r"no dates that date_format = '%Y' reads .the first is '02/01/2018 16"):
            read(tmp_path, text, date_format="%Y")
        with pytest.raises(DataError, match="no dates that date_format"):
            read(tmp_path, table(lambda _, p: f"16:00:00,{p}", "Date,Close"), date_format="%H:%M:%S")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"<!DOCTYPE html><html></html>", "is a web page and no table"),
            (b'{"Information": "rate limit"}', "is JSON and no table"),
            (b"PK\x03\x04 nothing", "is a zip file that cannot be read"),
            (b"", "is empty: give a CSV"),
            (b"\xef\xbb\xbf\r\n \r\n", "is empty: give a CSV"),
            (b"PAR1" + NOISE + b"PAR1", "is a Parquet file and no text: export the prices as CSV"),
            (b"%PDF-1.4\n" + NOISE, "is a PDF and no text"),
            (b"\x89PNG\r\n\x1a\n" + NOISE, "is a picture and no text"),
            (b"RIFF\x24\x08\x01\x02WAVEfmt " + NOISE, "is a sound file and no text"),
            (b"OggS" + NOISE, "is a sound file and no text"),
            (NOISE, "is no text file: export the prices as CSV"),
            (b"Exceeded the daily hits limit", "its first line is 'Exceeded the daily hits limit'"),
            (b"\nLimit_exceeded\n", "its first line is 'Limit_exceeded'"),
            (b"Sorry, your limit is exceeded\n", "its first line is 'Sorry, your limit is exceeded'"),
        ],
    )
    def test_no_table(self, tmp_path: Path, content: bytes, message: str) -> None:
        """A page, an answer or an archive saved under the name of a CSV is said to be what it is."""
        with pytest.raises(DataError, match=message):
            read(tmp_path, content)

    def test_spreadsheet_and_zip(self, tmp_path: Path) -> None:
        """A zip with one file is read, one with a workbook is refused with what to do."""
        import zipfile

        for name, inside in (("one.zip", "prices.csv"), ("book.xlsx", "xl/workbook.xml")):
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                archive.writestr(inside, SHAPES["FRED"])

        assert PRICES == read_panel(str(tmp_path / "one.zip"), StockParams())[0].price.tolist()
        with pytest.raises(DataError, match="is a spreadsheet: save the sheet"):
            read_panel(str(tmp_path / "book.xlsx"), StockParams())
