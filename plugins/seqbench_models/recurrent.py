"""Stacks of recurrent layers in one or both directions, without packing: padding comes last, so it reaches no state.

torch.nn's layers are used one by one: `pack_padded_sequence` costs several times a padded forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seqbench import Input, Output
from seqbench.nn import SequenceModel, last_state, reverse_padded, size_for_budget
from seqbench_models.params import RecurrentParams

MakeLayer = Callable[[int, int], nn.RNNBase]
"""`make(features, hidden_size)` gives one batch-first layer."""


class RecurrentStack(nn.Module):
    """Layers in time's direction: an `Encoder` of seqbench.nn."""

    def __init__(self, make: MakeLayer, features: int, hidden_size: int, params: RecurrentParams) -> None:
        super().__init__()
        self.size = hidden_size
        sizes = [features] + [hidden_size] * (params.num_layers - 1)
        self.layers = nn.ModuleList(make(size, hidden_size) for size in sizes)
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`(states: float[batch, time, size], last: float[batch, size])`."""
        for depth, layer in enumerate(self.layers):
            x, _ = layer(self.dropout(x) if depth else x)
        return x, last_state(x, lengths)


class BidirectionalStack(nn.Module):
    """Layers in both directions, joined after each (Schuster & Paliwal 1997): an `Encoder` of seqbench.nn.

    The backward direction reads each sequence reversed within its own length, so it starts at its last real step.
    """

    def __init__(self, make: MakeLayer, features: int, hidden_size: int, params: RecurrentParams) -> None:
        super().__init__()
        self.size = 2 * hidden_size
        sizes = [features] + [self.size] * (params.num_layers - 1)
        self.forwards = nn.ModuleList(make(size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(make(size, hidden_size) for size in sizes)
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`(states: float[batch, time, size], last: float[batch, size])`; last joins each direction's last state."""
        ahead = behind = x
        for depth, (forwards, backwards) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            x = self.dropout(x) if depth else x
            ahead, _ = forwards(x)
            behind, _ = backwards(reverse_padded(x, lengths))
            x = torch.cat([ahead, reverse_padded(behind, lengths)], 2)
        return x, torch.cat([last_state(ahead, lengths), last_state(behind, lengths)], 1)


def build_recurrent(
    input: Input,
    output: Output,
    params: RecurrentParams,
    make: MakeLayer,
    stack: type[RecurrentStack | BidirectionalStack] = RecurrentStack,
) -> SequenceModel:
    """The whole model, its hidden size from `params.hidden_size` or else from the budget, and initialised."""

    def model(hidden_size: int) -> SequenceModel:
        return SequenceModel(
            input,
            output,
            lambda features: stack(make, features, hidden_size, params),
            pooling=params.pooling,
            dropout=params.dropout,
            embedding_size=params.embedding_size,
            configuration={"hidden_size": hidden_size},
        )

    built = model(params.hidden_size or size_for_budget(model, params.parameter_budget))
    _initialise(built, params, given=getattr(input, "vectors", None) is not None)
    return built


def _initialise(module: SequenceModel, params: RecurrentParams, *, given: bool) -> None:
    """`init` for every weight matrix but an embedding of `given` vectors, and the forget gates' biases."""
    kept = module.embedding.weight if given and module.embedding is not None else None
    with torch.no_grad():
        if params.init == "normal":
            for parameter in module.parameters():
                if parameter.dim() > 1 and parameter is not kept:
                    parameter.normal_(0.0, params.init_std)
        for part in module.modules():
            if isinstance(part, nn.LSTM):
                _set_forget_bias(part, getattr(params, "forget_bias", None))
            if isinstance(part, nn.Embedding):
                part.weight[0] = 0


def _set_forget_bias(layer: nn.LSTM, value: Any) -> None:
    """Both bias vectors are added, so one holds the value and the other nothing (Gers et al. 2000)."""
    if value is None:
        return
    gate = slice(layer.hidden_size, 2 * layer.hidden_size)
    biases = dict(layer.named_parameters())
    biases["bias_ih_l0"][gate] = value
    biases["bias_hh_l0"][gate] = 0
