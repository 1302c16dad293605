"""The default grid as a benchopt benchmark: every metric of the test split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchopt import BaseObjective

from peers.benchopt_cases import grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Objective(BaseObjective):
    """How well a task's test split is predicted."""

    name = "grid"
    min_benchopt_version = "1.10"
    sampling_strategy = "run_once"

    def set_data(self, task: str, data: Any) -> None:
        """Keep the task."""
        self.task, self.data = task, data

    def get_objective(self) -> dict[str, Any]:
        """What a solver is given."""
        return {"task": self.task, "data": self.data}

    def evaluate_result(self, outputs: NDArray[np.float64]) -> dict[str, float]:
        """All metrics; `value` is the primary one, the lower the better."""
        case = next(case for case in grid().values() if case.cell.task == self.task)
        spec = case.spec
        scores = {name: float(metric(outputs, case.data.test)) for name, metric in spec.metrics.items()}
        return {"value": (-1 if spec.higher_is_better else 1) * scores[spec.primary], **scores}
