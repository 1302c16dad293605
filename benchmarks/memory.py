"""The memory of one worker process, cell after cell: every model on every task, round after round, and baselines.

One worker of the local executor runs the default grid's cells, shortened to one epoch, one after the other, each round
all kinds of cells in the same order. After each cell its resident memory is read. What libraries and allocators keep
after their first use is taken in the first two rounds; the figure is how much a round's mean grows from then on, by
least squares, for each cell.
"""

from __future__ import annotations

import numpy as np
import psutil

from cases import Case, cases
from figures import Figure, Setting, at_most
from seqbench.execution.jobs import CellJob, PrepareJob
from seqbench.execution.local import LocalExecutor

ROUNDS = 8
SETTLING = 2
GOAL = 0.1


def measure(setting: Setting) -> list[Figure]:
    """Growth in MB a cell."""
    seeds = SETTLING + (2 if setting.quick else ROUNDS)
    todo = cases({"seeds": f"0-{seeds - 1}"}, ("trainer.max_epochs=1",))
    baselines = [case for case in todo if case.cell.is_baseline]
    models = [case for case in todo if not case.cell.is_baseline]
    rounds = [[case for case in models if case.cell.seed == seed] + baselines for seed in range(seeds)]
    resident = np.array(_resident(rounds)) / 1e6
    means = resident.mean(axis=1)
    kept = means[SETTLING:]
    slope = float(np.polyfit(np.arange(len(kept)), kept, 1)[0]) / resident.shape[1]
    shown = ", ".join(f"{mean:.0f}" for mean in means)
    detail = (
        f"{resident.size} cells of {resident.shape[1]} kinds; mean of each round {shown} MB; "
        f"highest after a cell {resident.max():.0f} MB"
    )
    return [at_most("a worker's growth a cell", slope, "MB", GOAL, detail)]


def _resident(rounds: list[list[Case]]) -> list[list[int]]:
    """Bytes after each cell."""
    executor = LocalExecutor(1)
    try:
        executor.prepare(_source(rounds[0][0])).result()
        worker = _worker()
        return [[_after(executor, case, worker) for case in cells] for cells in rounds]
    finally:
        executor.close()


def _source(case: Case) -> PrepareJob:
    cell = case.cell
    return PrepareJob.of(cell)


def _after(executor: LocalExecutor, case: Case, worker: psutil.Process) -> int:
    record = executor.cell(CellJob(case.cell, case.prepared, _source(case), "cpu", {})).result().record
    if record.status != "ok":
        raise ValueError(f"{record.task_id} {record.label} ended {record.status}")
    return int(worker.memory_info().rss)


def _worker() -> psutil.Process:
    """The one worker: the largest process below the server that it was forked from."""
    below = [process for child in psutil.Process().children() for process in child.children(recursive=True)]
    return max(below, key=lambda process: process.memory_info().rss)
