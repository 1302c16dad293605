"""Panels: several series in one data set, cut at common dates, each with its own scaler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench import DataError, TaskData
from seqbench_tasks.stock_forecasting.metrics import closes_from_outputs
from seqbench_tasks.stock_forecasting.panel import read_panel
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.task import SPEC

DAYS = np.arange("2020-01-01", "2021-12-31", dtype="datetime64[D]")[:600]
SPLITS = ("train", "validation", "test")


def walk(seed: int, start: float = 100.0) -> list[str]:
    """Prices of a random walk, as text."""
    steps = np.random.default_rng(seed).normal(0, 0.01, len(DAYS))
    return [f"{price:.4f}" for price in start * np.exp(np.cumsum(steps))]


def long_file(path: Path, first: dict[str, int]) -> Path:
    """A row per day and ticker; first: the number of each ticker's first day."""
    rows = [
        f"{day},{price},{name}"
        for seed, (name, begin) in enumerate(first.items())
        for day, price in list(zip(DAYS, walk(seed, 10.0 * 10**seed), strict=True))[begin:]
    ]
    path.write_text("\n".join(["date,close,Name", *rows]) + "\n")
    return path


def prepared(source: Path | str, **params: Any) -> TaskData:
    """What the task prepares."""
    return SPEC.prepare(str(source), StockParams(**params), Path())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of one series each."""
    inside = tmp_path / "data"
    inside.mkdir()
    for seed, name in enumerate(("AAPL", "BRK.B", "MSFT")):
        rows = (f"{day},{price}" for day, price in zip(DAYS, walk(seed, 10.0 * 10**seed), strict=True))
        (inside / f"{name}_2020_daily.csv").write_text("\n".join(["Date,Close", *rows]))
    (inside / "readme.txt").write_text("no prices")
    return inside


class TestSources:
    """Where the series of a panel come from."""

    def test_folder_and_pattern(self, folder: Path) -> None:
        """A folder and a glob pattern give a series per file, named by what tells the files apart."""
        for source in (str(folder), f"{folder}/*.csv"):
            assert ["AAPL", "BRK.B", "MSFT"] == [item.name for item in read_panel(source, StockParams())]

    def test_links(self, folder: Path, tmp_path: Path) -> None:
        """Files are found behind links to folders, as on a shared disk, and a link in a circle does no harm."""
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked" / "more").symlink_to(folder)
        (folder / "back").symlink_to(tmp_path / "linked")

        assert ["AAPL", "BRK.B", "MSFT"] == [item.name for item in read_panel(f"{tmp_path}/linked", StockParams())]

    def test_some_tickers_of_a_folder(self, folder: Path) -> None:
        """`ticker` chooses files by their names; one that no file has is an error that lists what there is."""
        chosen = read_panel(str(folder), StockParams(ticker="msft,brk.b"))

        assert ["BRK.B", "MSFT"] == [item.name for item in chosen]
        with pytest.raises(DataError, match=r"has ticker 'IBM': choose of AAPL, BRK.B, MSFT"):
            read_panel(str(folder), StockParams(ticker="IBM"))

    @pytest.mark.parametrize("ticker", ["all", "B,A,C", ["A", "B", "C"]])
    def test_long_file(self, tmp_path: Path, ticker: Any) -> None:
        """All tickers of a long file, or a list of them, are a panel in the order of their names."""
        path = long_file(tmp_path / "long.csv", {"A": 0, "B": 0, "C": 0})

        assert ["A", "B", "C"] == [item.name for item in read_panel(str(path), StockParams(ticker=ticker))]
        with pytest.raises(DataError, match=r"holds 3 tickers \(A, B, C\).*all with ticker=all"):
            read_panel(str(path), StockParams())

    def test_wide_file(self, tmp_path: Path) -> None:
        """Columns of a wide file, some or all, are a panel; without a choice the error says how to make one."""
        path = tmp_path / "wide.csv"
        rows = (f"{a},{b},{day}" for a, b, day in zip(walk(0), walk(1), DAYS, strict=True))
        path.write_text("\n".join(["AAPL,600519,Date", *rows]))
        for params in (StockParams(column="all"), StockParams(column="AAPL,600519"), StockParams(ticker="600519,AAPL")):
            assert ["600519", "AAPL"] == [item.name for item in read_panel(str(path), params)]
        assert 1 == len(read_panel(str(path), StockParams(ticker=600519)))  # type: ignore[arg-type]
        with pytest.raises(DataError, match=r"columns are AAPL, 600519, Date: .* column=AAPL,600519, or all with colu"):
            read_panel(str(path), StockParams())

    def test_one_ticker_in_several_files(self, tmp_path: Path) -> None:
        """Rows of one ticker in several files, by year say, are one series; where they contradict is an error."""
        rows = [f"{day},{price},X" for day, price in zip(DAYS, walk(0), strict=True)]
        for name, part in (("a.csv", rows[:300]), ("b.csv", rows[299:])):
            (tmp_path / name).write_text("\n".join(["date,close,ticker", *part]))
        (series,) = read_panel(str(tmp_path), StockParams())

        assert (600, "X") == (len(series), series.name)
        assert (f"b.csv, {DAYS[299]}: repeats the day and price of a.csv",) == series.dropped
        (tmp_path / "c.csv").write_text(f"date,close,ticker\n{DAYS[5]},1,X\n")
        with pytest.raises(DataError, match="different prices on 2020-01-06"):
            read_panel(str(tmp_path), StockParams())

    def test_ticker_of_a_file_without(self, folder: Path) -> None:
        """A ticker that is part of a lone file's name is that file's; another is an error."""
        path = str(folder / "AAPL_2020_daily.csv")

        assert "AAPL" == read_panel(path, StockParams(ticker="AAPL"))[0].name
        with pytest.raises(DataError, match="no ticker column and no close column of ticker 'IBM': leave ticker out"):
            read_panel(path, StockParams(ticker="IBM"))

    def test_empty_folder(self, tmp_path: Path) -> None:
        """A folder without files of prices is said to be one."""
        with pytest.raises(DataError, match="holds no CSV files"):
            read_panel(str(tmp_path), StockParams())


class TestWindows:
    """Windows of a panel."""

    @pytest.mark.parametrize("params", [{}, {"horizon": 4}, {"split_dates": ["2021-01-01", "2021-05-01"]}])
    def test_common_cut(self, tmp_path: Path, params: dict[str, Any]) -> None:
        """No day that any series trains on comes after one that any other is tested on, though one began later."""
        data = prepared(long_file(tmp_path / "long.csv", {"A": 0, "B": 250}), ticker="all", **params)
        dates = [getattr(data, name).extras["date"] for name in SPLITS]

        assert max(dates[0]) < min(dates[1]) <= max(dates[1]) < min(dates[2])
        assert data.test.ids[0].startswith("A 2021-0")

    def test_windows_do_not_cross_series(self, folder: Path) -> None:
        """Each window and target of a panel is that of its series prepared alone, up to the scaler of its own."""
        panel, alone = prepared(folder), prepared(folder / "MSFT_2020_daily.csv")
        for name in SPLITS:
            whole, one = getattr(panel, name), getattr(alone, name)
            places = np.flatnonzero(whole.extras["series"] == "MSFT")
            assert [f"MSFT {day}" for day in one.ids] == whole.ids[places].tolist()
            for index in (0, 7, len(one) - 1):
                np.testing.assert_array_equal(one.example(index), whole.example(int(places[index])))
            np.testing.assert_array_equal(one.targets, whole.targets[places])
        assert panel.notes["scaler"]["series"]["MSFT"]["target"] == alone.notes["scaler"]["target"]

    def test_ids_are_unique(self, folder: Path) -> None:
        """No example has the id of another, though all series have the same days."""
        data = prepared(folder)
        ids = [name for split in SPLITS for name in getattr(data, split).ids.tolist()]

        assert len(ids) == len(set(ids))

    def test_short_series(self, tmp_path: Path) -> None:
        """A series too short for a split is an error that names it; one of forty is left out and told."""
        two = long_file(tmp_path / "two.csv", {"A": 0, "B": 400})
        with pytest.raises(DataError, match=r"'B' of .* 200 usable rows, of which 20 are train, .*1 of 2 series"):
            prepared(two, ticker="all")
        many = long_file(tmp_path / "many.csv", {**{f"S{n % 10}{n // 10}": 0 for n in range(3)}, "Z": 400})
        text = many.read_text()
        rows = [line for line in text.splitlines() if line.endswith(",S00")]
        more = [line.replace(",S00", f",T{number}") for number in range(36) for line in rows]
        many.write_text(text + "\n".join(more) + "\n")
        data = prepared(many, ticker="all")

        assert "Z" not in data.test.extras["series"]
        assert "'Z' of" in data.notes["warnings"][0]
        with pytest.raises(DataError, match="'Z' of"):
            prepared(many, ticker="all", strict=True)

    def test_facts(self, folder: Path) -> None:
        """Description and examples name the series, and what was dropped names file and line."""
        path = folder / "AAPL_2020_daily.csv"
        path.write_text(path.read_text() + "\nsoon,5\n")
        data = prepared(folder)
        assert SPEC.describe is not None
        assert SPEC.show is not None

        assert "A panel of 3 series (AAPL, BRK.B, MSFT), cut at common dates" in SPEC.describe(data)
        assert ["AAPL_2020_daily.csv, line 602, column 'Date': 'soon' is no date"] == data.notes["dropped"]
        assert SPEC.show(data, data.test, 0).startswith("AAPL, window of 30 days 2021-04-25 to 2021-05-24; last close ")


class TestScores:
    """Metrics and baselines over several series."""

    def test_mean_over_series(self, folder: Path) -> None:
        """Errors are scored series by series and averaged, so that a high price does not outweigh a low one."""
        panel = prepared(folder)
        outputs = SPEC.baselines["moving_average"](panel.train, panel.validation, panel.output)(panel.test)
        apart = []
        for name in ("AAPL", "BRK.B", "MSFT"):
            rows = panel.test.extras["series"] == name
            error = np.abs(closes_from_outputs(outputs, panel.test) - panel.test.extras["actual"])[rows]
            naive = np.abs(panel.test.extras["last_close"][:, None] - panel.test.extras["actual"])[rows]
            apart.append(error.mean() / naive.mean())

        assert pytest.approx(np.mean(apart)) == SPEC.metrics["mase"](outputs, panel.test)

    @pytest.mark.parametrize("params", [{}, {"horizon": 3, "target": "close"}, {"splits": [0.7, 0.0, 0.3]}])
    def test_baselines(self, folder: Path, params: dict[str, Any]) -> None:
        """Every baseline and metric works on a panel: naive is 1, and no other leaks."""
        data = prepared(folder, **params)
        for name, baseline in SPEC.baselines.items():
            outputs = baseline(data.train, data.validation, data.output)(data.test)
            scores = {metric: function(outputs, data.test) for metric, function in SPEC.metrics.items()}
            assert all(np.isfinite(list(scores.values())))
            assert scores["mase"] > 0.95
            if name == "naive":
                assert pytest.approx(1.0) == scores["mase"]
                assert (0.0, 1.0, 1.0) == (scores["dm_statistic"], scores["dm_p_value"], scores["lag_copy"])

    def test_predictions_name_the_series(self, folder: Path) -> None:
        """Stored predictions of a panel say which series each row is of."""
        assert SPEC.predictions is not None
        data = prepared(folder)
        columns = SPEC.predictions(np.zeros((len(data.test), 1)), data.test)

        assert {"AAPL", "BRK.B", "MSFT"} == set(columns["series"].tolist())


class TestRealFiles:
    """Panels of real prices."""

    def test_yahoo_files(self, real_data: Path) -> None:
        """Three files by a pattern are AAPL, GOOG and MSFT, and naive cannot be beaten by much."""
        data = prepared(f"{real_data}/stocks/*_yahoo.csv")
        outputs = SPEC.baselines["ridge"](data.train, data.validation, data.output)(data.test)

        assert "AAPL, GOOG, MSFT" == data.notes["series"]
        assert 567 == len(data.test)
        assert 0.95 < SPEC.metrics["mase"](outputs, data.test) < 1.05
