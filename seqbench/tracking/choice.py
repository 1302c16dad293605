"""Which cell of a task is worth serving, and what is to be said of it: pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from seqbench.board import Board, Row
from seqbench.leaderboard import latest
from seqbench.records import CellRecord, validated_by

PREFIX = "seqbench-"
MAX_NAME = 200
"""Characters of a registered model's name; MLflow's databases have room for 256."""


@dataclass(frozen=True)
class Choice:
    """The best model of a board, and of its cells the one with the best score on validation.

    tied: the models that the data cannot tell apart from it. validation: the cell's score there; None without one.
    """

    board: Board
    row: Row
    record: CellRecord
    tied: tuple[str, ...]
    validation: float | None

    @property
    def tags(self) -> dict[str, str]:
        """What a version of the registered model says of itself to programs."""
        return {
            "seqbench.task": self.board.task,
            "seqbench.model": self.record.label,
            "seqbench.seed": str(self.record.seed),
            "seqbench.score": repr(self.record.metrics[self.record.primary]),
            "seqbench.mean": repr(self.row.mean),
            "seqbench.metric": self.board.metric,
            "seqbench.tied": ", ".join(self.tied),
            "seqbench.data.fingerprint": str(self.record.data.get("fingerprint", "")),
        }

    def description(self) -> str:
        """What a person should know before asking it."""
        row, record, metric = self.row, self.record, self.board.metric
        direction = "higher" if self.board.higher_is_better else "lower"
        if len(row.seeds) == 1:
            picked = "the only one trained"
        elif self.validation is None:
            picked = f"the first of {len(row.seeds)}, since there is no validation split to choose by"
        else:
            picked = f"of {len(row.seeds)} the best on validation ({metric} {self.validation:.4f})"
        interval = "" if row.ci_low is None else f", 95 % interval {row.ci_low:.4f} to {row.ci_high:.4f}"
        score = f"On test, {metric} {record.metrics[record.primary]:.4f} ({direction} is better)"
        sentences = [
            f"{record.label} on {self.board.task}, seed {record.seed}: {picked}.",
            f"{score}; mean over the seeds {row.mean:.4f}{interval}.",
        ]
        if self.tied:
            sentences.append(f"Tied for the best with {_listed(self.tied)}: the data cannot tell them apart.")
        if row.beats_best_baseline is False and (bar := self.board.best_baseline) is not None:
            sentences.append(
                f"It is not better than the best baseline, {bar.model} ({bar.mean:.4f}), by more than chance may give."
            )
        sentences.append(f"Data: {self.board.source}, fingerprint {str(record.data.get('fingerprint', ''))[:12]}.")
        return " ".join(sentences)


def choose(board: Board, records: Iterable[CellRecord]) -> Choice | None:
    """The cell to serve of a task's records; None when no network has a result: only a network can be stored.

    By validation and not by test: of the seeds' test scores the best one is luck, and who picks it promises too much.
    """
    done = [cell for cell in latest(records).values() if cell.status == "ok" and cell.is_network]
    networks = {cell.series for cell in done}
    row = next((row for row in board.rows if row.series in networks and row.position is not None), None)
    if row is None:
        return None
    cells = [cell for cell in done if cell.series == row.series]
    sign = 1.0 if board.higher_is_better else -1.0

    def worth(cell: CellRecord) -> tuple[float, int]:
        score = validation_score(cell)
        return (-math.inf if score is None else sign * score), -cell.seed

    best = max(cells, key=worth)
    rivals = (other for other in board.rows if other.rank == row.rank and other.series != row.series)
    tied = tuple(other.model for other in rivals if not other.is_baseline)
    return Choice(board, row, best, tied, validation_score(best))


def validation_score(record: CellRecord) -> float | None:
    """The metric on validation of the epoch whose weights were kept.

    None where there is none, or where a rescoring has made another metric the primary one since.
    """
    if validated_by(record) != record.primary:
        return None
    kept = record.best_epoch if record.best_epoch is not None else len(record.history)
    score = next((epoch.validation_metric for epoch in record.history if epoch.epoch == kept), None)
    return score if score is not None and math.isfinite(score) else None


def model_name(task_id: str) -> str:
    """The registered model's name: `seqbench-` and the task's id in letters, digits, `.`, `_` and `-`.

    `@` becomes `-`; an id with other characters, or a long one, ends in a few digits of its hash.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", task_id).strip("-.")
    if plain == task_id.replace("@", "-") and len(plain) <= MAX_NAME:
        return PREFIX + plain
    return f"{PREFIX}{plain[:MAX_NAME]}-{sha256(task_id.encode()).hexdigest()[:8]}"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
