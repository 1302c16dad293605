"""What is strange about a series that can be used all the same, in sentences: for the notes' warnings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqbench_tasks.stock_forecasting.centuries import tomorrow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench_tasks.stock_forecasting.reader import PriceSeries

SPLIT_RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)
"""Shares for one, in the splits, and reverse splits, that companies do."""
SPLIT_TOLERANCE = 0.05
"""What the price may move beside the split, on the same day."""
SPLIT_DEVIATIONS = 8.0
"""A split stands out: it is this many standard deviations of the log-returns of all other days."""
MOST_SPLITS = 12
"""More such moves in one series are its nature: that of an interest rate near zero, say."""
LISTED_WARNINGS = 3
"""How many series of a panel are named for one kind of oddity."""


def oddities(panel: Iterable[PriceSeries]) -> list[str]:
    """Years of two digits put in another century, dates after today, and moves as of a split; a few of each kind."""
    series = list(panel)
    kinds = (
        [sentence for one in series for sentence in one.warnings],
        [sentence for one in series if (sentence := _future(one))],
        [sentence for one in series if (sentence := _split(one))],
    )
    return [sentence for kind in kinds for sentence in _some(list(dict.fromkeys(kind)))]


def _some(sentences: list[str]) -> list[str]:
    rest = len(sentences) - LISTED_WARNINGS
    if rest <= 0:
        return sentences
    return [*sentences[: LISTED_WARNINGS - 1], f"{sentences[LISTED_WARNINGS - 1]} (and so in {rest} more series)"]


def _who(series: PriceSeries) -> str:
    name = Path(series.path).name
    return f"'{series.name}' of {name}" if series.is_named else name


def _future(series: PriceSeries) -> str:
    count = int(np.count_nonzero(series.days >= np.datetime64(tomorrow(), "s") + np.timedelta64(1, "D")))
    if not count:
        return ""
    rows = f"{count} rows of {_who(series)} are" if count > 1 else f"a row of {_who(series)} is"
    return (
        f"{rows} dated after today, up to {series.day_names()[-1]}: no price of then can be known, so check the dates "
        "(date_format says how to read them)"
    )


def _split(series: PriceSeries) -> str:
    places = _split_places(series.price)
    if not len(places):
        return ""
    place = int(places[0])
    before, after = float(series.price[place - 1]), float(series.price[place])
    shares = _nearest_ratio(np.array([max(before / after, after / before)]))[0]
    ratio = f"{shares}:1" if after < before else f"1:{shares}"
    more = f", and on {len(places) - 1} more" if len(places) > 1 else ""
    return (
        f"the price of {_who(series)} ('{series.column}') goes from {before:g} to {after:g} on "
        f"{series.day_names()[place]}{more}, as in a {ratio} split: if it is one, use the adjusted close "
        "(price=adj_close), or prices adjusted for splits"
    )


def _split_places(price: NDArray[np.float64]) -> NDArray[np.int64]:
    """The days, `int64[n]`, whose price is that of the day before times or over a usual ratio of splits."""
    returns = np.diff(np.log(price), prepend=np.log(price[:1]))
    factors = np.exp(np.abs(returns))
    is_split = np.abs(factors / _nearest_ratio(factors) - 1) <= SPLIT_TOLERANCE
    is_split &= np.abs(returns) > SPLIT_DEVIATIONS * (np.std(returns[~is_split]) if not is_split.all() else 0.0)
    places = np.flatnonzero(is_split)
    return places if len(places) <= MOST_SPLITS else places[:0]


def _nearest_ratio(factors: NDArray[np.float64]) -> NDArray[np.int64]:
    ratios = np.array(SPLIT_RATIOS)
    nearest: NDArray[np.int64] = ratios[np.abs(np.log(factors)[:, None] - np.log(ratios)).argmin(axis=1)]
    return nearest
