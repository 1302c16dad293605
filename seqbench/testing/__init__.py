"""The conformance kit: is a model or task plugin right? For tests, for notebooks, and behind `seqbench check`.

Importing this imports no torch.
"""

from __future__ import annotations

from seqbench.testing.findings import Check, Finding, Report
from seqbench.testing.inspection import Inspection, check_model, check_task
from seqbench.testing.model_checks import MODEL_CHECKS
from seqbench.testing.pytest_cases import ModelTests, TaskTests
from seqbench.testing.task_checks import TASK_CHECKS

__all__ = [
    "MODEL_CHECKS",
    "TASK_CHECKS",
    "Check",
    "Finding",
    "Inspection",
    "ModelTests",
    "Report",
    "TaskTests",
    "check_model",
    "check_task",
]
