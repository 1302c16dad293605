"""The tasks' baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from benchopt import BaseSolver

from peers.benchopt_cases import grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from peers.usual_script import Data


class Solver(BaseSolver):
    """One baseline, on the tasks that have it."""

    name = "baseline"
    parameters: ClassVar[dict[str, list[str]]] = {
        "baseline": [
            *("majority", "tfidf_logistic_regression", "logistic_regression"),
            *("naive", "drift", "moving_average", "ar", "ridge"),
        ]
    }

    def skip(self, task: str, data: Data) -> tuple[bool, str | None]:
        """Is there no such baseline for the task?"""
        is_there = f"{task}/{self.baseline}/0" in grid()
        return not is_there, None if is_there else f"{task} has no baseline {self.baseline}"

    def set_objective(self, task: str, data: Data) -> None:
        """Keep the cell."""
        self.case = grid()[f"{task}/{self.baseline}/0"]

    def run(self, _: Any) -> None:
        """Fit it."""
        data = self.case.data
        self.predict = self.case.spec.baselines[self.baseline](data.train, data.validation, data.output)

    def get_result(self) -> dict[str, NDArray[np.float64]]:
        """Its outputs for the test split."""
        return {"outputs": np.asarray(self.predict(self.case.data.test), dtype=np.float64)}
