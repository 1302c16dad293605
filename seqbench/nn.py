"""What model authors share: embedding, pooling that padding cannot touch, a head, and sizes from a budget.

Import this inside `build` only: it imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from seqbench.spec import Dense, Forecast, Input, Output, Tokens

POOLINGS = ("auto", "last", "mean", "max", "mean_max", "attention")
MAX_HIDDEN_SIZE = 1 << 14


class Encoder(Protocol):
    """What reads a sequence.

    size: features of a state. `encoder(x: float[batch, time, features], lengths: long[batch])` gives
    `(states: float[batch, time, size], last: float[batch, size])`: the state after each step, and the one after the
    whole sequence. States at padded steps may be anything; no other state may depend on padding.
    """

    size: int

    def __call__(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Read the sequences."""


def padding_mask(lengths: Tensor, time: int) -> Tensor:
    """`bool[batch, time]`, true where a step belongs to its sequence."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def last_state(states: Tensor, lengths: Tensor) -> Tensor:
    """`states[b, lengths[b] - 1]`: `float[batch, features]`."""
    return states[torch.arange(len(lengths), device=lengths.device), lengths - 1]


def reverse_padded(x: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence of `x: [batch, time, features]` reversed within its length, by one gather.

    What stands at padded steps afterwards has no meaning. Applied twice it gives every sequence back.
    """
    steps = torch.arange(x.shape[1], device=x.device)
    source = (lengths[:, None] - 1 - steps).clamp(min=0)
    return x.gather(1, source[..., None].expand(-1, -1, x.shape[2]))


class Pooling(nn.Module):
    """`float[batch, time, size]` → `float[batch, self.size]`, over the steps that are no padding.

    mode: `last`, `mean`, `max`, `mean_max` (both, side by side), or `attention`: a learned softmax over time of one
    score per state (Yang et al. 2016, with the state itself as key).
    """

    def __init__(self, mode: str, size: int) -> None:
        super().__init__()
        self.mode = mode
        self.size = 2 * size if mode == "mean_max" else size
        self.score = nn.Linear(size, 1) if mode == "attention" else None

    def forward(self, states: Tensor, last: Tensor, lengths: Tensor) -> Tensor:
        """Pool the states of each sequence."""
        if self.mode == "last":
            return last
        mask = padding_mask(lengths, states.shape[1])[..., None]
        if self.score is not None:
            weights = self.score(states).masked_fill(~mask, -torch.inf).softmax(1)
            attended: Tensor = (weights * states.masked_fill(~mask, 0)).sum(1)
            return attended
        parts = []
        if "mean" in self.mode:
            parts.append(states.masked_fill(~mask, 0).sum(1) / lengths[:, None])
        if "max" in self.mode:
            parts.append(states.masked_fill(~mask, -torch.inf).amax(1))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def resolve_pooling(pooling: str, output: Output) -> str:
    """`auto` as what serves best: the last state for a forecast, mean and max side by side for classes."""
    if pooling != "auto":
        return pooling
    return "last" if isinstance(output, Forecast) else "mean_max"


def token_embedding(vocabulary: int, size: int) -> nn.Embedding:
    """An embedding whose vectors begin with length about 1; that of padding (token 0) is 0 and stays so.

    PyTorch's own unit variance per coordinate drowns what few examples teach.
    """
    embedding = nn.Embedding(vocabulary, size, padding_idx=0)
    with torch.no_grad():
        embedding.weight.mul_(size**-0.5)
    return embedding


def input_size(input: Input, embedding_size: int) -> int:
    """Features per step that an encoder gets: those of the input, of the task's vectors, or else `embedding_size`."""
    if isinstance(input, Dense):
        return input.features
    return embedding_size if input.vectors is None else int(input.vectors.shape[1])


def input_embedding(input: Tokens, size: int) -> nn.Embedding:
    """The embedding of a task's tokens: the task's own vectors, and of their size, where it has some.

    Like any embedding it is trained; on the meta device it has shapes only.
    """
    if input.vectors is None:
        return token_embedding(input.vocabulary, size)
    embedding = nn.Embedding(input.vocabulary, input.vectors.shape[1], padding_idx=0)
    if not embedding.weight.is_meta:
        with torch.no_grad():
            embedding.weight.copy_(torch.tensor(input.vectors))
            embedding.weight[0] = 0
    return embedding


class SequenceModel(nn.Module):
    """Embedding (for tokens) → dropout → encoder → pooling → dropout → linear head.

    encoder: `encoder(features) -> Encoder and nn.Module`. embedding_size: of tokens, unless the task brings vectors.
    dropout: on the encoder's token input and on the head's input. configuration: what the record keeps of the resolved
    sizes.

    `forward(x, lengths) -> float[batch, output.size]`; padding never changes an output.
    """

    def __init__(
        self,
        input: Input,
        output: Output,
        encoder: Callable[[int], Any],
        *,
        pooling: str = "auto",
        dropout: float = 0.0,
        embedding_size: int = 64,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.embedding = input_embedding(input, embedding_size) if isinstance(input, Tokens) else None
        self.dropout = nn.Dropout(dropout)
        self.encoder = encoder(input_size(input, embedding_size))
        mode = resolve_pooling(pooling, output)
        self.pooling = Pooling(mode, self.encoder.size)
        self.head = nn.Linear(self.pooling.size, output.size)
        self.configuration: dict[str, Any] = {**(configuration or {}), "pooling": mode}

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`x: float[batch, time, features]` or `long[batch, time]`, right-padded; `lengths: long[batch]`."""
        states, last = self._encoded(x, lengths)
        scores: Tensor = self.head(self.dropout(self.pooling(states, last, lengths)))
        return scores

    def states(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The encoder's states `float[batch, time, encoder.size]`, before they are pooled."""
        states, _ = self._encoded(x, lengths)
        return states

    def _encoded(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if self.embedding is not None:
            x = self.dropout(self.embedding(x))
        encoded: tuple[Tensor, Tensor] = self.encoder(x, lengths)
        return encoded


def parameter_count(module: nn.Module, *, embeddings: bool = False) -> int:
    """Trainable numbers of a module; without its token embeddings unless asked."""
    tables = () if embeddings else tuple(part.weight for part in module.modules() if isinstance(part, nn.Embedding))
    return sum(item.numel() for item in module.parameters() if item.requires_grad and not _is_in(item, tables))


def _is_in(item: Tensor, tables: tuple[Tensor, ...]) -> bool:
    return any(item is table for table in tables)


def size_for_budget(make: Callable[[int], nn.Module], budget: int) -> int:
    """The size >= 1 for which `make(size)` has the number of parameters nearest to `budget`, embeddings left out.

    Modules are made on the meta device, so nothing is allocated and no random number drawn. The count must grow with
    the size.
    """

    def count(size: int) -> int:
        with torch.device("meta"):
            return parameter_count(make(size))

    low, high = 1, 2
    while high < MAX_HIDDEN_SIZE and count(high) < budget:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    return min((low, high), key=lambda size: abs(count(size) - budget))
