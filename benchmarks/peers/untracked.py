"""The command line of seqbench as it is where the MLflow plugin is not installed."""

from __future__ import annotations

from importlib.metadata import EntryPoints, entry_points
from typing import Any

from seqbench import registry
from seqbench.cli import main


def without_mlflow(**query: Any) -> EntryPoints:
    """Seqbench's installed entry points but MLflow's."""
    return EntryPoints(point for point in entry_points(group=registry.GROUP) if point.name != "mlflow")


if __name__ == "__main__":
    vars(registry)["entry_points"] = without_mlflow
    main()
