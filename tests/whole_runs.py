"""What tests of whole runs share: models that do harm, and what must be the same of two runs, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seqbench.leaderboard import latest
from seqbench.store import Store

NASTY = str(Path(__file__).parent / "nasty_plugin.py")
NO_MLFLOW = ["--tracking-uri", "http://127.0.0.1:9"]
"""Nobody listens there: a test of something else needs no MLflow, whose import takes longer than the training."""
SAME_FILES = ("predictions.csv", "weights.safetensors")


def reproducible(results: Path) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """By cell (task, label, seed): the last record without clocks, and the bytes of the cell's files."""
    found = {}
    for record in latest(Store(results).records()).values():
        folder = results / record.folder
        files = {name: (folder / name).read_bytes() for name in SAME_FILES if (folder / name).is_file()}
        found[f"{record.task_id} {record.label} {record.seed}"] = (record.reproducible(), files)
    return found
