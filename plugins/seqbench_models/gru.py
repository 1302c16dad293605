"""The gated recurrent unit (Cho et al. 2014), its reset gate applied after the recurrent product, as cuDNN has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench import Input, ModelSpec, Output
from seqbench_models.params import RecurrentParams

if TYPE_CHECKING:
    from torch import nn


def build(input: Input, output: Output, params: RecurrentParams) -> nn.Module:
    """The model; `forward(x, lengths) -> float[batch, output.size]`.

    r, z = sigmoid(W x_t + U h_{t-1} + b), n = tanh(W x_t + b + r (U h_{t-1} + c)), h_t = (1 - z) n + z h_{t-1}.
    """
    from torch import nn

    from seqbench_models.recurrent import build_recurrent

    return build_recurrent(input, output, params, lambda features, size: nn.GRU(features, size, batch_first=True))


SPEC = ModelSpec("gru", build, RecurrentParams, causal=True, about="gated recurrent unit (Cho et al. 2014)")
