"""The embedded data of each task, prepared before."""

from __future__ import annotations

from typing import Any, ClassVar

from benchopt import BaseDataset

from peers.benchopt_cases import data_of


class Dataset(BaseDataset):
    """One task's datasets of tensors."""

    name = "builtin"
    parameters: ClassVar[dict[str, list[str]]] = {"task": ["sentiment", "speech_commands", "stock_forecasting"]}

    def get_data(self) -> dict[str, Any]:
        """The task and its data."""
        return {"task": self.task, "data": data_of(self.task)}
