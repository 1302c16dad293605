"""Boards as text: a table on the terminal, JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from seqbench.leaderboard import Row
    from seqbench.records import CellRecord

HEADINGS = ("#", "model", "{metric}", "± 95 %", "seeds", "params", "train s", "")


def by_task(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each task."""
    for task, group in groupby(rows, key=lambda row: row.task):
        yield task, list(group)


def print_boards(records: Iterable[CellRecord], tasks: set[str] | None = None) -> None:
    """Print a table per task; only those of `tasks`, if given."""
    from seqbench.cli.console import out
    from seqbench.leaderboard import board

    for task, rows in by_task(board(records)):
        if tasks is None or task in tasks:
            out.print()
            out.print(as_table(task, rows))
            for note in notes(rows):
                out.print(_escaped(note), style="yellow")


def as_table(task: str, rows: list[Row]) -> Table:
    """One task's board for a terminal of 80 columns."""
    direction = "higher" if rows[0].higher_is_better else "lower"
    title = f"[bold]{_escaped(task)}[/bold]  ({rows[0].metric}, {direction} is better)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for position, heading in enumerate(HEADINGS):
        is_text = position in (1, 7)
        name = heading.format(metric=rows[0].metric)
        table.add_column(name, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for row in rows:
        style = "dim" if row.is_baseline else ("bold" if row.rank == 1 else "")
        table.add_row(*(_escaped(cell) for cell in _cells(row)), style=style)
    return table


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _cells(row: Row) -> tuple[str, ...]:
    half = None if row.ci_low is None or row.mean is None else row.mean - row.ci_low
    return (
        "-" if row.rank is None else str(row.rank),
        row.model,
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


def notes(rows: list[Row]) -> list[str]:
    """A sentence on the models that no baseline is worse than, if there are such."""
    weak = [row.model for row in rows if row.beats_best_baseline is False]
    return [f"Not better than the best baseline: {', '.join(weak)}."] if weak else []


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
        headings = [heading.format(metric=group[0].metric) for heading in HEADINGS]
        lines = [f"### {task}", "", f"{group[0].metric}, {direction} is better", "", _pipe(headings)]
        lines.append(_pipe(["---:" if position not in (1, 7) else "---" for position in range(len(headings))]))
        lines += [_pipe(_cells(row)) for row in group]
        lines += [f"\n{note}" for note in notes(group)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _pipe(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
