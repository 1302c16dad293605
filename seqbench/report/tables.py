"""Boards as tables of a page: what stands in each field, by what it sorts, and how pairs of rows compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from seqbench.board import COSTS, Board, Overall, Pair, Row
from seqbench.report.intervals import glyph
from seqbench.report.names import base_name, cut, settings
from seqbench.report.tradeoffs import cost_of

MOST_NAMES = 8
NAME_CHARACTERS, SETTINGS_CHARACTERS = 100, 400
"""Of a label; a longer one is cut, and whole where a pointer rests on it."""
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
MATRIX_ROWS = 14
"""Rows of a pairwise matrix, the best ones; more would fit no page."""
CLOCKED = ("train_seconds", "latency_p50_ms", "latency_p95_ms", "peak_memory_bytes", "examples_per_second")
"""Costs that what runs beside a cell can change."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that sorts. about: what it holds, for those who point at it."""

    label: str
    about: str = ""
    is_number: bool = True
    is_glyph: bool = False
    is_ascending: bool = False


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


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows against columns. fields[i][j]: how row i compares with column j; None where there is nothing to compare."""

    names: tuple[str, ...]
    fields: tuple[tuple[Field | None, ...], ...]
    left_out: int = 0


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


CostText = Callable[[float], str]
COST_COLUMNS: Sequence[tuple[str, Column, CostText]] = (
    ("parameters", Column("params", "trainable parameters"), lambda value: f"{value:,.0f}"),
    ("macs", Column("MACs", "multiply-accumulates of one forward pass of one example"), si),
    ("train_seconds", Column("train s", "mean seconds of training"), seconds),
    ("examples_per_second", Column("ex/s", "training examples per second"), lambda value: f"{value:,.0f}"),
    ("latency_p50_ms", Column("p50 ms", "median latency of one example, milliseconds"), seconds),
    ("latency_p95_ms", Column("p95 ms", "95th percentile of that latency, ms"), seconds),
    ("peak_memory_bytes", Column("MiB", "peak memory, MiB"), lambda value: f"{value:,.0f}"),
)


def board_table(board: Board, names: Mapping[str, str]) -> BoardTable:
    """A board with the costs that any of its rows has. names: by label, the short name."""
    costs = [entry for entry in COST_COLUMNS if any(cost_of(row, entry[0]) is not None for row in board.rows)]
    decimals = decimals_of(board)
    columns = (
        Column(board.metric, f"mean over seeds, {'higher' if board.higher_is_better else 'lower'} is better"),
        Column("95 % interval", "of the mean, by hierarchical bootstrap over seeds and test examples"),
        Column("", "the interval drawn", is_glyph=True),
        Column("ties", "rows that share a letter are not told apart", is_number=False),
        Column("seeds", "that ended well"),
        *(column for _, column, _ in costs),
    )
    lines = tuple(_line(row, board, names, decimals, costs) for row in board.rows)
    return BoardTable(columns, lines, _footnotes(board, costs))


def decimals_of(board: Board) -> int:
    """How many decimals tell a board's scores apart: four digits of the smallest."""
    sizes = [abs(row.mean) for row in board.rows if row.mean]
    return min(6, max(0, 3 - math.floor(math.log10(min(sizes))))) if sizes else 4


def _line(
    row: Row, board: Board, names: Mapping[str, str], decimals: int, costs: Sequence[tuple[str, Column, CostText]]
) -> Line:
    return Line(
        model=row.model,
        name=cut(base_name(row.model), NAME_CHARACTERS),
        settings=cut(settings(row.model), SETTINGS_CHARACTERS),
        short=names.get(row.model, row.model),
        is_baseline=row.is_baseline,
        is_first=row.rank == 1,
        rank=_rank(row),
        badges=badges(row),
        fields=(
            _number(row.mean, f"{row.mean:.{decimals}f}" if row.mean is not None else DASH),
            _interval(row, decimals),
            Field("", "" if row.mean is None else repr(row.mean), svg=glyph(row, board)),
            Field(row.letters, row.letters),
            _number(float(len(row.seeds)), str(len(row.seeds))),
            *(_cost(row, name, text) for name, _, text in costs),
        ),
    )


def badges(row: Row) -> tuple[str, ...]:
    """What a row's numbers do not say, in words."""
    found = ["baseline"] if row.is_baseline else []
    if row.beats_best_baseline is False:
        found.append("not better than the best baseline")
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


def _cost(row: Row, name: str, text: CostText) -> Field:
    value = cost_of(row, name)
    if value is None:
        return Field("")
    spread = row.cost_spread.get(name)
    unit = (value / getattr(row, name)) if getattr(row, name) else 1.0
    on_front = name in row.pareto
    return Field(
        text(value),
        repr(value),
        aside="" if spread is None else f"± {text(spread * unit)}",
        mark="*" if row.alone is False and name in CLOCKED else "",
        css="front" if on_front else "",
        said="on the Pareto front" if on_front else "",
    )


def _footnotes(board: Board, costs: Sequence[tuple[str, Column, CostText]]) -> tuple[str, ...]:
    found = []
    if any(row.rank_low != row.rank_high for row in board.rows):
        found.append("Small figures beside a rank: between which ranks the row may lie (95 %, for all rows together).")
    if any(name in row.pareto for row in board.rows for name in COSTS):
        found.append("Bold costs: no other row has a better score at no more of this cost (Pareto front).")
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


def pairwise(board: Board, names: Mapping[str, str]) -> Matrix | None:
    """The difference of each row from each column, and p after Holm; None with fewer than two rows."""
    rows = [row for row in board.rows if row.position is not None]
    shown = rows[:MATRIX_ROWS]
    pairs = {(pair.one, pair.other): pair for pair in board.pairs}
    if len(shown) < 2 or not pairs:
        return None
    fields = tuple(tuple(_compared(row.model, column.model, pairs) for column in shown) for row in shown)
    return Matrix(tuple(names.get(row.model, row.model) for row in shown), fields, len(rows) - len(shown))


def _compared(one: str, other: str, pairs: Mapping[tuple[str, str], Pair]) -> Field | None:
    pair, sign = pairs.get((one, other)), 1.0
    if pair is None:
        pair, sign = pairs.get((other, one)), -1.0
    if pair is None:
        return None
    if pair.p_holm is None and not pair.is_different:
        mark, css, said = "?", "same", "not tested"
    elif not pair.is_different:
        mark, css, said = "≈", "same", "not told apart"
    elif sign > 0:
        mark, css, said = "▲", "better", "better"
    else:
        mark, css, said = "▼", "worse", "worse"
    return Field(signed(sign * pair.difference), aside=p_text(pair.p_holm), mark=mark, css=css, said=said)


def signed(value: float) -> str:
    """A difference with its sign and three digits."""
    return f"{value:+.3g}".replace("-", MINUS, 1) if "e" not in f"{value:.3g}" else f"{value:+.1e}"


def p_text(p_value: float | None) -> str:
    """A p-value as papers write it; empty where there is none."""
    if p_value is None:
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p {p_value:.3f}"


def closest_pairs(board: Board) -> list[Pair]:
    """The pairs that the matrix shows, in the board's order."""
    shown = {row.model for row in [row for row in board.rows if row.position is not None][:MATRIX_ROWS]}
    return [pair for pair in board.pairs if pair.one in shown and pair.other in shown]


def improvement(overall: Overall, names: Mapping[str, str]) -> Matrix:
    """The probability that a run of the row is better than one of the column, with its interval."""
    shown = [row.model for row in overall.rows][:MATRIX_ROWS]
    fields = tuple(tuple(_probability(overall, one, other) for other in shown) for one in shown)
    return Matrix(tuple(names.get(model, model) for model in shown), fields, len(overall.rows) - len(shown))


def _probability(overall: Overall, one: str, other: str) -> Field | None:
    found = overall.improvement.get(one, {}).get(other)
    if found is None or one == other:
        return None
    value, low, high = found
    if low <= 0.5 <= high:
        mark, css, said = "≈", "same", "not told apart"
    else:
        mark, css, said = ("▲", "better", "better") if value > 0.5 else ("▼", "worse", "worse")
    return Field(f"{value:.2f}", aside=f"{low:.2f}{DASH}{high:.2f}", mark=mark, css=css, said=said)


def overall_verdict(overall: Overall, names: Mapping[str, str]) -> str:
    """Who is best over the tasks, and from whom it is not told apart: a probability of improvement that may be 0.5."""
    best = overall.rows[0].model
    found = overall.improvement.get(best, {})
    tied = [row.model for row in overall.rows if row.model in found and found[row.model][1] <= 0.5]
    text = f"{names.get(best, best)} has the best interquartile mean"
    if not tied:
        return f"{text}, and is told apart from all others."
    shown = [names.get(model, model) for model in tied[:MOST_NAMES]]
    more = f" and {len(tied) - len(shown)} more" if len(tied) > len(shown) else ""
    return f"{text}, but is not told apart from {', '.join(shown)}{more}."


def outcomes(overall: Overall, names: Mapping[str, str]) -> Matrix:
    """On how many tasks the row is better than the column, tied with it, worse."""
    shown = [row.model for row in overall.rows][:MATRIX_ROWS]
    fields = []
    for one in shown:
        found = [overall.outcomes.get(one, {}).get(other) if one != other else None for other in shown]
        fields.append(tuple(None if each is None else Field(DASH.join(map(str, each))) for each in found))
    return Matrix(tuple(names.get(model, model) for model in shown), tuple(fields), len(overall.rows) - len(shown))
