"""Boards on a terminal of 80 columns: a table and sentences per task, and what holds over tasks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from string import ascii_lowercase
from typing import TYPE_CHECKING

from rich.table import Table

from seqbench.verdicts import limits, verdicts
from seqbench.wording import magnitude

if TYPE_CHECKING:
    from seqbench.board import Board, Overall, Row
    from seqbench.store import Store

BOARD_WIDTH = 80
"""Columns of a terminal that a board is made for."""
SHORTEST_ROOM = 24
"""Characters of a model's label that are shown whatever the other columns take."""
HEADINGS = ("#", "model", "{metric}", "± 95 %", "tied", "seeds", "params", "train s", "")
LEFT = (1, 4, 8)
"""Columns of text."""


def print_boards(
    store: Store, tasks: set[str] | None = None, *, costs: bool = False, series: Collection[str] = frozenset()
) -> None:
    """Print a table per task (only those of `tasks`, if given), and one over all of them where there are several.

    costs: a second table per task with every cost. series: what a label stands for, where there are newer ones.
    """
    from seqbench.analysis import overall, read_boards
    from seqbench.cli.board_costs import as_cost_table
    from seqbench.cli.console import out

    found = read_boards(store, tasks, series)
    for board in found:
        direction = "higher" if board.higher_is_better else "lower"
        out.print(f"\n[bold]{_escaped(board.task)}[/bold]  ({board.metric}, {direction} is better)", soft_wrap=True)
        out.print(as_table(board))
        for note in notes(board):
            out.print(_escaped(note), style="yellow")
        if costs:
            out.print(as_cost_table(board))
    whole = overall(found)
    if whole is not None:
        out.print(f"\n[bold]Over {len(whole.tasks)} tasks[/bold]  (IQM of scores from 0, the worst of a board, to 1)")
        out.print(as_overall_table(whole))
        for note in whole.notes:
            out.print(_escaped(note), style="yellow")


def as_table(board: Board) -> Table:
    """One task's board: two spaces between columns, or one where that is too wide."""
    names = short_names(board)
    heads = headings(board)
    cells = [texts(row, names[row.model]) for row in board.rows]
    table = plain_table(heads, cells, LEFT)
    for row, line in zip(board.rows, cells, strict=True):
        style = "dim" if row.is_baseline else ("bold" if row.rank == 1 else "")
        table.add_row(*map(_escaped, line), style=style)
    return table


def as_overall_table(whole: Overall) -> Table:
    """Models over tasks, the best interquartile mean first."""
    heads = ("model", "mean rank", "IQM", "95 %", "won", "tied", "lost")
    cells = [
        (
            row.model,
            f"{row.mean_rank:.2f}",
            f"{row.iqm:.3f}",
            f"{row.iqm_low:.3f} to {row.iqm_high:.3f}",
            *map(str, (row.wins, row.ties, row.losses)),
        )
        for row in whole.rows
    ]
    table = plain_table(heads, cells, (0,))
    for line in cells:
        table.add_row(*map(_escaped, line))
    return table


def plain_table(heads: Sequence[str], cells: Sequence[Sequence[str]], left: Iterable[int]) -> Table:
    """An empty table without lines, for these texts; `left` are its columns of text, the others are numbers."""
    width = sum(_widths([heads, *cells]))
    gap = 2 if width + 2 * (len(heads) - 1) <= BOARD_WIDTH else 1
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for position, heading in enumerate(heads):
        is_text = position in left
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    return table


def headings(board: Board) -> list[str]:
    """Of the columns of a board."""
    return [heading.format(metric=board.metric) for heading in HEADINGS]


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Of each column, the characters of its longest text."""
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def half_width(row: Row) -> float | None:
    """Half the width of the row's interval."""
    return None if row.ci_low is None or row.ci_high is None else (row.ci_high - row.ci_low) / 2


def texts(row: Row, name: str) -> tuple[str, ...]:
    """A row's line; `name` is what it is called there."""
    half = half_width(row)
    return (
        "-" if row.rank is None else str(row.rank),
        name,
        "-" if row.mean is None else f"{row.mean:.4f}",
        "" if half is None else f"{half:.4f}",
        row.letters,
        str(len(row.seeds)),
        counted(row.parameters),
        "" if row.train_seconds is None else f"{row.train_seconds:.1f}",
        remark(row),
    )


def counted(parameters: int | None) -> str:
    """A number of parameters, from a million on in three digits: `71,698`, `1.95M`."""
    if parameters is None:
        return ""
    return f"{parameters:,}" if parameters < 1_000_000 else magnitude(parameters)


def remark(row: Row) -> str:
    """What the numbers do not say: a baseline, cells that did not end well."""
    parts = ["baseline"] if row.is_baseline else []
    parts += [f"{count} {status}" for status, count in row.statuses.items() if status != "ok"]
    return ", ".join(parts)


def short_names(board: Board) -> dict[str, str]:
    """By label, what stands on the board: the label, or where 80 columns lack the room the model and a letter."""
    names = {row.model: row.model for row in board.rows}
    widths = _widths([headings(board), *(texts(row, "") for row in board.rows)])
    room = max(SHORTEST_ROOM, BOARD_WIDTH - (sum(widths) - widths[1]) - (len(widths) - 1))
    settings = [label for label in names if len(label) > room and "[" in label]
    for number, label in enumerate(settings):
        names[label] = f"{label.partition('[')[0]} ({ascii_lowercase[number % 26] * (1 + number // 26)})"
    return names


def notes(board: Board) -> list[str]:
    """Who wins and who is tied, the settings behind short names, and why cells did not end well."""
    names = short_names(board)
    settings = [
        f"{name}: {re.sub(',(?=[a-z])', ', ', label.partition('[')[2][:-1])}"
        for label, name in names.items()
        if name != label
    ]
    failures = [f"{names[row.model]} did not end well: {row.reason}" for row in board.rows if row.reason]
    return [*verdicts(board, names), *limits(board), *settings, *failures]
