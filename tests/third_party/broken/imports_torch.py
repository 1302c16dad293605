"""A model whose file imports torch as soon as it is discovered."""

from __future__ import annotations

import torch
from torch import nn

from seqbench import Classes, Dense, ModelSpec, hookimpl
from seqbench.nn import SequenceModel, last_state


class Encoder(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.size = 8
        self.recurrent = nn.GRU(features, self.size, batch_first=True)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states, _ = self.recurrent(x)
        return states, last_state(states, lengths)


def build(input: Dense, output: Classes, params: object) -> nn.Module:
    return SequenceModel(input, output, Encoder)


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    return [ModelSpec("imports_torch", build, accepts=("dense",))]
