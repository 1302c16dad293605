"""The default grid by `seqbench run` beside a for-loop over the same cells by the usual script.

Both are whole processes, from start to exit, with the data prepared before. seqbench has its own number of workers,
records, files, boards and MLflow. The loop is one process with PyTorch's own number of threads: it trains each cell by
a DataLoader and pack_padded_sequence for as many epochs as seqbench trained it, keeps the best weights, computes every
metric of the test split, fits the baselines, and writes a line and the weights. Planning the cells and making its
lists of tensors is taken off its time. The ratio is the loop's time over seqbench's, the median of rounds.

Core utilisation is the CPU time of the worker processes between the first cell's start and the last cell's end, over
that time and the number of cores; with all of the run's processes, MLflow's thread in the parent counts too.
"""

from __future__ import annotations

import sys
from statistics import median

from figures import Figure, Setting, at_least
from grids import Run, arguments, prepare_data, run_grid, write_epochs
from pairs import alternate, answer, ratio, seconds_of, spread
from seqbench.hardware import probe

ROUNDS = 3
GOAL = 2.5
GOAL_UTILISATION = 90.0


def measure(setting: Setting) -> list[Figure]:
    """The ratio, and how busy the cores were."""
    prepare_data()
    runs: list[Run] = []
    epochs = setting.folder / "epochs.json"

    def ours() -> float:
        runs.append(run_grid(setting))
        write_epochs(epochs, runs[-1].records)
        return runs[-1].seconds

    def script() -> float:
        request = {"epochs": str(epochs), "seeds": "0" if setting.quick else None, "folder": str(setting.folder)}
        told: dict[str, float] = {}
        whole = seconds_of(lambda: told.update(answer(sys.executable, "peers.grid_script", request, setting.folder)))
        return whole - told["conversion_seconds"]

    seconds = alternate({"seqbench": ours, "script": script}, setting.rounds(ROUNDS))
    cells = len(runs[0].records)
    detail = f"{spread(seconds['script'], seconds['seqbench'])}, {cells} cells {' '.join(arguments(setting))}".rstrip()
    return [
        at_least("for-loop by the usual script / seqbench run", _ratio(seconds), "x", GOAL, detail),
        *_utilisation(runs),
    ]


def _ratio(seconds: dict[str, list[float]]) -> float:
    return ratio(seconds["script"], seconds["seqbench"])


def _utilisation(runs: list[Run]) -> list[Figure]:
    cores = probe().cores
    workers, everything, slots = [], [], []
    for run in runs:
        begin, end = run.span
        used, of_all = run.cpu_seconds()
        workers.append(100 * used / (cores * (end - begin)))
        everything.append(100 * of_all / (cores * (end - begin)))
        in_cells = sum(record.finished_at - record.started_at for record in run.records)
        slots.append(100 * in_cells / (cores * (end - begin)))
    begin, end = runs[-1].span
    outside = runs[-1].seconds - (end - begin)
    detail = (
        f"of {end - begin:.1f} s; all of the run's processes {median(everything):.1f}%, slots with a cell in them "
        f"{median(slots):.1f}%; before the first cell and after the last {outside:.1f} s"
    )
    return [at_least("core utilisation by workers", median(workers), "%", GOAL_UTILISATION, detail)]
