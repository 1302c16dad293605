"""The recurrences written out in NumPy, one step and one equation at a time: what the trained modules must equal.

Elman: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990).
LSTM: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997), with the forget gate of
F. Gers, J. Schmidhuber and F. Cummins, Learning to forget, Neural Computation 12 (2000).
GRU: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP (2014), in the variant that
multiplies the reset gate after the recurrent product.
Both directions: M. Schuster and K. Paliwal, Bidirectional recurrent neural networks, IEEE Trans. SP 45 (1997).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = Mapping[str, Array]
Step = Callable[[Array, Array, Array, Weights], tuple[Array, Array]]
"""`step(x, h, c, weights) -> (h, c)` for one example; cells without c pass it through."""


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


def elman(nonlinearity: str) -> Step:
    """h_t = f(W x_t + b + U h_{t-1} + d)."""

    def step(x: Array, h: Array, c: Array, w: Weights) -> tuple[Array, Array]:
        total = w["weight_ih"] @ x + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"]
        return (np.tanh(total) if nonlinearity == "tanh" else np.maximum(total, 0)), c

    return step


def lstm(x: Array, h: Array, c: Array, w: Weights) -> tuple[Array, Array]:
    """Gates i, f, g, o of W x + b + U h + d; c' = f c + i g; h' = o tanh(c')."""
    i, f, g, o = np.split(w["weight_ih"] @ x + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"], 4)
    after = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(after), after


def gru(x: Array, h: Array, c: Array, w: Weights) -> tuple[Array, Array]:
    """r, z gates; n = tanh(W_n x + b_n + r (U_n h + d_n)); h' = (1 - z) n + z h."""
    from_x = np.split(w["weight_ih"] @ x + w["bias_ih"], 3)
    from_h = np.split(w["weight_hh"] @ h + w["bias_hh"], 3)
    r, z = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
    n = np.tanh(from_x[2] + r * from_h[2])
    return (1 - z) * n + z * h, c


def read(step: Step, sequence: Array, weights: Weights) -> Array:
    """The states `[time, size]` of one sequence `[time, features]`, from zeros."""
    size = weights["weight_hh"].shape[1]
    h, c = np.zeros(size), np.zeros(size)
    states = []
    for x in sequence:
        h, c = step(x, h, c, weights)
        states.append(h)
    return np.array(states)


def layer_weights(state: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The four arrays of one torch layer, by their names without the layer's suffix."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {name: state[f"{prefix}.{name}_l0"] for name in names}


def encode(step: Step, sequence: Array, state: Mapping[str, Array], layers: int, both: bool) -> tuple[Array, Array]:
    """`(states, last)` of a stack of layers, in one or both directions."""
    last = np.zeros(0)
    for depth in range(layers):
        if not both:
            sequence = read(step, sequence, layer_weights(state, f"encoder.layers.{depth}"))
            last = sequence[-1]
            continue
        ahead = read(step, sequence, layer_weights(state, f"encoder.forwards.{depth}"))
        behind = read(step, sequence[::-1], layer_weights(state, f"encoder.backwards.{depth}"))
        last = np.concatenate([ahead[-1], behind[-1]])
        sequence = np.concatenate([ahead, behind[::-1]], axis=1)
    return sequence, last


def pool(mode: str, states: Array, last: Array, state: Mapping[str, Array]) -> Array:
    """The states of one sequence as one vector."""
    if mode == "last":
        return last
    if mode == "attention":
        scores = states @ state["pooling.score.weight"][0] + state["pooling.score.bias"]
        weights = np.exp(scores - scores.max())
        return np.asarray((weights / weights.sum()) @ states)
    parts = {"mean": states.mean(0), "max": states.max(0)}
    return np.concatenate([parts[name] for name in ("mean", "max") if name in mode])


def outputs(
    step: Step, sequences: list[Array], state: Mapping[str, Array], *, layers: int, both: bool, pooling: str
) -> Array:
    """What the whole model gives for each sequence: token numbers are embedded, states pooled, the head applied."""
    rows: list[Any] = []
    for sequence in sequences:
        embedded = state["embedding.weight"][sequence] if "embedding.weight" in state else sequence
        pooled = pool(pooling, *encode(step, embedded, state, layers, both), state)
        rows.append(state["head.weight"] @ pooled + state["head.bias"])
    return np.array(rows)


def cross_entropy(scores: Array, targets: NDArray[np.int64]) -> float:
    """Mean of -log softmax(scores)[target]."""
    shifted = scores - scores.max(1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(-log_probability[np.arange(len(targets)), targets].mean())


def mean_squared_error(scores: Array, targets: Array) -> float:
    """Mean of (score - target)^2."""
    return float(((scores - targets) ** 2).mean())
