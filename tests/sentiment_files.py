"""What the tests of sentiment's files share: rows of two labels, a table's text, and preparing a source."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqbench import TaskData
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.task import SPEC

WORDS = {"neg": "bad", "pos": "good"}
ROWS = [
    (f"the {WORDS[label]} film {number}, it is", label) for number in range(40) for label in ("neg", "pos")
]  # fmt: skip
Write = Callable[[str, str | bytes], Path]


def prepare(source: Path | str, **params: Any) -> TaskData:
    """What the task prepares."""
    return SPEC.prepare(str(source), SentimentParams(**params), Path())


def table(*rows: tuple[Any, ...]) -> str:
    """Rows as CSV."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
