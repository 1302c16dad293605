"""The tutorial, from an empty folder to a wheel."""

from __future__ import annotations

from pathlib import Path

from documents import DOCS, Reader

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


def test_a_first_model_from_ten_lines_to_a_wheel(tmp_path: Path, cache: Path) -> None:
    """Every command of the tutorial ends with 0 where it is typed in order, and shows what the page shows."""
    Reader(tmp_path, {"run.toml": RUN_FILE}, WORDS).follow(DOCS / "tutorial.md")
