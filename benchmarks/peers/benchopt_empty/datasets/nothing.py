"""A handful of examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Eight numbers."""

    name = "nothing"

    def get_data(self) -> dict[str, Any]:
        """The examples."""
        return {"examples": np.arange(8.0)}
