"""Boards as text: what a terminal of 80 columns shows of long labels and weak models."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from seqbench.cli.boards import as_markdown, as_table, notes, short_names
from seqbench.leaderboard import board
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


ROWS = board(
    [record(LONG, 0.4), record("gru[hidden_size=8]", 0.6), record("bad"), record("tfidf", 0.5, is_baseline=True)]
)


def test_long_labels_go_below() -> None:
    """A label that 80 columns have no room for is a letter on the board and its settings below; others stay."""
    names = short_names(ROWS)
    assert ("lstm (a)", "gru[hidden_size=8]") == (names[LONG], names["gru[hidden_size=8]"])
    assert "lstm (a): hidden_size=4, num_layers=2, pooling=last, splits=[0.7,0.3]" in notes(ROWS)


def test_notes_say_what_numbers_do_not() -> None:
    """A model worse than the best baseline is named, and so is one that failed, with its reason."""
    found = notes(ROWS)
    assert "Not better than the best baseline: lstm (a)." in found
    assert any(note.startswith("bad did not end well: ") and "no luck" in note for note in found)


def test_every_baseline_that_is_not_beaten_is_named() -> None:
    """Beside the best baseline, which goes without saying, the others that a model is not better than are named."""
    baselines = [record("ar", 0.6, is_baseline=True), record("naive", 0.5, is_baseline=True)]
    rows = board([record("lstm", 0.55), record("gru", 0.5), record("rnn", 0.7), *baselines])
    assert ["Not better than the best baseline: lstm, gru (nor than naive)."] == notes(rows)


def test_a_board_fits_80_columns() -> None:
    """No line of the table is longer, and each row is one line."""
    text = io.StringIO()
    console = Console(width=80, file=text)
    console.print(as_table(ROWS))
    lines = text.getvalue().splitlines()
    assert 1 + len(ROWS) == len(lines)
    assert max(map(len, lines)) <= 80


def test_long_names_and_large_models_fit_too() -> None:
    """A baseline's long name beside a million parameters still is one line of 80 columns."""
    large = replace(record("lstm", 0.8), costs=Costs(parameters=1_945_986, fit_seconds=1234.5))
    other = replace(record(f"gru[{'x' * 40}]", 0.7), costs=Costs(parameters=1_945_986))
    rows = board([large, other, record("tfidf_logistic_regression", 0.9, is_baseline=True)])
    text = io.StringIO()
    Console(width=80, file=text).print(as_table(rows))
    lines = text.getvalue().splitlines()
    assert 4 == len(lines)
    assert "tfidf_logistic_regression" in lines[1]
    assert "gru (a)" in lines[3]


def test_markdown_has_the_same_notes() -> None:
    """Markdown is the table and, after it, what stands below the terminal's."""
    text = as_markdown(ROWS)
    assert "| 3 | lstm (a) | 0.4000 |" in text
    assert text.rstrip().endswith("Not better than the best baseline: lstm (a).")
