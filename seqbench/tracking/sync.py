"""Bringing any MLflow up to date from a results folder, after whatever kept it from being so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqbench.records import CellRecord
from seqbench.tracking.address import reason, without_password
from seqbench.tracking.reach import TrackingError
from seqbench.tracking.tracker import Tracker


def sync_all(tracking_uri: str, results: Path, records: Sequence[CellRecord]) -> None:
    """Write what MLflow lacks. Raises TrackingError when it cannot be reached or a task cannot be written."""
    try:
        problems = Tracker(tracking_uri, results).sync(records)
    except Exception as error:
        raise TrackingError(
            f"MLflow at {without_password(tracking_uri)} cannot be written ({reason(error)}): "
            "see that it can be reached, or choose another --tracking-uri."
        ) from None
    if problems:
        raise TrackingError(" ".join(problems))
