"""Reading prices: which clock the rows are on, where their cells say how far it is from UTC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seqbench import DataError
from seqbench_tasks.stock_forecasting.panel import read_panel
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.reader import PriceSeries

NEW_YORK = "America/New_York"
HOURS = pd.date_range("2023-11-03", periods=72, freq="h", tz=NEW_YORK)
"""Three days, in the second night of which New York has the hour after 1:00 twice."""
ABBREVIATED = "%Y-%m-%d %H:%M:%S %Z"


def frame(days: Any, **columns: Any) -> pd.DataFrame:
    """A price for each time."""
    return pd.DataFrame({"Datetime": days, **columns, "Close": np.arange(len(days)) + 100.0})


def read(path: Path, table: pd.DataFrame, *, form: str | None = None, **params: Any) -> tuple[PriceSeries, ...]:
    """The frame as pandas writes it, read."""
    table.to_csv(path / "prices.csv", index=False, date_format=form)
    return read_panel(str(path / "prices.csv"), StockParams(**params))


def utc(days: Any) -> list[str]:
    """The times in UTC."""
    return [f"{day:%Y-%m-%dT%H:%M:%S}" for day in days.tz_convert("UTC")]


class TestHours:
    """Several rows a day."""

    @pytest.mark.parametrize("form", [None, ABBREVIATED, "%Y-%m-%d %I:%M:%S %p %z"])
    def test_end_of_summer(self, tmp_path: Path, form: str | None) -> None:
        """The hour that comes twice on the wall clock is two hours of UTC, whatever the offsets are written as."""
        (series,) = read(tmp_path, frame(HOURS), form=form)

        assert utc(HOURS) == series.day_names().tolist()
        assert (100 + np.arange(72.0)).tolist() == series.price.tolist()

    def test_offsets_of_databases(self, tmp_path: Path) -> None:
        """PostgreSQL writes whole hours without minutes, -04 and -05."""
        table = frame([f"{hour:%Y-%m-%d %H:%M:%S%z}".removesuffix("00") for hour in HOURS])

        assert utc(HOURS) == read(tmp_path, table)[0].day_names().tolist()

    def test_given_format(self, tmp_path: Path) -> None:
        """A date_format with the offset in it gives the same times."""
        (series,) = read(tmp_path, frame(HOURS), form="%d.%m.%Y %H:%M %z", date_format="%d.%m.%Y %H:%M %z")

        assert utc(HOURS) == series.day_names().tolist()

    def test_one_offset(self, tmp_path: Path) -> None:
        """With the same offset in every row the clock of the exchange is kept."""
        (series,) = read(tmp_path, frame(HOURS[:24]))

        assert ("2023-11-03T00:00:00", "2023-11-03T23:00:00") == tuple(series.day_names()[[0, -1]])

    def test_files_by_month(self, tmp_path: Path) -> None:
        """Files of summer and of winter, each with one offset, are joined on one clock, too."""
        autumn = pd.date_range("2023-11-04 12:00", periods=36, freq="h", tz=NEW_YORK)
        for name, part in (("a", autumn[:14]), ("b", autumn[14:])):
            frame(part, Ticker="X").to_csv(tmp_path / f"{name}.csv", index=False)
        (series,) = read_panel(str(tmp_path), StockParams())

        assert utc(autumn) == series.day_names().tolist()

    def test_twice_in_utc(self, tmp_path: Path) -> None:
        """Two prices of one time are still an error."""
        table = pd.concat([frame(HOURS), pd.DataFrame({"Datetime": HOURS[9:10], "Close": [7.0]})])
        with pytest.raises(DataError, match=r"lines 11 and 74, column 'Close': .* comes twice, with 109 and 7"):
            read(tmp_path, table)


class TestDays:
    """One row a day."""

    @pytest.mark.parametrize("zone", [NEW_YORK, "Europe/Berlin", "Asia/Tokyo"])
    @pytest.mark.parametrize("hour", [0, 16, 23])
    def test_dates_of_the_exchange(self, tmp_path: Path, zone: str, hour: int) -> None:
        """A row a day keeps its date, though its offset changes with the season and UTC is on another day."""
        days = pd.bdate_range("2023-03-01", "2023-11-30")
        (series,) = read(tmp_path, frame((days + pd.Timedelta(hours=hour)).tz_localize(zone)))

        assert days.strftime("%Y-%m-%d").tolist() == series.day_names().tolist()

    def test_last_row_in_session(self, tmp_path: Path) -> None:
        """Nor does a last row of another time, as a download in the session has, move the dates of all others."""
        days = pd.bdate_range("2023-03-01", "2023-11-30").tz_localize("Europe/Berlin")
        (series,) = read(tmp_path, frame(days[:-1].append(days[-1:] + pd.Timedelta(hours=15))))

        assert days.strftime("%Y-%m-%d").tolist() == series.day_names().tolist()

    def test_exchanges_in_one_file(self, tmp_path: Path) -> None:
        """Tickers of several exchanges have the dates of their own each."""
        days = pd.bdate_range("2023-03-01", "2023-11-30")
        zones = {"A": "Asia/Tokyo", "B": NEW_YORK}
        table = pd.concat([frame(days.tz_localize(zone).astype(str), Ticker=name) for name, zone in zones.items()])
        for series in read(tmp_path, table, ticker="all"):
            assert days.strftime("%Y-%m-%d").tolist() == series.day_names().tolist()

    def test_no_date_in_the_year_one(self, tmp_path: Path) -> None:
        """The first day there is, which some databases write for none, is read though UTC has no such day."""
        days = [f"{day}+02:00" for day in ("0001-01-01 00:00:00", "2023-03-01 00:00:00", "2023-03-02 00:00:00")]

        assert 3 == len(read(tmp_path, frame(days))[0])
