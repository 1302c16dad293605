"""Every cost of a board's rows as a table, with what lies on a Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from seqbench.board import Board, Row

HEADINGS = ("model", "params", "MACs", "train s", "ex/s", "1: p50 ms", "p95", "batch: p50", "p95", "memory")
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def as_cost_table(board: Board) -> Table:
    """A row per model. `*`: on the Pareto front of quality against that cost."""
    from rich.markup import escape

    from seqbench.cli.boards import plain_table, short_names

    names = short_names(board)
    lines = [_line(row, names[row.model]) for row in board.rows if row.position is not None]
    table = plain_table(HEADINGS, lines, (0,))
    for line in lines:
        table.add_row(*map(escape, line))
    table.caption = _caption(board)
    table.caption_justify = "left"
    return table


def _line(row: Row, name: str) -> tuple[str, ...]:
    def star(cost: str, text: str) -> str:
        return f"{text}*" if cost in row.pareto else text

    return (
        name,
        star("parameters", short(row.parameters)),
        star("macs", short(row.macs)),
        star("train_seconds", "" if row.train_seconds is None else f"{row.train_seconds:.1f}"),
        short(row.examples_per_second),
        star("latency_p50_ms", milliseconds(row.latency_p50_ms)),
        milliseconds(row.latency_p95_ms),
        milliseconds(row.batch_latency_p50_ms),
        milliseconds(row.batch_latency_p95_ms),
        star("peak_memory_bytes", short(row.peak_memory_bytes)),
    )


def _caption(board: Board) -> str:
    told = "* nothing better is cheaper, and nothing cheaper is as good."
    if any(row.alone is False for row in board.rows):
        told += " Times and memory were measured while other cells ran: seqbench measure takes them again alone."
    return told


def short(value: float | None) -> str:
    """A large number in three digits: `49.9k`, `1.2M`."""
    if value is None:
        return ""
    for size, unit in UNITS:
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def milliseconds(value: float | None) -> str:
    """Three digits."""
    return "" if value is None else f"{value:.3g}"
