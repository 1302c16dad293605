"""Bringing any MLflow up to date from a results folder, after whatever kept it from being so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from seqbench.analysis import read_boards
from seqbench.records import CellRecord
from seqbench.store import Store
from seqbench.tracking.address import reason, without_password
from seqbench.tracking.reach import TrackingError
from seqbench.tracking.registered import register
from seqbench.tracking.tracker import Tracker


def sync_all(
    tracking_uri: str, results: Path, records: Sequence[CellRecord], plugin_files: Iterable[str] = ()
) -> list[str]:
    """Write what MLflow lacks, and register the best model of each task.

    records: all of the results folder. plugin_files: plugins that are not installed.
    Returns a sentence per task about its registered model.
    Raises TrackingError when MLflow cannot be reached or a task cannot be written.
    """
    try:
        tracker = Tracker(tracking_uri, results)
        tracker.connect()
        boards = read_boards(Store(results))
        problems = tracker.sync(records, boards)
        told = register(tracker, results, plugin_files, boards, records)
    except Exception as error:
        raise TrackingError(
            f"MLflow at {without_password(tracking_uri)} cannot be written ({reason(error)}): "
            "see that it can be reached, or choose another --tracking-uri."
        ) from None
    if problems:
        raise TrackingError(" ".join(problems))
    return told
