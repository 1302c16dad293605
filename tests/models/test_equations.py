"""What is trained are the published equations: forward pass and gradient equal the reference's, to 1e-5 relative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import reference_cells as reference
from seqbench import Classes, Dense, Forecast, Input, Output, Tokens
from seqbench_models import seqbench_models

SPECS = {spec.name: spec for spec in seqbench_models()}
LENGTHS = [5, 3, 1, 4]
STEP = 1e-6
"""Of central differences; their error is about 1e-10 relative in float64."""

CASES: list[tuple[str, dict[str, Any], reference.Step]] = [
    ("rnn", {"nonlinearity": "tanh"}, reference.elman("tanh")),
    ("rnn", {"nonlinearity": "relu"}, reference.elman("relu")),
    ("lstm", {}, reference.lstm),
    ("gru", {}, reference.gru),
    ("bidirectional", {"cell": "rnn"}, reference.elman("tanh")),
    ("bidirectional", {"cell": "lstm"}, reference.lstm),
    ("bidirectional", {"cell": "gru"}, reference.gru),
]
NAMES = [" ".join([name, *map(str, params.values())]) for name, params, _ in CASES]
POOLINGS = ("last", "mean", "max", "mean_max", "attention")


def build(name: str, given: Input, output: Output, **params: Any) -> nn.Module:
    torch.manual_seed(3)
    spec = SPECS[name]
    return spec.build(given, output, spec.params(**{"hidden_size": 3, "embedding_size": 4, **params})).double().eval()


def examples(given: Input) -> tuple[list[NDArray[Any]], torch.Tensor, torch.Tensor]:
    """Sequences, and the same as a padded batch with lengths."""
    random = np.random.default_rng(5)
    sequences: list[NDArray[Any]]
    if isinstance(given, Dense):
        sequences = [random.normal(size=(length, given.features)) for length in LENGTHS]
        x = torch.zeros(len(LENGTHS), max(LENGTHS), given.features, dtype=torch.float64)
    else:
        sequences = [random.integers(1, given.vocabulary, length) for length in LENGTHS]
        x = torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.long)
    for row, sequence in enumerate(sequences):
        x[row, : len(sequence)] = torch.from_numpy(sequence)
    return sequences, x, torch.tensor(LENGTHS)


def numpy_state(module: nn.Module) -> dict[str, NDArray[np.float64]]:
    return {name: value.detach().numpy().copy() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("name", "params", "step"), CASES, ids=NAMES)
def test_forward(name: str, params: dict[str, Any], step: reference.Step, layers: int, pooling: str) -> None:
    """For each cell, depth and pooling, outputs for dense and token input equal the written-out recurrence."""
    for given in (Dense(2), Tokens(7)):
        module = build(name, given, Classes(("a", "b", "c")), num_layers=layers, pooling=pooling, **params)
        sequences, x, lengths = examples(given)
        expected = reference.outputs(
            step, sequences, numpy_state(module), layers=layers, both=name == "bidirectional", pooling=pooling
        )
        np.testing.assert_allclose(module(x, lengths).detach().numpy(), expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("kind", ["softmax", "linear"])
@pytest.mark.parametrize(("name", "params", "step"), CASES, ids=NAMES)
def test_gradient(name: str, params: dict[str, Any], step: reference.Step, kind: str) -> None:
    """The loss's gradient by every weight equals central differences of the reference, for both kinds of output."""
    given = Dense(2)
    output: Output = Classes(("a", "b", "c")) if kind == "softmax" else Forecast(2)
    pooling = "mean" if kind == "softmax" else "last"
    module = build(name, given, output, pooling=pooling, **params)
    sequences, x, lengths = examples(given)
    random = np.random.default_rng(6)
    targets: NDArray[Any]
    if kind == "softmax":
        targets = random.integers(0, 3, len(LENGTHS))
        loss = nn.functional.cross_entropy(module(x, lengths), torch.from_numpy(targets))
    else:
        targets = random.normal(size=(len(LENGTHS), 2))
        loss = nn.functional.mse_loss(module(x, lengths), torch.from_numpy(targets))
    torch.autograd.backward(loss)
    state = numpy_state(module)
    measure: Any = reference.cross_entropy if kind == "softmax" else reference.mean_squared_error

    def value() -> float:
        both = name == "bidirectional"
        scores = reference.outputs(step, sequences, state, layers=1, both=both, pooling=pooling)
        return float(measure(scores, targets))

    assert float(loss.detach()) == pytest.approx(value(), rel=1e-5)
    for weight, parameter in module.named_parameters():
        assert parameter.grad is not None, weight
        numeric = np.empty_like(state[weight])
        for place in np.ndindex(state[weight].shape):
            before = state[weight][place]
            state[weight][place] = before + STEP
            above = value()
            state[weight][place] = before - STEP
            numeric[place] = (above - value()) / (2 * STEP)
            state[weight][place] = before
        error = np.linalg.norm(numeric - parameter.grad.numpy()) / max(float(np.linalg.norm(numeric)), 1e-8)
        assert error < 1e-5, f"{weight}: {error}"
