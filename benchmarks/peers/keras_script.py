"""The textbook recipe as tutorials write it in Keras, its epochs timed. Needs Keras on TensorFlow and NumPy alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import keras
import numpy as np

from pairs import answering


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.begin = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start."""
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop."""
        self.seconds.append(time.perf_counter() - self.begin)


def main(request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"windows", "targets", "units", "layers", "dropout", "batch_size", "epochs"}` → seconds of epochs, versions."""
    windows, targets = np.load(request["windows"]), np.load(request["targets"])
    layers, clock = int(request["layers"]), Clock()
    model = keras.Sequential([keras.Input(windows.shape[1:])])
    for depth in range(layers):
        model.add(keras.layers.LSTM(request["units"], return_sequences=depth < layers - 1))
        if request["dropout"]:
            model.add(keras.layers.Dropout(request["dropout"]))
    model.add(keras.layers.Dense(targets.shape[1]))
    model.compile(loss="mean_squared_error", optimizer="adam")
    model.fit(
        windows, targets, epochs=request["epochs"], batch_size=request["batch_size"], verbose=2, callbacks=[clock]
    )
    return {"seconds": clock.seconds, "versions": f"Keras {keras.__version__}, TensorFlow {_tensorflow()}"}


def _tensorflow() -> str:
    try:
        return version("tensorflow-cpu")
    except ModuleNotFoundError:
        return version("tensorflow")


if __name__ == "__main__":
    answering(main)
