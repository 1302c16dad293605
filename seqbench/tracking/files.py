"""What a run of MLflow holds as files: the cell's own, its record, and its plots."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

from seqbench.records import CellRecord
from seqbench.report.plots import plots_for
from seqbench.tracking.held import Held
from seqbench.tracking.writer import Writer

log = logging.getLogger("seqbench")

PLOTS = "seqbench.plots"
"""The tag that names the plots of a run, once they have been drawn."""


def draw_all(record: CellRecord) -> bool:
    """Every cell gets its plots."""
    return True


class Files:
    """Uploads what is not there yet. draws: does the record's run get its plots now?"""

    def __init__(self, writer: Writer, draws: Callable[[CellRecord], bool]) -> None:
        self._writer, self._draws = writer, draws
        self._uploaded: set[tuple[str, float]] = set()

    def upload(self, held: Held, record: CellRecord) -> None:
        """The cell's files, its record, and its plots; once, even when the numbers of a baseline follow later."""
        what = (held.id, record.settled_at)
        if what in self._uploaded:
            return
        folder = self._writer.results / record.folder
        if record.folder and folder.is_dir():
            self._writer.connect().log_artifacts(held.id, str(folder))
        with tempfile.TemporaryDirectory() as temporary:
            (Path(temporary) / "record.json").write_text(json.dumps(record.to_json(), indent=2), encoding="utf-8")
            self._writer.connect().log_artifacts(held.id, temporary)
        self.upload_plots(held, record)
        self._uploaded.add(what)

    def upload_plots(self, held: Held, record: CellRecord) -> None:
        """The cell's plots, if they are to be drawn and have not been."""
        if PLOTS in held.tags or not self._draws(record):
            return
        plots = _plots(record, self._writer.results / record.folder)
        if plots:
            with tempfile.TemporaryDirectory() as temporary:
                for name, content in plots.items():
                    (Path(temporary) / name).write_bytes(content)
                self._writer.connect().log_artifacts(held.id, temporary, "plots")
        self._writer.tag(held, PLOTS, ",".join(plots))


def _plots(record: CellRecord, folder: Path) -> dict[str, bytes]:
    try:
        return plots_for(record, folder)
    except Exception as error:  # a plot is not worth a run: the numbers are logged all the same
        log.warning("no plots of %s %s seed %d: %s", record.task_id, record.label, record.seed, error)
        return {}
