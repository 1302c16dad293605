"""The script that is usually written: a Dataset, a DataLoader with shuffle and pad_sequence, pack_padded_sequence.

Trains a cell of the grid as its recipe says: the same architecture and size, loss, AdamW, schedule, clipping, batch
size, augmentation, validation and best weights, with PyTorch's defaults for all else. Windows of one length need no
packing and come from a TensorDataset, as in any script about windows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset

from cases import Case, tensors
from seqbench.optimisation import schedule_factor
from seqbench.sequences import SequenceSet
from seqbench.spec import Forecast, Tokens

VALIDATION_BATCH = 256
LAYERS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU, "bidirectional": nn.LSTM}

Batch = tuple[Tensor, Tensor | None, Tensor]
"""`(x, lengths, targets)`; lengths: None for sequences of one length."""


class Sequences(Dataset[tuple[Tensor, Tensor]]):
    """Sequences of different lengths with their targets."""

    def __init__(self, sequences: list[Tensor], targets: Tensor) -> None:
        self.sequences, self.targets = sequences, targets

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """One example."""
        return self.sequences[index], self.targets[index]


def collate(examples: list[tuple[Tensor, Tensor]]) -> Batch:
    """A padded batch."""
    sequences, targets = zip(*examples, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(list(sequences), batch_first=True), lengths, torch.stack(targets)


class Network(nn.Module):
    """Embedding, dropout, one recurrent layer on packed sequences, pooling, dropout, linear."""

    def __init__(self, case: Case, hidden_size: int) -> None:
        super().__init__()
        data, params = case.data, case.cell.model_params
        self.is_forecast = isinstance(data.output, Forecast)
        self.embedding: nn.Embedding | None = None
        if isinstance(data.input, Tokens):
            self.embedding = nn.Embedding(data.input.vocabulary, params["embedding_size"], padding_idx=0)
            features = params["embedding_size"]
        else:
            features = data.input.features
        ways = 2 if case.cell.model == "bidirectional" else 1
        self.dropout = nn.Dropout(params["dropout"])
        self.recurrent = LAYERS[case.cell.model](features, hidden_size, batch_first=True, bidirectional=ways == 2)
        pooled = ways * hidden_size if self.is_forecast else 2 * ways * hidden_size
        self.head = nn.Linear(pooled, data.output.size)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """`x`: padded batch; `float[batch, outputs]`."""
        if self.embedding is not None:
            x = self.dropout(self.embedding(x))
        if lengths is None:
            states, hidden = self.recurrent(x)
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, hidden = self.recurrent(packed)
            states, _ = pad_packed_sequence(states, batch_first=True)
        if self.is_forecast:
            last = hidden[0] if isinstance(hidden, tuple) else hidden
            pooled = torch.cat(list(last), 1)
        else:
            pooled = self._mean_and_max(states, lengths)
        scores: Tensor = self.head(self.dropout(pooled))
        return scores

    def _mean_and_max(self, states: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return torch.cat([states.mean(1), states.amax(1)], 1)
        padding = (torch.arange(states.shape[1]) >= lengths[:, None])[..., None]
        mean = states.sum(1) / lengths[:, None]  # what pad_packed_sequence pads is 0
        return torch.cat([mean, states.masked_fill(padding, -torch.inf).amax(1)], 1)


@dataclass(frozen=True)
class Data:
    """A cell's splits as datasets."""

    train: Dataset[Any]
    validation: Dataset[Any]
    test: Dataset[Any]
    is_ragged: bool

    @classmethod
    def of(cls, case: Case) -> Data:
        """From prepared data."""
        data = case.data
        is_ragged = int(data.train.lengths.min()) != int(data.train.lengths.max())

        def dataset(split: SequenceSet) -> Dataset[Any]:
            sequences, targets = tensors(split)
            return Sequences(sequences, targets) if is_ragged else TensorDataset(torch.stack(sequences), targets)

        return cls(dataset(data.train), dataset(data.validation), dataset(data.test), is_ragged)

    def loader(self, dataset: Dataset[Any], batch_size: int, *, shuffle: bool = False) -> DataLoader[Any]:
        """The usual loader, in this process."""
        return DataLoader(dataset, batch_size, shuffle=shuffle, collate_fn=collate if self.is_ragged else None)

    def batch(self, given: Any) -> Batch:
        """What a loader gave, the lengths None where all are one."""
        if self.is_ragged:
            x, lengths, targets = given
            return x, lengths, targets
        x, targets = given
        return x, None, targets

    def batches(self, loader: DataLoader[Any]) -> Iterator[Batch]:
        """A loader's batches."""
        return map(self.batch, loader)


def network_of(case: Case) -> Network:
    """A network of the size of the cell's own model. Raises ValueError when the numbers of parameters differ."""
    own = case.module()
    torch.manual_seed(case.cell.seed)
    network = Network(case, int(cast("Any", own).configuration["hidden_size"]))
    counts = [sum(item.numel() for item in module.parameters()) for module in (own, network)]
    if counts[0] != counts[1]:
        raise ValueError(f"{case.cell.task} {case.cell.model}: {counts[0]} parameters here, {counts[1]} in the script")
    return network


def train(network: Network, case: Case, data: Data, epochs: int) -> float:
    """Train for `epochs` epochs, leave the network with its best validation weights, return their metric."""
    config, objective = case.config, case.objective
    loader = data.loader(data.train, config.batch_size, shuffle=True)
    watched = data.loader(data.validation, VALIDATION_BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = len(loader) * config.max_epochs
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule_factor(config, step, steps))
    generator = torch.Generator().manual_seed(case.cell.seed)
    best, state = -math.inf, network.state_dict()
    for _ in range(epochs):
        network.train()
        total = 0.0
        for raw, lengths, targets in data.batches(loader):
            x = raw
            if lengths is not None and objective.augment is not None:
                x = objective.augment(raw, lengths, generator, objective.augment_params)
            optimizer.zero_grad()
            loss = objective.loss(network(x, lengths), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        metric = float(objective.metric(outputs_of(network, data, watched), case.data.validation))
        score = metric if objective.higher_is_better else -metric
        if score > best:
            best, state = score, copy.deepcopy(network.state_dict())
    network.load_state_dict(state)
    return best if objective.higher_is_better else -best


def outputs_of(network: Network, data: Data, loader: DataLoader[Any]) -> NDArray[np.float64]:
    """The network's outputs for a split, in its order."""
    network.eval()
    with torch.no_grad():
        parts = [network(x, lengths) for x, lengths, _ in data.batches(loader)]
    return torch.cat(parts).numpy().astype(np.float64)


def test(network: Network, case: Case, data: Data) -> dict[str, float]:
    """All metrics of the test split."""
    outputs = outputs_of(network, data, data.loader(data.test, VALIDATION_BATCH))
    return {name: float(metric(outputs, case.data.test)) for name, metric in case.spec.metrics.items()}
