"""The facade for plugin authors: re-exports only, loaded at first use, so that importing it costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqbench.adapters import (
        model_from_cell,
        model_from_estimator,
        model_from_function,
        model_from_module,
        task_from_dataset,
        task_from_datasets,
        task_from_frame,
    )
    from seqbench.api import run
    from seqbench.errors import ConfigError, DataError, SeqbenchError, SpecError
    from seqbench.hookspecs import hookimpl
    from seqbench.progress import track
    from seqbench.results import Results
    from seqbench.sequences import SequenceSet
    from seqbench.sources import expand, walk_files
    from seqbench.spec import (
        Classes,
        Dense,
        Forecast,
        Input,
        ModelSpec,
        NoParams,
        Output,
        Serving,
        TaskData,
        TaskSpec,
        Tokens,
    )
    from seqbench.version import INTERFACE_VERSION, __version__

__all__ = [
    "INTERFACE_VERSION",
    "Classes",
    "ConfigError",
    "DataError",
    "Dense",
    "Forecast",
    "Input",
    "ModelSpec",
    "NoParams",
    "Output",
    "Results",
    "SeqbenchError",
    "SequenceSet",
    "Serving",
    "SpecError",
    "TaskData",
    "TaskSpec",
    "Tokens",
    "__version__",
    "expand",
    "hookimpl",
    "model_from_cell",
    "model_from_estimator",
    "model_from_function",
    "model_from_module",
    "run",
    "task_from_dataset",
    "task_from_datasets",
    "task_from_frame",
    "track",
    "walk_files",
]

_HOMES = {
    "seqbench.adapters": (
        "model_from_cell",
        "model_from_estimator",
        "model_from_function",
        "model_from_module",
        "task_from_dataset",
        "task_from_datasets",
        "task_from_frame",
    ),
    "seqbench.api": ("run",),
    "seqbench.errors": ("ConfigError", "DataError", "SeqbenchError", "SpecError"),
    "seqbench.hookspecs": ("hookimpl",),
    "seqbench.progress": ("track",),
    "seqbench.results": ("Results",),
    "seqbench.sequences": ("SequenceSet",),
    "seqbench.sources": ("expand", "walk_files"),
    "seqbench.version": ("INTERFACE_VERSION", "__version__"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a re-exported name from its module at first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'seqbench' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF.get(name, "seqbench.spec")), name)
    globals()[name] = value
    return value
