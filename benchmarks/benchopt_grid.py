"""The default grid by `seqbench run` beside the same grid written as a benchopt benchmark, in its own parallel mode.

Both are whole processes, from start to exit, with the data prepared before. benchopt: a dataset for each task, a solver
for the recurrent models (trained by the usual script: DataLoader, pack_padded_sequence, for as many epochs as seqbench
trained the cell) with model and seed as parameters, a solver for the baselines; each cell runs once, `-j` as many
processes as there are cores, its cache and result file as they are by default, no plot. The ratio is benchopt's time
over seqbench's, the median of rounds.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from environments import UnavailableError, python_of
from figures import Figure, Setting, missing
from grids import arguments, prepare_data, run_grid, write_epochs
from pairs import HERE, alternate, ratio, run, spread
from seqbench.hardware import probe
from seqbench.records import CellRecord

NAME = "benchopt run / seqbench run"
BENCHMARK = HERE / "peers" / "benchopt_grid"
ROUNDS = 3


def measure(setting: Setting) -> list[Figure]:
    """The ratio of wall times."""
    try:
        python = python_of("requirements.txt", on_top=True)
    except UnavailableError as error:
        return [missing(NAME, "x", str(error))]
    prepare_data()
    epochs = setting.folder / "epochs.json"
    records: list[CellRecord] = []
    cells: list[int] = []

    def ours() -> float:
        done = run_grid(setting)
        records[:] = done.records
        write_epochs(epochs, done.records)
        return done.seconds

    def benchopt() -> float:
        beside = Path(tempfile.mkdtemp(dir=setting.folder))
        shutil.copytree(BENCHMARK, beside / "benchmark")
        results = beside / "out" / "results.parquet"
        command = [str(python), "-m", "benchopt", "run", str(beside / "benchmark"), "--no-plot", "--no-display"]
        command += ["--no-timeout", "-j", str(probe().cores), "--output", str(results)]
        seconds = run(command, beside, GRID_EPOCHS=str(epochs), GRID_SEEDS="0" if setting.quick else "0,1,2")
        cells.append(len(pd.read_parquet(results)))
        shutil.rmtree(beside)
        return seconds

    seconds = alternate({"seqbench": ours, "benchopt": benchopt}, setting.rounds(ROUNDS))
    if set(cells) != {len(records)}:
        raise ValueError(f"benchopt ran {cells} cells, seqbench {len(records)}")
    detail = f"{spread(seconds['benchopt'], seconds['seqbench'])}, {cells[0]} cells {' '.join(arguments(setting))}"
    return [Figure(NAME, ratio(seconds["benchopt"], seconds["seqbench"]), "x", detail=detail.rstrip())]
