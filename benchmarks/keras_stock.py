"""The textbook stock recipe (examples/stock_lstm_textbook.toml) beside the same network in Keras on TensorFlow.

Two LSTM layers of 4 units and a dense one, one window of one close at a time, Adam, one epoch after the other: by
seqbench on one thread, and by `Sequential`, `compile` and `fit` with Keras's defaults in a process and a virtual
environment of its own, on the same windows. Counted is the median wall time of an epoch without the first, in which
Keras traces its graph and both warm up. A ratio is Keras's time over seqbench's, the median of rounds.
"""

from __future__ import annotations

import sys

import numpy as np

from cases import cases
from environments import UnavailableError, python_of
from figures import Figure, Setting, at_least, missing
from pairs import HERE, ONE_THREAD, alternate, answer, ratio, spread

NAME = "Keras on TensorFlow / seqbench, an epoch of the textbook recipe"
RUN_FILE = HERE.parent / "examples" / "stock_lstm_textbook.toml"
EPOCHS = 4
ROUNDS = 5
GOAL = 2.0


def measure(setting: Setting) -> list[Figure]:
    """One ratio."""
    try:
        python = python_of("requirements-keras.txt", on_top=False)
    except UnavailableError as error:
        return [missing(NAME, "x", str(error))]
    given = cases({"seeds": "0", "baselines": False}, run_file=RUN_FILE)[0]
    train = given.data.train
    windows = np.stack([train.example(index) for index in range(len(train))])
    np.save(setting.folder / "windows.npy", windows)
    np.save(setting.folder / "targets.npy", train.targets)
    epochs = 2 if setting.quick else EPOCHS
    facts: dict[str, str] = {}

    def keras() -> float:
        request = {
            "windows": str(setting.folder / "windows.npy"),
            "targets": str(setting.folder / "targets.npy"),
            "units": given.cell.model_params["hidden_size"],
            "layers": given.cell.model_params["num_layers"],
            "batch_size": given.config.batch_size,
            "epochs": epochs,
        }
        told = answer(python, "peers.keras_script", request, setting.folder, TF_CPP_MIN_LOG_LEVEL="3")
        facts["versions"] = told["versions"]
        return float(np.median(told["seconds"][1:]))

    def ours() -> float:
        request = {"run_file": str(RUN_FILE), "epochs": epochs}
        told = answer(sys.executable, "peers.textbook", request, setting.folder, **ONE_THREAD)
        return float(np.median(told["seconds"][1:]))

    seconds = alternate({"seqbench": ours, "keras": keras}, setting.rounds(ROUNDS))
    detail = f"{spread(seconds['keras'], seconds['seqbench'])} an epoch of {len(train)} steps; {facts['versions']}"
    return [at_least(NAME, ratio(seconds["keras"], seconds["seqbench"]), "x", GOAL, detail)]
