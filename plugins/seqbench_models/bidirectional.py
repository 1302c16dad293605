"""An RNN, LSTM or GRU that reads in both directions (Schuster & Paliwal 1997)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from seqbench import Input, ModelSpec, Output
from seqbench_models.params import GatedParams

if TYPE_CHECKING:
    from torch import nn


class BidirectionalParams(GatedParams):
    """Those of every recurrent model, and the cell. hidden_size is per direction."""

    cell: Literal["rnn", "lstm", "gru"] = Field(default="lstm")
    nonlinearity: Literal["tanh", "relu"] = Field(default="tanh", description="of cell = rnn")


def build(input: Input, output: Output, params: BidirectionalParams) -> nn.Module:
    """The model; `forward(x, lengths) -> float[batch, output.size]`."""
    from torch import nn

    from seqbench_models.recurrent import BidirectionalStack, build_recurrent

    def layer(features: int, size: int) -> nn.RNNBase:
        if params.cell == "rnn":
            return nn.RNN(features, size, batch_first=True, nonlinearity=params.nonlinearity)
        return (nn.LSTM if params.cell == "lstm" else nn.GRU)(features, size, batch_first=True)

    return build_recurrent(input, output, params, layer, BidirectionalStack)


SPEC = ModelSpec("bidirectional", build, BidirectionalParams, about="RNN, LSTM or GRU in both directions")
