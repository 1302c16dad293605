"""Bringing any MLflow up to date from a results folder, after whatever kept it from being so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqbench.analysis import read_boards
from seqbench.records import CellRecord
from seqbench.store import Store
from seqbench.tracking.address import reason, without_password
from seqbench.tracking.reach import TrackingError
from seqbench.tracking.tracker import Tracker


def sync_all(tracking_uri: str, results: Path, records: Sequence[CellRecord]) -> None:
    """Write what MLflow lacks. Raises TrackingError when it cannot be reached or a task cannot be written.

    records: all of the results folder.
    """
    try:
        tracker = Tracker(tracking_uri, results)
        tracker.connect()
        problems = tracker.sync(records, read_boards(Store(results)))
    except Exception as error:
        raise TrackingError(
            f"MLflow at {without_password(tracking_uri)} cannot be written ({reason(error)}): "
            "see that it can be reached, or choose another --tracking-uri."
        ) from None
    if problems:
        raise TrackingError(" ".join(problems))
