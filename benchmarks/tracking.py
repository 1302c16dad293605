"""What MLflow adds to the default run: `seqbench run` as it is, and the same without the MLflow plugin, in turn.

Both are whole processes, from start to exit, with the data prepared before. As it is, the run logs every cell to SQLite
in its results folder, uploads files and plots, and at the end waits until all is there. The figure is the median, over
rounds, of the time with MLflow over that without, less one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from figures import Figure, Setting, at_most
from grids import arguments, prepare_data, run_grid
from pairs import alternate, ratio, spread

ROUNDS = 3
GOAL = 2.0
UNTRACKED: Sequence[str] = (sys.executable, "-m", "peers.untracked")


def measure(setting: Setting) -> list[Figure]:
    """Per cent."""
    prepare_data()
    seconds = alternate(
        {
            "with": lambda: run_grid(setting).seconds,
            "without": lambda: run_grid(setting, UNTRACKED).seconds,
        },
        setting.rounds(ROUNDS),
    )
    added = 100 * (ratio(seconds["with"], seconds["without"]) - 1)
    detail = f"{spread(seconds['with'], seconds['without'])} {' '.join(arguments(setting))}".rstrip()
    return [at_most("MLflow's part of the default run", added, "%", GOAL, detail)]
