"""Models for the toy task that are built when a test says so: each waits for a file of its name in `GATES`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench import Dense, Input, ModelSpec, Output, hookimpl

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Params:
    """hidden_size: unused, but the task sets it."""

    hidden_size: int = 8


def gated(name: str) -> Callable[[Input, Output, Params], nn.Module]:
    """A builder of a linear model of the mean over time."""

    def build(input: Input, output: Output, params: Params) -> nn.Module:
        from torch import nn

        while not (Path(os.environ["GATES"]) / name).exists():
            time.sleep(0.1)
        assert isinstance(input, Dense)
        features = input.features

        class Mean(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head = nn.Linear(features, output.size)

            def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
                scores: torch.Tensor = self.head(x.sum(1) / lengths[:, None])
                return scores

        return Mean()

    return build


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    """Offer the models."""
    return [ModelSpec(name, gated(name), Params, ("dense",), "waits") for name in ("first", "second", "third")]
