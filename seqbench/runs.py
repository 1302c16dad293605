"""What observers are told of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqbench.config import RunConfig
    from seqbench.store import Store


@dataclass(frozen=True)
class Run:
    """One call of `seqbench run`: its checked configuration, where its results go, and what it runs on.

    config: of the run, checked. store: of its results folder. command: as typed. tracking_uri: MLflow's, the results
    folder's own database unless told otherwise. workers: processes, or what an executor has in their place.
    devices: what cells run on (`cpu`, `cuda:0`). plugin_files: plugins that are not installed.
    """

    config: RunConfig
    store: Store
    tracking_uri: str
    command: str
    workers: int
    devices: tuple[str, ...]
    plugin_files: tuple[str, ...] = ()

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.store.folder
