"""What readers of the documentation do, they can do: every command is typed, and every file is written and used."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import DOCS, Reader, missing_lines

RUN_FILE = """\
plugins = ["my_cell.py"]

[run]
models = ["my-cell", "gru"]
tasks = ["sentiment"]
seeds = "0"
baselines = false

[trainer]
max_epochs = 1
min_epoch_steps = 4

[tasks.sentiment]
reviews = [200, 40, 60]
"""
SHORT = "--set trainer.min_epoch_steps=4 --set 'tasks.sentiment.reviews=[200,40,60]'"
CHANGED = "[trainer.max_epochs=1,trainer.min_epoch_steps=4]"
WORDS = {
    "--results try": f"--results try {SHORT}",
    "compare my-cell gru": f"compare 'my-cell{CHANGED}' 'gru{CHANGED}'",
    "\npytest": "\npytest -k equation",  # tests/cli/test_new.py runs all of the package's tests
}
"""The tutorial's comparison with few reviews, one seed and a few steps, which then are part of the names of rows."""
FEWER = {"--seeds 0-1": "--seeds 0", "max_epochs=3": "max_epochs=1"}


@pytest.mark.parametrize(
    ("page", "files", "words"),
    [("tutorial.md", {"run.toml": RUN_FILE}, WORDS), ("first-task.md", {}, FEWER), ("recipes.md", {}, {})],
)
def test_a_reader_can_do_what_a_page_says(
    page: str, files: dict[str, str], words: dict[str, str], tmp_path: Path, cache: Path
) -> None:
    """Every command of the page ends with 0 where it is typed in order, and shows what the page shows."""
    Reader(tmp_path, files, words).follow(DOCS / page)


def test_a_line_that_is_not_shown_is_missed() -> None:
    """Lines that are shown in another order, or not at all, are told; other numbers and spaces are not."""
    shown = "1  gru   0.912  a\n2  lstm  0.9    b\nrnn is worse."
    assert [] == list(missing_lines("1 gru 0.5 a\n...\nrnn is worse.", shown))
    assert [] == list(missing_lines("1 gru ...\nrnn is ...", shown))
    assert ["1 gru 0.5 a"] == list(missing_lines("2 lstm 1 b\n1 gru 0.5 a", shown))
    assert ["rnn is better."] == list(missing_lines("rnn is better.", shown))
