"""What readers of the documentation do, they can do: every command is typed, and every file is written and used."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import DOCS, Reader, missing_lines

FEWER = {"--seeds 0-1": "--seeds 0", "max_epochs=3": "max_epochs=1"}


@pytest.mark.parametrize(("page", "words"), [("first-task.md", FEWER), ("recipes.md", {})])
def test_a_reader_can_do_what_a_page_says(page: str, words: dict[str, str], tmp_path: Path, cache: Path) -> None:
    """Every command of the page ends with 0 where it is typed in order, and shows what the page shows."""
    Reader(tmp_path, words=words).follow(DOCS / page)


def test_a_line_that_is_not_shown_is_missed() -> None:
    """Lines that are shown in another order, or not at all, are told; other numbers and spaces are not."""
    shown = "1  gru   0.912  a\n2  lstm  0.9    b\nrnn is worse."
    assert [] == list(missing_lines("1 gru 0.5 a\n...\nrnn is worse.", shown))
    assert [] == list(missing_lines("1 gru ...\nrnn is ...", shown))
    assert ["1 gru 0.5 a"] == list(missing_lines("2 lstm 1 b\n1 gru 0.5 a", shown))
    assert ["rnn is better."] == list(missing_lines("rnn is better.", shown))
