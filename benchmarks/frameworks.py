"""One cell by seqbench on one thread, beside the usual script and beside Lightning, both with default threads.

Each training is a process of its own; imports, data and building the network are not counted. The script has a Dataset
of tensors, a DataLoader that shuffles and pads, and pack_padded_sequence (windows of one length are not packed);
`lightning.Trainer` has the same network and loader, with its own logger, checkpoints and progress bar. All do the
same number of epochs and steps with the same sizes, optimiser, schedule, clipping, augmentation and validation. A ratio
is the other's time over seqbench's, the median of rounds.

Embedded recordings have one length, like windows of days, so that there is no padding to save. Recordings of unequal
length are those of the Free Spoken Digit Dataset, where the environment variable SEQBENCH_TEST_DATA names a folder with
`speech/fsdd`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cases import TASKS
from environments import UnavailableError, python_of
from figures import Figure, Setting, at_least, missing
from pairs import ONE_THREAD, alternate, answer, ratio, spread

MODEL = "lstm"
EPOCHS = {"sentiment": 4, "speech_commands": 4, "stock_forecasting": 10}
ROUNDS = 5
GOALS = {
    ("sentiment", "script"): 1.9,
    ("sentiment", "lightning"): 1.9,
    ("speech_commands", "script"): 1.9,
    ("speech_commands", "lightning"): 1.9,
    ("stock_forecasting", "lightning"): 1.3,
    ("stock_forecasting", "script"): 1.0,
}
NAMES = {"script": "DataLoader and packing", "lightning": "lightning.Trainer"}


def measure(setting: Setting) -> list[Figure]:
    """Ratios for each task and other."""
    pythons: dict[str, Path] = {"seqbench": Path(sys.executable), "script": Path(sys.executable)}
    figures = []
    try:
        pythons["lightning"] = python_of("requirements.txt", on_top=True)
    except UnavailableError as error:
        figures = [missing(_name(task, "lightning"), "x", str(error)) for task in TASKS]
    for task in TASKS:
        figures += _compared(task, pythons, setting)
    digits = Path(os.environ.get("SEQBENCH_TEST_DATA", "")) / "speech" / "fsdd"
    if digits.is_dir():
        figures += _compared("speech_commands", pythons, setting, str(digits.absolute()))
    else:
        name = _name("speech_commands", "script", unequal=True)
        figures.append(missing(name, "x", "SEQBENCH_TEST_DATA names no folder with speech/fsdd"))
    return figures


def _compared(task: str, pythons: dict[str, Path], setting: Setting, source: str | None = None) -> list[Figure]:
    epochs = 1 if setting.quick else EPOCHS[task]
    contestants: dict[str, Callable[[], float]] = {}
    last: dict[str, dict[str, Any]] = {}
    for who, python in pythons.items():
        contestants[who] = partial(_seconds, who, python, task, epochs, source, setting.folder, last)
    seconds = alternate(contestants, setting.rounds(ROUNDS))
    return [
        at_least(
            _name(task, who, unequal=source is not None),
            ratio(seconds[who], seconds["seqbench"]),
            "x",
            GOALS[task, who],
            f"{spread(seconds[who], seconds['seqbench'])}, {epochs} epochs, {MODEL}, "
            f"{last[who]['threads']} threads against {last['seqbench']['threads']}, best validation metric "
            f"{last[who]['metric']:.3g} and {last['seqbench']['metric']:.3g}",
        )
        for who in pythons
        if who != "seqbench"
    ]


def _name(task: str, who: str, *, unequal: bool = False) -> str:
    return f"{NAMES[who]} / seqbench, {task}{', unequal lengths' if unequal else ''}"


def _seconds(
    who: str,
    python: Path,
    task: str,
    epochs: int,
    source: str | None,
    folder: Path,
    last: dict[str, dict[str, Any]],
) -> float:
    request = {"who": who, "task": task, "model": MODEL, "epochs": epochs, "source": source}
    last[who] = answer(python, "peers.one_fit", request, folder, **(ONE_THREAD if who == "seqbench" else {}))
    return float(last[who]["seconds"])
