"""Preparing prices: in which century years of two digits are, and what is strange about a series that can be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seqbench import TaskData
from seqbench_tasks.stock_forecasting.notes import describe, show
from seqbench_tasks.stock_forecasting.panel import read_panel
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries
from seqbench_tasks.stock_forecasting.task import prepare


def prices(count: int, seed: int = 0, deviation: float = 0.01) -> Any:
    """A random walk of log-prices, `float64[count]`."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, deviation, count)))


def written(path: Path, days: Any, price: Any, form: str | None = None, **columns: Any) -> Path:
    """A file of these prices, in this order, with dates in that form."""
    table = pd.DataFrame({"Date": pd.DatetimeIndex(days), **columns, "Close": price})
    table.to_csv(path, index=False, date_format=form)
    return path


def prepared(path: Path, **params: Any) -> TaskData:
    """The task's data of a file or folder."""
    return prepare(str(path), StockParams(**params), path.parent)


def iso(days: Any) -> list[str]:
    """Dates as the series names them."""
    return [f"{day:%Y-%m-%d}" for day in days]


def read(path: Path, **params: Any) -> PriceSeries:
    """The one series of a file."""
    (series,) = read_panel(str(path), StockParams(**params))
    return series


class TestCenturies:
    """Years of two digits."""

    @pytest.mark.parametrize(
        ("first", "last"),
        [("1950", "1954"), ("1965", "1970"), ("1968", "1972"), ("1928", "1932"), ("1995", "2004"), ("1920", "1931")],
    )
    @pytest.mark.parametrize("form", ["%m/%d/%y", "%d-%b-%y", "%y-%m-%d"])
    @pytest.mark.parametrize("is_newest_first", [False, True])
    def test_order_of_the_file(
        self, tmp_path: Path, first: str, last: str, form: str, *, is_newest_first: bool
    ) -> None:
        """Days of these years are read as they were, though 1920 alone could be 2020, in files of either order."""
        days = pd.bdate_range(first, last)
        order = slice(None, None, -1 if is_newest_first else 1)
        path = written(tmp_path / "prices.csv", days[order], prices(len(days))[order], form)

        assert iso(days) == read(path).day_names().tolist()

    def test_mistyped_year(self, tmp_path: Path) -> None:
        """A last row dated 50 by mistake, whatever is made of it, leaves 2015 to 2018 where they are."""
        days = pd.bdate_range("2015", "2018")
        path = written(tmp_path / "prices.csv", [*days, pd.Timestamp("2050-01-05")], prices(len(days) + 1), "%d-%b-%y")

        assert iso(days) == [day for day in read(path).day_names().tolist() if day != "1950-01-05"]

    def test_longer_than_a_century(self, tmp_path: Path) -> None:
        """An ascending file from 1915 to 2020 has each of its years, 15 to 20 twice."""
        days = pd.date_range("1915", "2020", freq="MS")
        path = written(tmp_path / "prices.csv", days, prices(len(days)), "%d-%b-%y")

        assert iso(days) == read(path).day_names().tolist()

    def test_no_order(self, tmp_path: Path) -> None:
        """In a file without order no date is after today."""
        days = pd.bdate_range("1965", "1972")
        order = np.random.default_rng(0).permutation(len(days))
        path = written(tmp_path / "prices.csv", days[order], prices(len(days))[order], "%d-%b-%y")

        assert iso(days) == read(path).day_names().tolist()

    def test_months_tell_the_format(self, tmp_path: Path) -> None:
        """The first of each month over the pivot of strptime runs one way only as month first, and is read so."""
        days = pd.date_range("1960", "1975", freq="MS")
        path = written(tmp_path / "prices.csv", days, prices(len(days)), "%m/%d/%y")

        assert iso(days) == read(path).day_names().tolist()

    def test_given_format(self, tmp_path: Path) -> None:
        """A date_format with two digits of the year is read in the same way."""
        days = pd.bdate_range("1965", "1970")
        path = written(tmp_path / "prices.csv", days, prices(len(days)), "%d %m %y")

        assert iso(days) == read(path, date_format="%d %m %y").day_names().tolist()

    def test_tickers_one_after_another(self, tmp_path: Path) -> None:
        """Each ticker of one file has its own order."""
        parts = {"A": pd.bdate_range("1920", "1931"), "B": pd.bdate_range("1965", "2001")}
        path = tmp_path / "prices.csv"
        tables = [
            pd.DataFrame({"Date": days.strftime("%d-%b-%y"), "Ticker": name, "Close": prices(len(days))})
            for name, days in parts.items()
        ]
        pd.concat(tables).to_csv(path, index=False)
        for series in read_panel(str(path), StockParams(ticker="all")):
            assert iso(parts[series.name]) == series.day_names().tolist()

    def test_test_days_are_the_last(self, tmp_path: Path) -> None:
        """The test split is of the last years, and the notes say which years were read, and only where in doubt."""
        days = pd.bdate_range("1965", "1972")
        data = prepared(written(tmp_path / "old.csv", days, prices(len(days)), "%d-%b-%y"))
        usual = prepared(written(tmp_path / "new.csv", days + pd.Timedelta(days=14_000), prices(len(days)), "%d-%b-%y"))

        assert "1971-12-31" == data.notes["date_ranges"]["test"][1]
        assert ["the years of two digits in old.csv are read as 1965 to 1971, so that no row is dated after today"] == (
            data.notes["warnings"]
        )
        assert [] == usual.notes["warnings"]

    def test_dates_to_come(self, tmp_path: Path) -> None:
        """Rows dated after today are counted in a warning; those of today are none."""
        today = datetime.now(tz=UTC).replace(tzinfo=None)
        for after, count in ((400, 285), (0, 0)):
            days = pd.bdate_range(end=today + timedelta(days=after), periods=700)
            data = prepared(written(tmp_path / "prices.csv", days, prices(700), "%Y-%m-%d"))
            expected = int(np.sum(days > pd.Timestamp(today + timedelta(days=1)))) if count else 0

            assert [f"{expected} rows of prices.csv are dated after today"] * bool(count) == [
                sentence.partition(",")[0] for sentence in data.notes["warnings"]
            ]


class TestSplits:
    """Moves of the price as of a split."""

    DAYS = pd.bdate_range("2015", periods=800)

    def warnings(self, folder: Path, price: Any, **columns: Any) -> Sequence[str]:
        """What the notes warn of."""
        warnings: list[str] = prepared(written(folder / "x.csv", self.DAYS, price, **columns)).notes["warnings"]
        return warnings

    @pytest.mark.parametrize(("factor", "said"), [(1 / 4, "4:1"), (1 / 2, "2:1"), (1 / 20, "20:1"), (10.0, "1:10")])
    def test_named(self, tmp_path: Path, factor: float, said: str) -> None:
        """The first day of a split is named with its ratio and what to do, a second one counted."""
        price = prices(800)
        price[400:] *= factor
        (once,) = self.warnings(tmp_path, price)
        price[600:] *= factor
        (twice,) = self.warnings(tmp_path, price)

        assert f"on {self.DAYS[400]:%Y-%m-%d}, as in a {said} split: if it is one, use the adjusted close" in once
        assert f"on {self.DAYS[400]:%Y-%m-%d}, and on 1 more, as in a {said} split" in twice

    def test_adjusted(self, tmp_path: Path) -> None:
        """With the adjusted close in use there is nothing to warn of."""
        price = prices(800)
        path = written(
            tmp_path / "x.csv", self.DAYS, np.where(np.arange(800) < 400, 4, 1) * price, **{"Adj Close": price}
        )

        assert [] == prepared(path, price="adj_close").notes["warnings"]
        assert 1 == len(prepared(path).notes["warnings"])

    def test_no_splits(self, tmp_path: Path) -> None:
        """A crash by 37 %, a rise by 116 % as the VIX once had, and an interest rate that doubles often are none."""
        for factor in (0.63, 2.156):
            assert [] == self.warnings(tmp_path, prices(800) * np.where(np.arange(800) < 400, 1, factor))
        assert [] == self.warnings(tmp_path, np.random.default_rng(0).choice([0.01, 0.02, 0.03], 800))

    def test_panel(self, tmp_path: Path) -> None:
        """Of many series with a split each, three are named and the rest counted."""
        price = prices(800)
        price[400:] /= 2
        (tmp_path / "all").mkdir()
        for name in "ABCDE":
            written(tmp_path / "all" / f"{name}.csv", self.DAYS, price)
        warnings = prepared(tmp_path / "all").notes["warnings"]

        assert ["A.csv", "B.csv", "C.csv"] == [sentence.split()[3] for sentence in warnings]
        assert warnings[-1].endswith("(and so in 2 more series)")


class TestUnits:
    """What a row is called."""

    @pytest.mark.parametrize(
        ("step", "said"),
        [("B", "trading days"), ("D", "days"), ("W", "weeks"), ("MS", "months"), ("h", "hours"), ("8h", "rows")],
    )
    def test_by_the_step(self, tmp_path: Path, step: str, said: str) -> None:
        """The description and an example speak of what the usual step between rows is."""
        days = pd.date_range("1975", periods=500, freq=step)
        data = prepared(written(tmp_path / "x.csv", days, prices(500), "%Y-%m-%d %H:%M:%S"))

        assert f"x: 500 {said} from 500 read" in describe(data)
        assert show(data, data.test, 0).startswith(f"window of 30 {said} ")

    def test_panel(self, tmp_path: Path) -> None:
        """The rows of a panel are counted as rows: it has fewer trading days."""
        (tmp_path / "all").mkdir()
        for seed, name in enumerate("AB"):
            written(tmp_path / "all" / f"{name}.csv", pd.bdate_range("2015", periods=500), prices(500, seed))

        assert "cut at common dates: 1000 rows of 2 series" in describe(prepared(tmp_path / "all"))
