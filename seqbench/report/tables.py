"""Boards as tables of a page: what stands in each field, and by what it sorts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from seqbench.board import COSTS, Board, Row
from seqbench.report.intervals import glyph
from seqbench.report.names import base_name, cut, settings
from seqbench.report.tradeoffs import cost_of

NAME_CHARACTERS, SETTINGS_CHARACTERS = 100, 400
"""Of a label; a longer one is cut, and whole where a pointer rests on it."""
DASH = "\N{EN DASH}"
CLOCKED = ("train_seconds", "examples_per_second", "latency_p50_ms", "batch_latency_p50_ms", "peak_memory_bytes")
"""Costs that what runs beside a cell can change."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that sorts. about: what it holds, for those who point at it."""

    label: str
    about: str = ""
    is_number: bool = True
    is_glyph: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a table. value: what it sorts by, empty for last. aside: smaller text behind. mark: `*`, say.

    said: what only a screen reader says.
    """

    text: str
    value: str = ""
    aside: str = ""
    mark: str = ""
    css: str = ""
    said: str = ""
    svg: Markup = field(default_factory=Markup)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a board. badges: marks in words; fields: what stands behind the name."""

    model: str
    name: str
    settings: str
    short: str
    is_baseline: bool
    is_first: bool
    rank: Field
    badges: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class BoardTable:
    """A board as a table. columns: all but rank and model, which every board has."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[str, ...]


def si(value: float) -> str:
    """A large number with its prefix: 3.64 M."""
    for bound, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= bound:
            return f"{value / bound:.3g} {suffix}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """Three digits, but no more than two decimals from one on; what is too short to matter is `< 0.01`."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 1:
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:.3f}" if value >= 0.001 else ("0" if value == 0 else "<0.001")


@dataclass(frozen=True, slots=True)
class CostColumn:
    """A cost of a board. beside: another one that stands small behind it, its 95th percentile."""

    name: str
    column: Column
    text: Callable[[float], str]
    beside: str = ""


COST_COLUMNS = (
    CostColumn("parameters", Column("params", "trainable parameters"), lambda value: f"{value:,.0f}"),
    CostColumn("macs", Column("MACs", "multiply-accumulates of one forward pass of one example"), si),
    CostColumn("train_seconds", Column("train s", "mean seconds of training"), seconds),
    CostColumn("examples_per_second", Column("ex/s", "training examples per second"), lambda value: f"{value:,.0f}"),
    CostColumn(
        "latency_p50_ms",
        Column("ms", "milliseconds for one example: the median, and small the 95th percentile"),
        seconds,
        "latency_p95_ms",
    ),
    CostColumn(
        "batch_latency_p50_ms",
        Column("batch ms", "milliseconds for a batch: the median, and small the 95th percentile"),
        seconds,
        "batch_latency_p95_ms",
    ),
    CostColumn("peak_memory_bytes", Column("MiB", "peak memory, MiB"), lambda value: f"{value:,.0f}"),
)


def board_table(board: Board, names: Mapping[str, str]) -> BoardTable:
    """A board with the costs that any of its rows has. names: by label, the short name."""
    costs = [entry for entry in COST_COLUMNS if any(cost_of(row, entry.name) is not None for row in board.rows)]
    decimals = decimals_of(board)
    columns = (
        Column(board.metric, f"mean over seeds, {'higher' if board.higher_is_better else 'lower'} is better"),
        Column("95 % interval", "of the mean, by hierarchical bootstrap over seeds and test examples"),
        Column("", "the interval drawn", is_glyph=True),
        Column("ties", "rows that share a letter are not told apart", is_number=False),
        Column("seeds", "that ended well"),
        *(entry.column for entry in costs),
    )
    lines = tuple(_line(row, board, names, decimals, costs) for row in board.rows)
    return BoardTable(columns, lines, _footnotes(board, costs))


def decimals_of(board: Board) -> int:
    """How many decimals tell a board's scores apart: four digits of the smallest."""
    sizes = [abs(row.mean) for row in board.rows if row.mean and math.isfinite(row.mean)]
    return min(6, max(0, 3 - math.floor(math.log10(min(sizes))))) if sizes else 4


def _line(row: Row, board: Board, names: Mapping[str, str], decimals: int, costs: Sequence[CostColumn]) -> Line:
    return Line(
        model=row.model,
        name=cut(base_name(row.model), NAME_CHARACTERS),
        settings=cut(settings(row.model), SETTINGS_CHARACTERS),
        short=names.get(row.model, row.model),
        is_baseline=row.is_baseline,
        is_first=row.rank == 1,
        rank=_rank(row),
        badges=badges(row, board),
        fields=(
            _number(row.mean, f"{row.mean:.{decimals}f}" if row.mean is not None else DASH),
            _interval(row, decimals),
            Field("", "" if row.mean is None else repr(row.mean), svg=glyph(row, board)),
            Field(row.letters, row.letters),
            _number(float(len(row.seeds)), str(len(row.seeds))),
            *(_cost(row, entry) for entry in costs),
        ),
    )


def badges(row: Row, board: Board) -> tuple[str, ...]:
    """What a row's numbers do not say, in words."""
    found = ["baseline"] if row.is_baseline else []
    if row.beats_best_baseline is False:
        bar = board.best_baseline
        is_ahead = bar is not None and (row.position or 0) < (bar.position or 0)
        found.append("not told apart from the best baseline" if is_ahead else "not better than the best baseline")
    found += [f"{count} {status}" for status, count in row.statuses.items() if status != "ok"]
    return tuple(found)


def _rank(row: Row) -> Field:
    if row.rank is None:
        return Field(DASH, "", said="no result")
    spread = ""
    if row.rank_low is not None and row.rank_high is not None and row.rank_low != row.rank_high:
        spread = f"{row.rank_low}{DASH}{row.rank_high}"
    return Field(str(row.rank), str(row.position or row.rank), spread)


def _interval(row: Row, decimals: int) -> Field:
    if row.ci_low is None or row.ci_high is None:
        return Field("")
    return Field(f"{row.ci_low:.{decimals}f} {DASH} {row.ci_high:.{decimals}f}", repr(row.ci_low), css="quiet")


def _number(value: float | None, text: str, aside: str = "", css: str = "") -> Field:
    return Field(text, "" if value is None else repr(value), aside, css=css)


def _cost(row: Row, entry: CostColumn) -> Field:
    value = cost_of(row, entry.name)
    if value is None:
        return Field("")
    spread, beside = row.cost_spread.get(entry.name), cost_of(row, entry.beside) if entry.beside else None
    unit = value / getattr(row, entry.name) if getattr(row, entry.name) else 1.0
    asides = [] if spread is None else [f"± {entry.text(spread * unit)}"]
    asides += [] if beside is None else [entry.text(beside)]
    on_front = entry.name in row.pareto
    return Field(
        entry.text(value),
        repr(value),
        aside=" · ".join(asides),
        mark="*" if row.alone is False and entry.name in CLOCKED else "",
        css="front" if on_front else "",
        said="on the Pareto front" if on_front else "",
    )


def _footnotes(board: Board, costs: Sequence[CostColumn]) -> tuple[str, ...]:
    found = []
    if any(row.rank_low != row.rank_high for row in board.rows):
        found.append("Small figures beside a rank: between which ranks the row may lie (95 %, for all rows together).")
    if any(name in row.pareto for row in board.rows for name in COSTS):
        found.append("Bold costs: no other row has a better score at no more of this cost (Pareto front).")
    batches = sorted({row.batch_size for row in board.rows if row.batch_size})
    if batches and any(entry.name == "batch_latency_p50_ms" for entry in costs):
        found.append(f"Batch ms: of {' or '.join(map(str, batches))} test examples.")
    if costs and any(row.alone is False for row in board.rows):
        found.append(
            "* measured while other cells ran on the same machine; seqbench measure takes these costs again, alone."
        )
    return tuple(found)


def metrics_table(board: Board) -> tuple[tuple[Column, ...], tuple[tuple[Row, tuple[Field, ...]], ...]]:
    """Every metric's mean by row; columns in alphabetical order, the primary one first."""
    rows = [row for row in board.rows if row.metrics]
    every = sorted({name for row in rows for name in row.metrics}, key=lambda name: (name != board.metric, name))
    fields = tuple(
        (row, tuple(_number(value, "" if value is None else f"{value:.4g}") for value in map(row.metrics.get, every)))
        for row in rows
    )
    return tuple(Column(name) for name in every), fields
