"""Textbook recipes for stocks beside the same networks in Keras on TensorFlow.

The small recipe is examples/stock_lstm_textbook.toml: two LSTM layers of 4 units, one window of one close at a time.
The deep one is the other that tutorials have, on the same closes: four LSTM layers of 50 units with a dropout of 0.2
after each, windows of 60 closes, 32 at a time. Both end in a dense layer and train with Adam, without validation: by
seqbench on one thread, and by `Sequential`, `compile` and `fit` with Keras's defaults in a process and a virtual
environment of its own, on the same windows. Counted is the median wall time of an epoch without the first, in which
Keras traces its graph and both warm up. A ratio is Keras's time over seqbench's, the median of rounds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cases import cases
from environments import UnavailableError, python_of
from figures import Figure, Setting, at_least, missing
from pairs import HERE, ONE_THREAD, alternate, answer, ratio, spread

RUN_FILE = HERE.parent / "examples" / "stock_lstm_textbook.toml"
EPOCHS = 4
ROUNDS = 5
GOAL = 2.0


@dataclass(frozen=True)
class Recipe:
    """A textbook recipe: a name, and what differs from the run file."""

    name: str
    settings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What its figure is called."""
        return f"Keras on TensorFlow / seqbench, an epoch of the {self.name} recipe"


RECIPES = (
    Recipe("small"),
    Recipe(
        "deep",
        (
            *("models.lstm.hidden_size=50", "models.lstm.num_layers=4", "models.lstm.dropout=0.2"),
            *("trainer.batch_size=32", "tasks.stock_forecasting.look_back=60"),
        ),
    ),
)


def measure(setting: Setting) -> list[Figure]:
    """A ratio for each recipe."""
    try:
        python = python_of("requirements-keras.txt", on_top=False)
    except UnavailableError as error:
        return [missing(recipe.title, "x", str(error)) for recipe in RECIPES]
    return [_compared(recipe, python, setting) for recipe in RECIPES]


def _compared(recipe: Recipe, python: Path, setting: Setting) -> Figure:
    epochs = 2 if setting.quick else EPOCHS
    settings = [*recipe.settings, f"trainer.max_epochs={epochs}"]
    given = cases({"seeds": "0", "baselines": False}, settings, RUN_FILE)[0]
    train, params = given.data.train, given.cell.model_params
    windows, targets = setting.folder / f"{recipe.name}-windows.npy", setting.folder / f"{recipe.name}-targets.npy"
    np.save(windows, np.stack([train.example(index) for index in range(len(train))]))
    np.save(targets, train.targets)
    network = {"units": params["hidden_size"], "layers": params["num_layers"], "dropout": params["dropout"]}
    training = {"batch_size": given.config.batch_size, "epochs": epochs}
    facts: dict[str, str] = {}

    def keras() -> float:
        request = {"windows": str(windows), "targets": str(targets), **network, **training}
        told = answer(python, "peers.keras_script", request, setting.folder, TF_CPP_MIN_LOG_LEVEL="3")
        facts["versions"] = told["versions"]
        return float(np.median(told["seconds"][1:]))

    def ours() -> float:
        request = {"run_file": str(RUN_FILE), "settings": settings}
        told = answer(sys.executable, "peers.textbook", request, setting.folder, **ONE_THREAD)
        return float(np.median(told["seconds"][1:]))

    seconds = alternate({"seqbench": ours, "keras": keras}, setting.rounds(ROUNDS))
    steps = -(-len(train) // given.config.batch_size)
    detail = f"{spread(seconds['keras'], seconds['seqbench'])}, an epoch of {steps} steps; {facts['versions']}"
    return at_least(recipe.title, ratio(seconds["keras"], seconds["seqbench"]), "x", GOAL, detail)
