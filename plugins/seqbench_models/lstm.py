"""Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench import Input, ModelSpec, Output
from seqbench_models.params import GatedParams

if TYPE_CHECKING:
    from torch import nn


def build(input: Input, output: Output, params: GatedParams) -> nn.Module:
    """The model; `forward(x, lengths) -> float[batch, output.size]`.

    i, f, o = sigmoid(W x_t + U h_{t-1} + b), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t).
    """
    from torch import nn

    from seqbench_models.recurrent import build_recurrent

    return build_recurrent(input, output, params, lambda features, size: nn.LSTM(features, size, batch_first=True))


SPEC = ModelSpec(
    "lstm", build, GatedParams, causal=True, about="long short-term memory with forget gate (Gers et al. 2000)"
)
