"""A trained cell's costs taken again: its weights loaded, its predictions compared, training and passes timed."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqbench.cell import build_module, objective_of
from seqbench.costs import Bound, finish, latency, peak_memory_bytes, reset_peak_memory
from seqbench.errors import DataError, StoreError, one_line
from seqbench.measurements import Taken
from seqbench.optimisation import Stepper, kernels, precision
from seqbench.plan import Cell
from seqbench.prepare import Prepared, load
from seqbench.pristine import pristine
from seqbench.protocol import TrainerConfig, derive_seed
from seqbench.registry import Registry
from seqbench.sequences import BatchSource, ordered_batches, shuffled_batches
from seqbench.spec import TaskData
from seqbench.trainer import EVALUATION_BATCH, predict

PASSES = Bound(300, 1.0)
"""Of each repeat, for one example and for a batch."""
TRAINING_SECONDS = 1.0
"""Of each repeat, about; at least one step."""
LONG = 10**6
"""Steps per epoch of a schedule that no measurement comes to the end of."""


def run_measurement(
    cell: Cell, registry: Registry, prepared: Prepared, device: str, weights: Path, predictions: Path, repeats: int
) -> Taken:
    """Measure `repeats` times in this process, on weights and predictions that a run has stored.

    Raises StoreError when the weights cannot be used; whatever the model or task raises passes through.
    """
    where = torch.device(device)
    with pristine(cell.seed, where):
        trained = _Trained(cell, registry, load(Path(prepared.folder)), where, _weights(weights))
        deviation = trained.deviation(predictions)
        costs = [trained.repeat() for _ in range(repeats)]
    sizes = [int(values.pop("batch_size")) for values in costs]
    return Taken(tuple(costs), sizes[0], deviation)


def _weights(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load as parsed

    try:
        return parsed(path.read_bytes())
    except Exception as error:  # the library has kinds of its own
        raise StoreError(f"its weights {path} cannot be read ({one_line(error)}): train it again.") from None


@dataclass
class _Trained:
    """The model with its weights, and the data on its device, as a run has them."""

    cell: Cell
    registry: Registry
    data: TaskData
    device: torch.device
    state: Mapping[str, torch.Tensor]
    steps: int | None = None
    module: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.config = TrainerConfig(**self.cell.trainer)
        self.module = build_module(self.cell, self.registry, self.data).to(self.device)
        self.train, self.validation, self.test = (
            BatchSource(split, self.device) for split in (self.data.train, self.data.validation, self.data.test)
        )
        self._load()

    def _load(self) -> None:
        try:
            self.module.load_state_dict(dict(self.state))
        except Exception as error:
            raise StoreError(
                f"its weights do not fit the model that '{self.cell.model}' builds now ({one_line(error)[:200]}): "
                "train it again."
            ) from None

    def deviation(self, predictions: Path) -> float | None:
        """How far the loaded model's test outputs are from the stored ones."""
        outputs = predict(self.module, self.test, self.config)
        stored = _stored_outputs(predictions)
        if stored is None:
            return None
        if stored.shape != outputs.shape:
            raise DataError(
                f"its stored predictions are of {len(stored)} examples, its test split has {len(outputs)} now: the "
                "data has changed; train it again."
            )
        scale = float(np.abs(stored).max()) or 1.0
        return float(np.abs(outputs - stored).max()) / scale

    def repeat(self) -> dict[str, Any]:
        """Every cost once: training from the stored weights, then passes of them."""
        reset_peak_memory(str(self.device))
        rate = self._training_rate()
        self._load()
        taken = latency(self.module, self.test, self.config, PASSES)
        self._evaluate_longest()
        return {"examples_per_second": rate, **taken, "peak_memory_bytes": peak_memory_bytes(self.device)}

    def _training_rate(self) -> float:
        """Examples per second, over the same first steps of training in each repeat."""
        with kernels(self.config, self.device):
            if self.steps is None:
                self.steps = self._affordable(self._started())
            stepper = self._started()
            begin = time.perf_counter()
            for index in islice(self._batches(), self.steps):
                stepper.step(*self.train.batch(index))
            examples = stepper.examples
            stepper.epoch_means()  # waits for the device
            return examples / (time.perf_counter() - begin)

    def _started(self) -> Stepper:
        """Training of the stored weights after a first step, of the longest examples.

        That takes the most memory, and makes what is made once.
        """
        self._load()
        objective = objective_of(self.cell, self.registry.tasks[self.cell.task])
        stepper = Stepper(self.module, objective, self.config, LONG, self.cell.seed, self.device)
        self.module.train()
        stepper.step(*self.train.batch(list(ordered_batches(self.data.train.lengths, self.config.batch_size))[-1]))
        stepper.epoch_means()
        return stepper

    def _affordable(self, stepper: Stepper) -> int:
        """How many steps fit the time, found by doing them."""
        begin = time.perf_counter()
        for count, index in enumerate(self._batches(), 1):
            stepper.step(*self.train.batch(index))
            finish(self.device)
            if time.perf_counter() - begin > TRAINING_SECONDS:
                return count
        raise AssertionError("batches never end")

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        """Those of training, in its order, over and over."""
        order = np.random.default_rng(derive_seed(self.cell.seed, "order"))
        while True:
            yield from shuffled_batches(self.data.train.lengths, self.config.batch_size, order)

    def _evaluate_longest(self) -> None:
        """One pass of the longest test examples, which takes the most memory."""
        longest = list(ordered_batches(self.data.test.lengths, EVALUATION_BATCH))[-1]
        x, lengths, _ = self.test.batch(longest)
        with torch.inference_mode(), precision(self.config, self.device):
            self.module(x, lengths)


def _stored_outputs(predictions: Path) -> NDArray[np.float64] | None:
    """The columns `output_*` of stored predictions, `float64[N, outputs]`; None where there are none to read."""
    try:
        with predictions.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            columns = [place for place, name in enumerate(next(rows)) if name.startswith("output_")]
            found = [[float(row[place]) for place in columns] for row in rows]
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    return np.array(found, dtype=np.float64).reshape(len(found), len(columns)) if columns else None
