"""The objective of a benchopt benchmark whose cells do nothing."""

from __future__ import annotations

from typing import Any

from benchopt import BaseObjective


class Objective(BaseObjective):
    """One number."""

    name = "empty"
    min_benchopt_version = "1.10"
    sampling_strategy = "run_once"

    def set_data(self, examples: Any) -> None:
        """Keep the examples."""
        self.examples = examples

    def get_objective(self) -> dict[str, Any]:
        """What a solver is given."""
        return {"examples": self.examples}

    def evaluate_result(self, score: float) -> dict[str, float]:
        """The score as it is."""
        return {"value": score}

    def get_one_result(self) -> dict[str, float]:
        """A result."""
        return {"score": 0.0}
