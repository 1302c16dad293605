"""The pieces of the report's figures: scales, curves over seeds, short names, points and their labels."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_results import a_record, write_results
from seqbench.analysis import read_boards
from seqbench.board import Board
from seqbench.records import EpochRecord
from seqbench.report import intervals, tradeoffs
from seqbench.report.curves import Curve, Curves
from seqbench.report.matrices import pairwise
from seqbench.report.names import short_names
from seqbench.report.svg import Scale, evenly, scale, tick_text
from seqbench.report.tables import badges, board_table
from seqbench.store import Store


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A real board: two models that are close, one that is worse, a baseline."""
    (found,) = read_boards(Store(write_results(tmp_path_factory.mktemp("board"), ("words",))))
    return found


def test_ticks_are_round_and_within() -> None:
    """A scale's ticks are round numbers inside it, in plain or in powers of ten, and few."""
    assert [0.75, 0.8, 0.85, 0.9] == [round(tick, 9) for tick in Scale(0.74, 0.93, 0, 100).ticks()]
    assert [1, 10, 100, 1000] == Scale(0.5, 2000, 0, 100, is_log=True).ticks()
    assert [1, 2, 3] == Scale(1, 3, 0, 100).ticks(whole=True)


def test_costs_that_differ_much_get_a_logarithmic_scale() -> None:
    """From a factor of twenty on, costs lie on a logarithmic scale, where a zero stands at the left end."""
    assert not scale([10, 100], 0, 100, is_cost=True).is_log
    wide = scale([0.0, 1.0, 1000.0], 0, 100, is_cost=True)
    assert wide.is_log
    assert 0 == wide(0.0) < wide(1.0) < wide(1000.0) < 100


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=6), st.booleans())
def test_any_values_have_a_scale(values: list[float], is_cost: bool) -> None:
    """Whatever the values, none or not finite among them, the scale puts them between its ends."""
    axis = scale(values, 10, 90, is_cost=is_cost)
    assert all(10 <= axis(value) <= 90 for value in values if not math.isinf(value))


def test_tick_labels_tell_neighbours_apart() -> None:
    """A label has the decimals that it takes, and no more."""
    assert ["0.994", "0.996"] == [tick_text(tick, [0.994, 0.996]) for tick in (0.994, 0.996)]
    assert ["0.25", "0.50"] == [tick_text(tick, [0.25, 0.5]) for tick in (0.25, 0.5)]
    assert ["40k", "60k"] == [tick_text(tick, [40_000, 60_000]) for tick in (40_000, 60_000)]


def test_a_thinned_line_keeps_its_ends() -> None:
    """Of many points as many are kept as wanted, the first and the last among them."""
    kept = evenly(1000, 60)
    assert (0, 999, 60) == (kept[0], kept[-1], len(kept))
    assert [0, 1, 2] == evenly(3, 60)


def epochs(*metrics: float) -> tuple[EpochRecord, ...]:
    """A history with these validation metrics."""
    return tuple(EpochRecord(number, 1.0, None, metric, 1.0, 0.001, 1.0) for number, metric in enumerate(metrics, 1))


def test_a_curve_is_the_mean_and_range_of_the_seeds_that_got_that_far() -> None:
    """Mean, least and largest are by epoch over the seeds that reached it; `whole` is where the first one stopped."""
    curve = Curve.of([epochs(0.2, 0.4), epochs(0.4, 0.6, 0.8)], lambda epoch: epoch.validation_metric)
    assert curve
    assert (1, 2, 3) == curve.epochs
    assert (0.3, 0.5, 0.8) == tuple(round(value, 9) for value in curve.mean)
    assert ((0.2, 0.4, 0.8), (0.4, 0.6, 0.8), 2) == (curve.least, curve.largest, curve.whole)


def test_values_that_are_no_numbers_leave_a_curve() -> None:
    """NaN and infinity of a training that diverged are left out; without any value there is no curve."""
    curve = Curve.of([epochs(0.5, float("nan"), float("inf"))], lambda epoch: epoch.validation_metric)
    assert curve
    assert (1,) == curve.epochs
    assert Curve.of([epochs(0.5)], lambda epoch: epoch.validation_loss) is None
    assert Curves.of([replace(a_record("words", "majority", 0), history=())]) is None


def test_short_names_are_unique_and_short() -> None:
    """Long labels become the model's name and a letter, or their beginning; no two are the same."""
    labels = [f"gru[hidden_size={size},pooling=attention]" for size in range(40)] + ["gru", "x" * 90, "x" * 91]
    names = short_names(labels)
    assert ("gru (a)", "gru (b)", "gru") == (names[labels[0]], names[labels[1]], names["gru"])
    assert len(labels) == len(set(names.values()))
    assert max(map(len, names.values())) <= 30


def test_the_front_is_filled_and_every_point_is_there(board: Board) -> None:
    """A figure of quality against a cost has a mark per row with that cost; filled are those on the Pareto front."""
    names = {row.model: row.model for row in board.rows}
    figures = {figure.caption.split(";")[0]: figure for figure in tradeoffs.figures(board, names, "cost")}
    assert ["accuracy against parameters", "accuracy against multiply-accumulates per example"] == list(figures)[:2]
    drawn = figures["accuracy against training time, s"].svg
    assert len(board.rows) == len(re.findall('class="point', drawn))
    assert sum("train_seconds" in row.pareto for row in board.rows) == drawn.count('class="point on"')


def test_intervals_are_drawn_to_scale(board: Board) -> None:
    """In the figure of intervals, dots lie by the means: better is further right, and inside its interval."""
    figure = intervals.figure(board, {row.model: row.model for row in board.rows}, "x")
    assert figure
    root = ET.fromstring(figure.svg)  # noqa: S314 - our own markup
    dots = [float(item.get("cx", "0")) for item in root.iter("circle")]
    models = [row for row in board.rows if not row.is_baseline]
    assert dots == sorted(dots, reverse=True)
    assert len(models) == len(dots)
    assert "95 % interval" in (root.findtext("title") or "")


def test_the_matrix_has_two_sides(board: Board) -> None:
    """What is better seen from the row is worse seen from the column, by the same difference."""
    matrix = pairwise(board, {row.model: row.model for row in board.rows})
    assert matrix
    first, last = matrix.fields[0][-1], matrix.fields[-1][0]
    assert first
    assert last
    assert ("better", "worse") == (first.said, last.said)
    assert first.text.removeprefix("+") == last.text.removeprefix("\N{MINUS SIGN}")
    assert matrix.fields[0][0] is None


def test_being_ahead_of_a_baseline_by_chance_is_said_so(board: Board) -> None:
    """A row whose better mean may be chance says so; one with a worse mean says that it is not better."""
    first, last = (replace(row, beats_best_baseline=False) for row in (board.rows[0], board.rows[-2]))
    assert ("not told apart from the best baseline",) == badges(first, board)
    assert ("not better than the best baseline",) == badges(replace(last, position=9), board)


def test_a_board_says_what_each_row_is(board: Board, tmp_path: Path) -> None:
    """Rank and ties come from the board; a baseline is called one; a cost that no row has gets no column."""
    table = board_table(board, {row.model: row.model for row in board.rows})
    assert [row.letters for row in board.rows] == [line.fields[3].text for line in table.lines]
    assert [("baseline",) if row.is_baseline else () for row in board.rows] == [line.badges for line in table.lines]
    fields = dict(zip((column.label for column in table.columns), table.lines[0].fields, strict=True))
    latency = board.rows[0].latency_p95_ms
    assert latency
    assert (f"{latency:.2f}", "*") == (fields["ms"].aside, fields["ms"].mark)
    assert "Batch ms: of 64 test examples." in table.footnotes
    bare = replace(board, rows=tuple(replace(row, macs=None, latency_p50_ms=None) for row in board.rows))
    columns = {column.label for column in table.columns}
    assert {"MACs", "ms"} == columns - {column.label for column in board_table(bare, {}).columns}
