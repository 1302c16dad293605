"""Boards as text: what a terminal of 80 columns shows of long labels and weak models."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from rich.console import Console

from seqbench.board import Board
from seqbench.cli.board_formats import as_csv, as_json, as_latex, as_markdown
from seqbench.cli.boards import as_table, notes, short_names
from seqbench.leaderboard import boards
from seqbench.records import CellRecord, Costs, Failure

LONG = "lstm[hidden_size=4,num_layers=2,pooling=last,splits=[0.7,0.3]]"


def record(label: str, score: float | None = None, *, is_baseline: bool = False) -> CellRecord:
    return CellRecord(
        key=label,
        series=label,
        task="toy",
        source="builtin",
        task_id="toy@builtin",
        model=label.partition("[")[0],
        label=label,
        is_baseline=is_baseline,
        seed=0,
        status="failed" if score is None else "ok",
        primary="accuracy",
        higher_is_better=True,
        metrics={} if score is None else {"accuracy": score},
        failure=Failure("ValueError", "no luck") if score is None else None,
    )


BOARD = boards(
    [record(LONG, 0.4), record("gru[hidden_size=8]", 0.6), record("bad"), record("tfidf", 0.5, is_baseline=True)]
)[0]


def only(*records: CellRecord) -> Board:
    return boards(records)[0]


def test_long_labels_go_below() -> None:
    """A label that 80 columns have no room for is a letter on the board and its settings below; others stay."""
    names = short_names(BOARD)
    assert ("lstm (a)", "gru[hidden_size=8]") == (names[LONG], names["gru[hidden_size=8]"])
    assert "lstm (a): hidden_size=4, num_layers=2, pooling=last, splits=[0.7,0.3]" in notes(BOARD)


def test_notes_say_what_numbers_do_not() -> None:
    """A model worse than the best baseline is named, and so is one that failed, with its reason."""
    found = notes(BOARD)
    assert "Not better than the best baseline (tfidf): lstm (a)." in found
    assert any(note.startswith("bad did not end well: ") and "no luck" in note for note in found)


def test_every_baseline_that_is_not_beaten_is_named() -> None:
    """Beside the best baseline, which goes without saying, the others that a model is not better than are named."""
    baselines = [record("ar", 0.6, is_baseline=True), record("naive", 0.5, is_baseline=True)]
    board = only(record("lstm", 0.55), record("gru", 0.4), record("rnn", 0.7), *baselines)
    assert "Not better than the best baseline (ar): lstm and gru (nor than naive)." in notes(board)


def test_a_board_fits_80_columns() -> None:
    """No line of the table is longer, and each row is one line."""
    text = io.StringIO()
    console = Console(width=80, file=text)
    console.print(as_table(BOARD))
    lines = text.getvalue().splitlines()
    assert 1 + len(BOARD.rows) == len(lines)
    assert max(map(len, lines)) <= 80


def test_long_names_and_large_models_fit_too() -> None:
    """A baseline's long name beside a million parameters still is one line of 80 columns."""
    large = replace(record("lstm", 0.8), costs=Costs(parameters=1_945_986, fit_seconds=1234.5))
    other = replace(record(f"gru[{'x' * 40}]", 0.7), costs=Costs(parameters=1_945_986))
    board = only(large, other, record("tfidf_logistic_regression", 0.9, is_baseline=True))
    text = io.StringIO()
    Console(width=80, file=text).print(as_table(board))
    lines = text.getvalue().splitlines()
    assert 4 == len(lines)
    assert "tfidf_logistic_regression" in lines[1]
    assert "gru (a)" in lines[3]


def test_markdown_has_the_same_notes() -> None:
    """Markdown is the table and, after it, what stands below the terminal's."""
    text = as_markdown([BOARD])
    assert "| lstm (a) | 0.4000 |" in text
    assert all(note in text for note in notes(BOARD))


def test_latex_compiles_to_the_same_numbers() -> None:
    """Every row is a line of the table, what is special to LaTeX is escaped, and no number is lost."""
    board = only(record("a_b[x=50%]", 0.4), record("gru", 0.6))
    text = as_latex([board])
    assert r"a\_b[x=50\%]" in text
    assert r"\textbf{gru} & \textbf{0.6000}" in text
    assert 2 + 1 == text.count(r" \\")
    assert text.count("{") == text.count("}")


def test_json_and_csv_have_every_row() -> None:
    """Both list the rows of all boards with the same fields."""
    rows = json.loads(as_json([BOARD]))
    lines = list(csv.DictReader(io.StringIO(as_csv([BOARD]))))
    assert [row.model for row in BOARD.rows] == [row["model"] for row in rows] == [line["model"] for line in lines]
    assert set(rows[0]) == set(lines[0])
