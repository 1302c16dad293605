"""The Elman network: h_t = f(W x_t + b + U h_{t-1} + c) (Elman 1990)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from seqbench import Input, ModelSpec, Output
from seqbench_models.params import RecurrentParams

if TYPE_CHECKING:
    from torch import nn


class RnnParams(RecurrentParams):
    """Those of every recurrent model, and the nonlinearity f."""

    nonlinearity: Literal["tanh", "relu"] = Field(default="tanh")


def build(input: Input, output: Output, params: RnnParams) -> nn.Module:
    """The model; `forward(x, lengths) -> float[batch, output.size]`."""
    from torch import nn

    from seqbench_models.recurrent import build_recurrent

    def layer(features: int, hidden_size: int) -> nn.RNNBase:
        return nn.RNN(features, hidden_size, batch_first=True, nonlinearity=params.nonlinearity)

    return build_recurrent(input, output, params, layer)


SPEC = ModelSpec("rnn", build, RnnParams, causal=True, about="Elman network (Elman 1990), tanh or relu")
