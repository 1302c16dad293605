"""Reading prices: every dialect of file, and every row left out accounted for."""

from __future__ import annotations

import gzip
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqbench import DataError
from seqbench_tasks.stock_forecasting.cells import parse_numbers
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries, read_file, read_prices
from seqbench_tasks.stock_forecasting.text import read_text

DAYS = np.arange("2020-01-01", "2021-08-23", dtype="datetime64[D]")


def read(folder: Path, text: str, name: str = "prices.csv", encoding: str = "utf-8", **params: Any) -> PriceSeries:
    """A file with this text, read."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return read_prices(path, StockParams(**params))


class TestReading:
    """One series out of whatever a program wrote."""

    @pytest.mark.parametrize(
        "text",
        [
            "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-30,1,1,1,10.5,9,5\n2024-01-31,1,1,1,1011,9,5\n",
            "\ufeffDATE,CLOSE\r\n2024-01-30,10.5\r\n2024-01-31,1011\r\n",
            'Date,Close/Last,Volume\n01/31/2024,"$1,011.00",5\n01/30/2024,$10.50,5\n',
            '"Date","Price","Vol.","Change %"\n"Jan 31, 2024","1,011.00","1M","1%"\n"Jan 30, 2024","10.50","1M","1%"\n',
            "close;day\n10,5;30.01.2024\n1.011,0;31.01.2024\n",
            ",AAPL.Open,AAPL.Close\n2024-01-30,1,10.5\n2024-01-31,1,1011\n",
            "Price,Close,High\nTicker,AAPL,AAPL\nDate,,\n2024-01-30,10.5,11\n2024-01-31,1011,11\n",
            ",Close,High\n,AAPL,AAPL\nDate,,\n2024-01-30,10.5,11\n2024-01-31,1011,11\n",
            "<TICKER>,<DATE>,<TIME>,<CLOSE>\nSBER,20240130,000000,10.5\nSBER,20240131,000000,1011\n",
            "Prices of the exchange\n\nTrade Date\tLast\n30-Jan-24\t10.5\n31-Jan-24\t1011\n",
            "time,open,close\n1706572800,1,10.5\n1706659200,1,1011\n",
            "Date,Close\n2024-01-30 00:00:00-05:00,10.5\n2024-01-31 00:00:00-05:00,1011\n",
            "timestamp,4. close,5. volume\n20240131,1011,5\n20240130,10.5,5\n",
            "sep=;\nDate;Close\n2024-01-30;10.5\n2024-01-31;1011\n",
        ],
        ids=["yahoo", "cboe", "nasdaq", "investing", "european", "quantmod", "yfinance", "older yfinance", "finam",
             "tabs with a title", "epoch", "with time zone", "alpha vantage", "excel"],
    )  # fmt: skip
    def test_dialects(self, tmp_path: Path, text: str) -> None:
        """The same two days come out of the file of any of these programs, oldest first."""
        series = read(tmp_path, text)

        assert ["2024-01-30", "2024-01-31"] == series.day_names().tolist()
        assert [10.5, 1011.0] == series.price.tolist()

    def test_encodings_and_gzip(self, tmp_path: Path) -> None:
        """UTF-16, Latin-1 and gzipped files are read as UTF-8 ones are."""
        text = "Date,Close,Währung\n2024-01-02,10.5,€\n".replace("€", "ß")
        path = tmp_path / "prices.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))

        assert [10.5] == read(tmp_path, text, encoding="utf-16").price.tolist()
        assert [10.5] == read(tmp_path, text, encoding="latin-1").price.tolist()
        assert [10.5] == read_prices(path, StockParams()).price.tolist()

    def test_close_unless_adjusted_is_asked_for(self, tmp_path: Path) -> None:
        """Of Close and Adj Close, `price` decides, by default Close; a lone Adj Close is used."""
        both = "Date,Adj Close,Close\n2024-01-02,9,10\n"

        assert [10.0] == read(tmp_path, both).price.tolist()
        assert [9.0] == read(tmp_path, both, price="adj_close").price.tolist()
        assert [9.0] == read(tmp_path, "Date,Adj Close\n2024-01-02,9\n").price.tolist()
        with pytest.raises(DataError, match=r"no adjusted close column; its columns are Date, Close"):
            read(tmp_path, "Date,Close\n2024-01-02,9\n", price="adj_close")

    def test_wide_format(self, tmp_path: Path) -> None:
        """`column` picks one of several prices; days before its first price are no bad rows."""
        text = "OLD,NEW,Date\n1,,2024-01-02\n2,,2024-01-03\n3,7,2024-01-04\n"
        series = read(tmp_path, text, column="new")

        assert [7.0] == series.price.tolist()
        assert "NEW" == series.column
        assert () == series.dropped
        with pytest.raises(DataError, match="no column 'MID'; its columns are OLD, NEW, Date"):
            read(tmp_path, text, column="MID")

    def test_several_tickers(self, tmp_path: Path) -> None:
        """A file with several tickers, in rows or in columns, needs `ticker` to say which."""
        long = "date,close,Name\n2024-01-02,1,AAPL\n2024-01-02,2,MSFT\n"
        wide = "Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n2024-01-02,1,2\n"

        assert [2.0] == read(tmp_path, long, ticker="msft").price.tolist()
        assert [2.0] == read(tmp_path, wide, ticker="MSFT").price.tolist()
        with pytest.raises(DataError, match=r"holds 2 tickers \(AAPL, MSFT\): choose one with ticker"):
            read(tmp_path, long)
        with pytest.raises(DataError, match=r"no rows of ticker 'IBM'.*choose one of AAPL, MSFT"):
            read(tmp_path, long, ticker="IBM")
        with pytest.raises(DataError, match=r"several price columns \(AAPL.Close, MSFT.Close\)"):
            read(tmp_path, wide)

    def test_one_date_format_for_the_column(self, tmp_path: Path) -> None:
        """01/02/2024 is February where that alone gives a regular calendar, and asks where it does not."""
        monthly = "".join(f"01/{month:02}/2024,{month}\n" for month in range(1, 13)) + "01/01/2025,13\n"
        series = read(tmp_path, "Date,Close\n" + monthly)

        assert "2024-02-01" == series.day_names()[1]
        ambiguous = "Date,Close\n01/02/2024,1\n01/03/2024,2\n"
        with pytest.raises(DataError, match=r"'Date', can be read as .* say which with date_format"):
            read(tmp_path, ambiguous)
        assert "2024-02-01" == read(tmp_path, ambiguous, date_format="%d/%m/%Y").day_names()[0]

    def test_intraday(self, tmp_path: Path) -> None:
        """Times of day order the rows and are part of their names, also when they have a column of their own."""
        one = read(tmp_path, "Datetime,Close\n2024-01-30 15:30:00,2\n2024-01-30 09:30:00,1\n")
        two = read(tmp_path, "Date,Time,Close\n1/30/2024,3:30 PM,2\n1/30/2024,9:30 AM,1\n")

        assert ["2024-01-30T09:30:00", "2024-01-30T15:30:00"] == one.day_names().tolist()
        assert one.price.tolist() == two.price.tolist()

    def test_bad_rows_are_dropped_and_told(self, tmp_path: Path) -> None:
        """Up to 5 % of rows without a date or price are left out, each with its line and reason."""
        rows = [f"{day},{price:.4f}" for day, price in zip(DAYS, np.linspace(50, 60, 600), strict=True)]
        rows[3], rows[50], rows[70], rows[90] = f"{DAYS[3]},null", "10:30:00,5", f"{DAYS[70]},", f"{DAYS[90]},1x"
        series = read(tmp_path, "\n".join(["Date,Close", *rows, rows[-1]]))

        assert (
            "line 5, column 'Close': 'null' is no number",
            "line 52, column 'Date': '10:30:00' is no date",
            "line 72, column 'Close': no number (the cell is empty)",
            "line 92, column 'Close': '1x' is no number",
            "line 602: repeats the day and price of line 601",
        ) == series.dropped
        assert 596 == len(series)
        with pytest.raises(DataError, match=r"4 bad rows out of 601, and strict allows none: line 5"):
            read(tmp_path, "\n".join(["Date,Close", *rows, rows[-1]]), strict=True)

    def test_too_many_bad_rows(self, tmp_path: Path) -> None:
        """More than 5 % of bad rows is an error that lists the first ten."""
        text = "Date,Close\n" + "".join(f"{day},{'--' if day.item().day < 15 else 7}\n" for day in DAYS[:31])
        with pytest.raises(DataError, match=r"14 bad rows out of 31, more than 5%: line 2, .*line 11, .*; \.\.\.$"):
            read(tmp_path, text)

    def test_rows_without_a_ticker(self, tmp_path: Path) -> None:
        """A row that does not say whose it is among rows that do is bad: told with its line, counted, and limited."""
        rows = [
            f"{day},{name},{price}" for day, price in zip(DAYS, np.linspace(50, 60, 600), strict=True) for name in "XY"
        ]
        rows[6], rows[90] = rows[6].replace("X", ""), rows[90].replace("X", "NaN")
        text = "\n".join(["Date,Name,Close", *rows])
        (tmp_path / "prices.csv").write_text(text)
        first, second = read_file(tmp_path / "prices.csv", StockParams(ticker="all"))
        told = ("line 8, column 'Name': no ticker (the cell is empty)", "line 92, column 'Name': 'NaN' is no ticker")

        assert (told, ()) == (first.dropped, second.dropped)
        assert (598, 600, 1200) == (len(first), len(second), first.rows + second.rows)
        assert told == read(tmp_path, text, ticker="y").dropped
        with pytest.raises(DataError, match=r"2 bad rows out of 1200, and strict allows none: line 8, column 'Name'"):
            read(tmp_path, text, ticker="X", strict=True)
        many = [row.replace(",X,", ",,") if place % 4 == 0 else row for place, row in enumerate(rows)]
        with pytest.raises(DataError, match=r"column 'Name': no ticker.*; \.\.\.$"):
            read(tmp_path, "\n".join(["Date,Name,Close", *many]), ticker="Y")

    def test_bad_rows_of_both_kinds(self, tmp_path: Path) -> None:
        """Rows without a ticker and rows without a price together are more than 5 %, though neither kind is."""
        rows = [f"{day},X,{price}" for day, price in zip(DAYS[:100], np.linspace(50, 60, 100), strict=True)]
        for place in range(4):
            rows[place], rows[place + 9] = rows[place].replace("X", ""), f"{DAYS[place + 9]},X,"
        with pytest.raises(DataError, match=r"8 bad rows out of 100, more than 5%"):
            read(tmp_path, "\n".join(["Date,Name,Close", *rows]))

    def test_moved_ticker(self, tmp_path: Path) -> None:
        """A row moved by a thousands comma has no ticker of its own, and is told; NA and NAN are tickers."""
        rows = [f"{day},{price:.2f},5,{name}" for day, price in zip(DAYS, np.linspace(50, 60, 600), strict=True)
                for name in ("NA", "NAN")]  # fmt: skip
        rows[2] = f"{DAYS[1]},1,050.00,5,NA"
        text = "\n".join(["date,close,volume,Name", *rows])

        assert ("line 4: 5 cells where the header has 4",) == read(tmp_path, text, ticker="NA").dropped
        assert 600 == len(read(tmp_path, text, ticker="NAN"))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("Date,Volume\n2024-01-02,5\n", "no close column; its columns are Date, Volume"),
            ("Close,Volume\n1.5,5\n2.5,6\n", "no date column; its columns are Close, Volume"),
            ("Date,Close\nsoon,5\nlater,6\n", r"column 'Date', holds no dates .*'soon'"),
            ("Date,Close\n2024-01-02,5\n2024-01-03,-1\n", r"line 3, column 'Close': -1 is not positive"),
            ("Date,Close\n2024-01-02,5\n2024-01-02,6\n", r"lines 2 and 3, .*2024-01-02 comes twice, with 5 and 6"),
            ("Date,Close\n", "has a header but no rows"),
            ("", "is empty"),
            ("Date,Close\n2024-01-02,\0\n", "is no text file"),
        ],
    )
    def test_errors_name_the_place(self, tmp_path: Path, text: str, message: str) -> None:
        """A file that cannot be used gives one sentence with its path and the line or column."""
        with pytest.raises(DataError, match=message) as caught:
            read(tmp_path, text)
        assert str(tmp_path / "prices.csv") in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("method", ["gzip", "ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
    def test_damaged_archives(self, tmp_path: Path, method: str) -> None:
        """An archive with any byte of it wrong is read or refused in a sentence, whatever unpacks it."""
        text = "Date,Close\n" + "".join(f"{day},{place}\n" for place, day in enumerate(DAYS[:40], 1))
        path = tmp_path / "prices.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
        if method != "gzip":
            with zipfile.ZipFile(path, "w", getattr(zipfile, method)) as archive:
                archive.writestr("prices.csv", text)
        whole = path.read_bytes()
        refused = []
        for place in range(4, len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                read_text(path)
            except DataError as error:
                refused.append(str(error))

        assert len(refused) > len(whole) / 2
        assert all(re.search("damaged gzip file|zip file that cannot be read|holds .* files", said) for said in refused)

    def test_missing_file(self, tmp_path: Path) -> None:
        """A path that is not there, or is a folder, is said to be so."""
        with pytest.raises(DataError, match=r"none\.csv does not exist"):
            read_prices(tmp_path / "none.csv", StockParams())
        with pytest.raises(DataError, match="cannot be read"):
            read_prices(tmp_path, StockParams())

    @given(st.lists(st.floats(min_value=0.01, max_value=9e6).map(lambda price: round(price, 2)), min_size=1))
    def test_numbers_in_both_conventions(self, prices: list[float]) -> None:
        """Prices with thousands commas, or with thousands points and a decimal comma, come back as they were."""
        english = [f"${price:,.2f}" for price in prices]
        german = [cell[1:].translate(str.maketrans(",.", ".,")) for cell in english]

        assert prices == parse_numbers(english)
        assert prices == parse_numbers(german)


class TestRealFiles:
    """Files as their publishers wrote them."""

    def test_aapl(self, real_data: Path) -> None:
        """Yahoo's AAPL has a Close and an Adj Close, which differ before dividends."""
        path = real_data / "stocks" / "AAPL_2012-2017_yahoo.csv"
        close, adjusted = (read_prices(path, StockParams(price=price)) for price in ("close", "adj_close"))

        assert (1258, 96.424286, 87.121140) == (len(close), close.price[0], adjusted.price[0])
        assert close.price[-1] == adjusted.price[-1]
        assert {"open", "high", "low", "volume", "close"} == set(
            read_prices(path, StockParams(features="ohlcv")).columns
        )

    def test_wide_closes(self, real_data: Path) -> None:
        """Five closes side by side, the date last: one is chosen by name."""
        path = real_data / "stocks" / "CLOSES5_2007-2016_wide.csv"
        series = read_prices(path, StockParams(column="AAPL"))

        assert (2306, 11.086612) == (len(series), series.price[0])
        with pytest.raises(DataError, match="its columns are MSFT, IBM, SBUX, AAPL, GSPC, Date"):
            read_prices(path, StockParams())

    def test_vix(self, real_data: Path) -> None:
        """Cboe's VIX is read whole, all 9,235 days."""
        series = read_prices(real_data / "stocks" / "VIX_1990-2026_cboe.csv", StockParams())

        assert (9235, (), "CLOSE") == (len(series), series.dropped, series.column)
        assert ["1990-01-02", "2026-07-23"] == series.day_names()[[0, -1]].tolist()
