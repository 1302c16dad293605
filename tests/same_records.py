"""What tests compare of two runs: everything that must be the same, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seqbench.leaderboard import latest
from seqbench.store import Store

SAME_FILES = ("predictions.csv", "weights.safetensors")


def reproducible(results: Path) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """By cell (task, label, seed): the last record without clocks, and the bytes of the cell's files."""
    found = {}
    for record in latest(Store(results).records()).values():
        folder = results / record.folder
        files = {name: (folder / name).read_bytes() for name in SAME_FILES if (folder / name).is_file()}
        found[f"{record.task_id} {record.label} {record.seed}"] = (record.reproducible(), files)
    return found
