"""Models and tasks from what people already have: functions, modules, cells, estimators, data sets, tables.

Re-exports only, each loaded at first use (PEP 562): a plugin that uses one of them imports nothing heavy at discovery.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqbench.adapters.cells import model_from_cell
    from seqbench.adapters.estimators import model_from_estimator
    from seqbench.adapters.frames import task_from_frame
    from seqbench.adapters.functions import model_from_function
    from seqbench.adapters.hub_datasets import task_from_datasets
    from seqbench.adapters.modules import model_from_module
    from seqbench.adapters.torch_datasets import task_from_dataset

__all__ = [
    "model_from_cell",
    "model_from_estimator",
    "model_from_function",
    "model_from_module",
    "task_from_dataset",
    "task_from_datasets",
    "task_from_frame",
]

_HOME_OF = {
    "model_from_cell": "cells",
    "model_from_estimator": "estimators",
    "model_from_function": "functions",
    "model_from_module": "modules",
    "task_from_dataset": "torch_datasets",
    "task_from_datasets": "hub_datasets",
    "task_from_frame": "frames",
}


def __getattr__(name: str) -> Any:
    """Load a name from its module at first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'seqbench.adapters' has no attribute {name!r}")
    value = getattr(import_module(f"seqbench.adapters.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
