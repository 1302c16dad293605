"""Boards as text: a table on the terminal, JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from string import ascii_lowercase
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from seqbench.leaderboard import Row
    from seqbench.records import Outcome

BOARD_WIDTH = 80
"""Columns of a terminal that a board is made for."""
SHORTEST_ROOM = 24
"""Characters of a model's label that are shown whatever the other columns take."""
HEADINGS = ("#", "model", "{metric}", "± 95 %", "seeds", "params", "train s", "")


def by_task(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each task."""
    for task, group in groupby(rows, key=lambda row: row.task):
        yield task, list(group)


def print_boards(records: Iterable[Outcome], tasks: set[str] | None = None) -> None:
    """Print a table per task; only those of `tasks`, if given."""
    from seqbench.cli.console import out
    from seqbench.leaderboard import board

    for task, rows in by_task(board(records)):
        if tasks is None or task in tasks:
            direction = "higher" if rows[0].higher_is_better else "lower"
            out.print(f"\n[bold]{_escaped(task)}[/bold]  ({rows[0].metric}, {direction} is better)", soft_wrap=True)
            out.print(as_table(rows))
            for note in notes(rows):
                out.print(_escaped(note), style="yellow")


def as_table(rows: list[Row]) -> Table:
    """One task's board for a terminal of 80 columns: two spaces between columns, or one where that is too wide."""
    names = short_names(rows)
    headings = _headings(rows)
    cells = [_cells(row, names[row.model]) for row in rows]
    width = sum(_widths([headings, *cells]))
    gap = 2 if width + 2 * (len(HEADINGS) - 1) <= BOARD_WIDTH else 1
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for position, heading in enumerate(headings):
        is_text = position in (1, 7)
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for row, texts in zip(rows, cells, strict=True):
        style = "dim" if row.is_baseline else ("bold" if row.rank == 1 else "")
        table.add_row(*map(_escaped, texts), style=style)
    return table


def _headings(rows: list[Row]) -> list[str]:
    return [heading.format(metric=rows[0].metric) for heading in HEADINGS]


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Of each column, the characters of its longest text."""
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _cells(row: Row, name: str) -> tuple[str, ...]:
    half = None if row.ci_low is None or row.mean is None else row.mean - row.ci_low
    return (
        "-" if row.rank is None else str(row.rank),
        name,
        "-" if row.mean is None else f"{row.mean:.4f}",
        "" if half is None else f"{half:.4f}",
        str(len(row.seeds)),
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if row.train_seconds is None else f"{row.train_seconds:.1f}",
        remark(row),
    )


def remark(row: Row) -> str:
    """What the numbers do not say: a baseline, cells that did not end well."""
    parts = ["baseline"] if row.is_baseline else []
    parts += [f"{count} {status}" for status, count in row.statuses.items() if status != "ok"]
    return ", ".join(parts)


def short_names(rows: list[Row]) -> dict[str, str]:
    """By label, what stands on the board: the label, or where 80 columns lack the room the model and a letter."""
    names = {row.model: row.model for row in rows}
    widths = _widths([_headings(rows), *(_cells(row, "") for row in rows)])
    room = max(SHORTEST_ROOM, BOARD_WIDTH - (sum(widths) - widths[1]) - (len(widths) - 1))
    settings = [label for label in names if len(label) > room and "[" in label]
    for number, label in enumerate(settings):
        names[label] = f"{label.partition('[')[0]} ({ascii_lowercase[number % 26] * (1 + number // 26)})"
    return names


def notes(rows: list[Row]) -> list[str]:
    """The settings behind short names, why cells did not end well, and which models are no better than a baseline."""
    names = short_names(rows)
    texts = [
        f"{name}: {re.sub(',(?=[a-z])', ', ', label.partition('[')[2][:-1])}"
        for label, name in names.items()
        if name != label
    ]
    weak = [f"{names[row.model]}{_nor(row, rows)}" for row in rows if row.beats_best_baseline is False]
    texts += [f"{names[row.model]} did not end well: {row.reason}" for row in rows if row.reason]
    return [*texts, f"Not better than the best baseline: {', '.join(weak)}."] if weak else texts


def _nor(row: Row, rows: list[Row]) -> str:
    """The other baselines that a row is not better than: ` (nor than naive)`; the best one goes without saying."""
    sign = 1.0 if row.higher_is_better else -1.0
    better = [item for item in rows if item.is_baseline and item.mean is not None and row.mean is not None
              and sign * item.mean >= sign * row.mean]  # fmt: skip
    others = [item.model for item in better[1:]]
    return f" (nor than {', '.join(others)})" if others else ""


def as_json(rows: list[Row]) -> str:
    """All rows as a list of objects."""
    return json.dumps([row.to_json() for row in rows], indent=2)


def as_csv(rows: list[Row]) -> str:
    """All rows, one line each; lists and tables are JSON in their field."""
    text = io.StringIO()
    values = [row.to_json() for row in rows]
    names = list(values[0]) if values else []
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for value in values:
        writer.writerow(
            json.dumps(value[name]) if isinstance(value[name], (dict, list, tuple)) else value[name] for name in names
        )
    return text.getvalue().rstrip("\n")


def as_markdown(rows: list[Row]) -> str:
    """A table per task."""
    blocks = []
    for task, group in by_task(rows):
        direction = "higher" if group[0].higher_is_better else "lower"
        headings = _headings(group)
        lines = [f"### {task}", "", f"{group[0].metric}, {direction} is better", "", _pipe(headings)]
        lines.append(_pipe(["---:" if position not in (1, 7) else "---" for position in range(len(headings))]))
        names = short_names(group)
        lines += [_pipe(_cells(row, names[row.model])) for row in group]
        lines += [f"\n{note}" for note in notes(group)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _pipe(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
