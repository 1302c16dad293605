"""Boards for other programs and for papers: JSON, CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from seqbench.cli.boards import LEFT, headings, notes, short_names, texts

if TYPE_CHECKING:
    from seqbench.board import Board, Overall

LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "±": r"$\pm$",
    }
)


def as_json(boards: Sequence[Board]) -> str:
    """All rows as a list of objects."""
    return json.dumps([row.to_json() for board in boards for row in board.rows], indent=2)


def as_full_json(boards: Sequence[Board], overall: Overall | None) -> str:
    """An object with `boards` (rows, pairs and notes of each task) and `overall` (null for one task)."""
    values = {"boards": [board.to_json() for board in boards], "overall": overall and overall.to_json()}
    return json.dumps(values, indent=2)


def as_csv(boards: Sequence[Board]) -> str:
    """All rows, one line each; lists and tables are JSON in their field."""
    text = io.StringIO()
    values = [row.to_json() for board in boards for row in board.rows]
    names = list(values[0]) if values else []
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for value in values:
        writer.writerow(
            json.dumps(value[name]) if isinstance(value[name], (dict, list, tuple)) else value[name] for name in names
        )
    return text.getvalue().rstrip("\n")


def as_markdown(boards: Sequence[Board]) -> str:
    """A table per task."""
    blocks = []
    for board in boards:
        direction = "higher" if board.higher_is_better else "lower"
        heads = headings(board)
        lines = [f"### {board.task}", "", f"{board.metric}, {direction} is better", "", _pipe(heads)]
        lines.append(_pipe(["---" if position in LEFT else "---:" for position in range(len(heads))]))
        names = short_names(board)
        lines += [_pipe(texts(row, names[row.model])) for row in board.rows]
        lines += [f"\n{note}" for note in notes(board)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _pipe(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_latex(boards: Sequence[Board]) -> str:
    """A `table` per task for a paper, with booktabs' rules; rows that are first, alone or tied, are bold."""
    return "\n\n".join([r"% \usepackage{booktabs}", *map(_latex_table, boards)])


def _latex_table(board: Board) -> str:
    names = short_names(board)
    columns = "".join("l" if position in LEFT else "r" for position in range(len(headings(board))))
    lines = []
    for row in board.rows:
        cells = [text.translate(LATEX) for text in texts(row, names[row.model])]
        if row.rank == 1:
            cells[1:3] = [rf"\textbf{{{cell}}}" for cell in cells[1:3]]
        lines.append(" & ".join(cells) + r" \\")
    direction = "higher" if board.higher_is_better else "lower"
    caption = f"{board.task}: {board.metric}, {direction} is better. Rows that share a letter are not told apart. "
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{(caption + ' '.join(notes(board))).translate(LATEX)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(heading.translate(LATEX) for heading in headings(board)) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )
