"""What a cell costs beside its training: cells that train nothing, by `seqbench run` and by `benchopt run`.

Whole processes, from start to exit, in a new folder each time. seqbench: two isolated worker processes, a model of one
number, one step, and for each cell its predictions, weights, log and a record synced to disk. The goal is for seqbench
without MLflow, since benchopt logs to no tracker; with MLflow, as it is by default, is told beside it. benchopt: a
solver that does nothing, `run_once`, in turn (its default) and with `-j 2`, its cache and result file as they are, no
plot. Milliseconds a cell are the difference between many cells and few, over the difference in their number, so
start-up is not in them; the median of rounds.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from environments import UnavailableError, python_of
from figures import Figure, Setting, at_most, missing
from pairs import HERE, alternate, run, seqbench
from tracking import UNTRACKED

PLUGIN = HERE / "peers" / "empty_plugin.py"
BENCHMARK = HERE / "peers" / "benchopt_empty"
FEW, SOME, MANY = 100, 200, 400
ROUNDS = 3
GOAL = 10.0
WITH, WITHOUT = "seqbench", "seqbench without MLflow"


def measure(setting: Setting) -> list[Figure]:
    """Milliseconds a cell, and seconds for 200."""
    contestants: dict[str, Callable[[int], float]] = {
        WITH: partial(_seqbench, setting.folder, tuple(seqbench())),
        WITHOUT: partial(_seqbench, setting.folder, tuple(UNTRACKED)),
    }
    figures: list[Figure] = []
    try:
        python = python_of("requirements.txt", on_top=True)
        contestants["benchopt"] = partial(_benchopt, setting.folder, python, 1)
        contestants["benchopt -j 2"] = partial(_benchopt, setting.folder, python, 2)
    except UnavailableError as error:
        figures.append(missing("benchopt", "ms", str(error)))
    divisor = 10 if setting.quick else 1
    works = {
        (name, count): partial(work, count // divisor)
        for name, work in contestants.items()
        for count in (FEW, SOME, *(() if name == WITH else (MANY,)))
    }
    seconds = alternate(works, setting.rounds(ROUNDS))
    for name in contestants:
        figures += _figures(name, {count: seconds[one, count] for one, count in works if one == name}, divisor)
    return figures


def _figures(name: str, seconds: Mapping[int, Sequence[float]], divisor: int) -> list[Figure]:
    """A contestant's milliseconds a cell, and its seconds for some; seconds: by number of cells."""
    few, many = min(seconds), max(seconds)
    per_cell = 1000 * divisor / (many - few)
    value = median(per_cell * (high - low) for low, high in zip(seconds[few], seconds[many], strict=True))
    told = ", ".join(f"{median(rounds):.2f} s for {count // divisor} cells" for count, rounds in seconds.items())
    title = f"{name}: an empty cell"
    return [
        at_most(title, value, "ms", GOAL, told) if name == WITHOUT else Figure(title, value, "ms", detail=told),
        Figure(f"{name}: {SOME // divisor} empty cells, start-up included", median(seconds[SOME]), "s"),
    ]


def _seqbench(folder: Path, command: tuple[str, ...], cells: int) -> float:
    beside = Path(tempfile.mkdtemp(dir=folder))
    options = ("--plugin", str(PLUGIN), "--models", "empty", "--tasks", "nothing", "--seeds", f"0-{cells - 1}")
    seconds = run([*command, "run", *options, "--workers", "2", "--results", str(beside / "results")], beside)
    shutil.rmtree(beside)
    return seconds


def _benchopt(folder: Path, python: Path, jobs: int, cells: int) -> float:
    beside = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(BENCHMARK, beside / "benchmark")
    command = [str(python), "-m", "benchopt", "run", str(beside / "benchmark"), "--no-plot", "--no-display"]
    seconds = run([*command, *(["-j", str(jobs)] if jobs > 1 else [])], beside, EMPTY_CELLS=str(cells))
    shutil.rmtree(beside)
    return seconds
