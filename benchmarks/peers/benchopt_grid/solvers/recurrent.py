"""The recurrent models, each trained by the usual script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from benchopt import BaseSolver

from peers.benchopt_cases import SEEDS, epochs, grid
from peers.usual_script import VALIDATION_BATCH, Data, network_of, outputs_of, train

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Solver(BaseSolver):
    """One model and seed."""

    name = "recurrent"
    parameters: ClassVar[dict[str, list[Any]]] = {
        "model": ["rnn", "lstm", "gru", "bidirectional"],
        "seed": [int(seed) for seed in SEEDS.split(",")],
    }

    def set_objective(self, task: str, data: Data) -> None:
        """Build the network."""
        self.data, self.cell = data, f"{task}/{self.model}/{self.seed}"
        self.case = grid()[self.cell]
        self.network = network_of(self.case)

    def run(self, _: Any) -> None:
        """Train it."""
        train(self.network, self.case, self.data, epochs()[self.cell])

    def get_result(self) -> dict[str, NDArray[np.float64]]:
        """Its outputs for the test split."""
        loader = self.data.loader(self.data.test, VALIDATION_BATCH)
        return {"outputs": outputs_of(self.network, self.data, loader)}
