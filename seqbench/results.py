"""What a results folder holds, as pandas tables: for notebooks, papers and further analysis."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.errors import ConfigError, StoreError
from seqbench.naming import nearest

if TYPE_CHECKING:
    import pandas as pd

    from seqbench.board import Board, Row
    from seqbench.records import CellRecord
    from seqbench.store import Store


@dataclass(frozen=True)
class Results:
    """The records of a results folder: of one run's cells, or, without `keys`, of all that is there.

    `Results("results")` reads any results folder, whoever made it; no plugin is needed.
    """

    folder: str | Path = "results"
    keys: Collection[str] | None = None

    @cached_property
    def _store(self) -> Store:
        from seqbench.store import Store

        folder = Path(self.folder).expanduser().absolute()
        if not folder.is_dir():
            raise StoreError(f"there is no results folder {folder}: run seqbench.run or seqbench run first.")
        return Store(folder)

    @cached_property
    def records(self) -> tuple[CellRecord, ...]:
        """The last record of each cell (seqbench.records.CellRecord), in the order of the run, else of finishing."""
        from seqbench.leaderboard import latest

        found = latest(self._store.records())
        keys = found if self.keys is None else self.keys
        return tuple(found[key] for key in keys if key in found)

    @cached_property
    def boards(self) -> tuple[Board, ...]:
        """The boards of the tasks that these cells are of, with all rows of the folder: a rank needs its rivals."""
        from seqbench.analysis import read_boards

        tasks = {record.task_id for record in self.records}
        series = frozenset() if self.keys is None else {record.series for record in self.records}
        return tuple(read_boards(self._store, tasks, series))

    def leaderboard(self, task: str | None = None) -> pd.DataFrame:
        """One row per model and task, best first, baselines among them; the same statistics as everywhere.

        task: only this one's, by name or as the board has it. Columns: `task`, `rank` (shared by rows that the data
        cannot tell apart), `model`, `metric`, `mean` over seeds, `low` and `high` (of the 95 % interval), `tied` (a
        letter for each group of rows not told apart), `seeds`, `is_baseline`, `beats_best_baseline`, `statuses`
        (how many cells ended how) and `reason` (why some did not end well), the other metrics as `metric.NAME`, and the
        costs: `parameters`, `macs`, `train_seconds`, `examples_per_second`, `latency_p50_ms`, `peak_memory_bytes`
        (seqbench.board.Row tells of each).
        """
        import pandas as pd

        boards = [board for board in self.boards if task in (None, board.task, board.task_name)]
        if not self.boards:
            raise StoreError(
                f"there are no results in {self._store.folder} yet: run seqbench.run or seqbench run first."
            )
        if not boards:
            known = {name for board in self.boards for name in (board.task, board.task_name)}
            raise ConfigError(f"there is no board of '{task}'{nearest(str(task), known)}")
        return pd.DataFrame([_line(row) for board in boards for row in board.rows])

    def predictions(self, task: str, model: str, seed: int = 0) -> pd.DataFrame:
        """The stored predictions of one cell's test examples, one line each: `id`, `target`, outputs, and whatever the
        task adds.

        task, model: by name, or as the board has them. Raises ConfigError for a cell that is not there.
        """
        import pandas as pd

        from seqbench.examples import PREDICTIONS

        record = self.record(task, model, seed)
        file = self._store.folder / record.folder / PREDICTIONS
        if not file.is_file():
            raise StoreError(f"{record.label} on {record.task_id}, seed {seed}, ended {record.status}: no predictions.")
        return pd.read_csv(file, dtype={"id": str})

    def record(self, task: str, model: str, seed: int = 0) -> CellRecord:
        """The record of one cell: of several versions of a model, that which the board shows.

        Raises ConfigError for one that is not there.
        """
        shown = {row.series for board in self.boards for row in board.rows}
        named = [cell for cell in self.records if task in (cell.task, cell.task_id) and cell.series in shown]
        if not named:
            raise ConfigError(f"there is no task '{task}' in it{nearest(task, {cell.task for cell in self.records})}")
        theirs = [cell for cell in named if model in (cell.model, cell.label)]
        if not theirs:
            raise ConfigError(f"there is no model '{model}' on {task}{nearest(model, {cell.label for cell in named})}")
        for cell in theirs:
            if cell.seed == seed:
                return cell
        seeds = ", ".join(str(cell.seed) for cell in theirs)
        raise ConfigError(f"{model} on {task} has no seed {seed}: there is {seeds}.")

    def _repr_html_(self) -> str:
        """The leaderboard, for notebooks."""
        html: str = self.leaderboard().to_html(index=False)
        return html


COSTS = ("parameters", "macs", "train_seconds", "examples_per_second", "latency_p50_ms", "peak_memory_bytes")


def _line(row: Row) -> dict[str, Any]:
    """A row of a board as a row of a table."""
    return {
        "task": row.task,
        "rank": row.rank,
        "model": row.model,
        "metric": row.metric,
        "mean": row.mean,
        "low": row.ci_low,
        "high": row.ci_high,
        "tied": row.letters,
        "seeds": len(row.seeds),
        "is_baseline": row.is_baseline,
        "beats_best_baseline": row.beats_best_baseline,
        **{name: getattr(row, name) for name in COSTS},
        **{f"metric.{name}": value for name, value in row.metrics.items() if name != row.metric},
        "statuses": ", ".join(f"{count} {status}" for status, count in row.statuses.items()),
        "reason": row.reason,
    }
