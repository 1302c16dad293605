"""Start-up: help, the list of plugins with 50 installed, and how long until the first cell has trained an epoch.

Whole processes, the median of rounds after one that is not counted: Python is compiled, as pip leaves it, and the data
is prepared. The plugins are 50 distributions with entry points, each a package of its own. The first cell is timed
from the start of the process until the parent hears of its first epoch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from figures import Figure, Setting, at_most
from processes import seqbench

PLUGINS = 50
ROUNDS = 5
HELP_SECONDS = 0.4
PLUGINS_SECONDS = 0.6
FIRST_CELL_SECONDS = 8.0

PLUGIN = '''"""A model of a package of its own."""
from dataclasses import dataclass
from seqbench import ModelSpec, hookimpl

@dataclass(frozen=True)
class Params:
    hidden_size: int = 64

def build(input, output, params):
    from torch import nn
    raise NotImplementedError(nn)

@hookimpl
def seqbench_models():
    return [ModelSpec("{name}", build, Params, about="one of many")]
'''

OBSERVER = '''"""Writes down when the first epoch is heard of."""
import os, time
from pathlib import Path
from seqbench import hookimpl

@hookimpl
def seqbench_epoch_finished(cell, epoch):
    heard = Path(os.environ["HEARD_AT"])
    if not heard.exists():
        heard.write_text(str(time.time()))
'''


def measure(setting: Setting) -> list[Figure]:
    """Seconds of each."""
    folder = setting.folder
    rounds = setting.rounds(ROUNDS)
    site = _installed(folder / "site")
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(site)]))
    listed = seqbench(folder, "plugins", PYTHONPATH=path).output.read_text()
    if listed.count("many_") < PLUGINS:
        raise RuntimeError(f"not all plugins were found: {listed[-500:]}")
    observer = folder / "observer.py"
    observer.write_text(OBSERVER)
    return [
        _figure("seqbench --help", HELP_SECONDS, rounds, lambda _: seqbench(folder, "--help").seconds),
        _figure(
            f"seqbench plugins, {PLUGINS} installed",
            PLUGINS_SECONDS,
            rounds,
            lambda _: seqbench(folder, "plugins", PYTHONPATH=path).seconds,
        ),
        _figure(
            "first epoch of the first cell", FIRST_CELL_SECONDS, rounds, lambda number: _first_cell(folder, number)
        ),
    ]


def _figure(name: str, limit: float, rounds: int, seconds: Callable[[int], float]) -> Figure:
    seconds(0)
    measured = [seconds(number) for number in range(1, rounds + 1)]
    return at_most(name, median(measured), "s", limit, ", ".join(f"{value:.2f}" for value in measured))


def _first_cell(folder: Path, number: int) -> float:
    """Seconds until the first epoch of a small model on the embedded data is heard of."""
    heard, begin = folder / f"heard-{number}", time.time()
    cell = ("--tasks", "stock_forecasting", "--models", "lstm", "--seeds", "0", "--no-baselines")
    observed = ("--plugin", str(folder / "observer.py"), "--results", str(folder / f"first-{number}"))
    seqbench(folder, "run", *cell, *observed, "--set", "trainer.max_epochs=1", HEARD_AT=str(heard))
    return float(heard.read_text()) - begin


def _installed(site: Path) -> Path:
    """A folder with packages and the metadata that pip would write for them."""
    for number in range(PLUGINS):
        name = f"many_{number:02}"
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text(PLUGIN.format(name=name))
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[seqbench]\n{name} = {name}\n")
    return site
