"""A solver that trains nothing, once for each of as many seeds as EMPTY_CELLS says."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from benchopt import BaseSolver


class Solver(BaseSolver):
    """Gives 0."""

    name = "empty"
    parameters: ClassVar[dict[str, list[int]]] = {"seed": list(range(int(os.environ.get("EMPTY_CELLS", "1"))))}

    def set_objective(self, examples: Any) -> None:
        """Keep the examples."""
        self.examples = examples

    def run(self, _: Any) -> None:
        """Nothing."""
        self.score = 0.0

    def get_result(self) -> dict[str, float]:
        """The score."""
        return {"score": self.score}
