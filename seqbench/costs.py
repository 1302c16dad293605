"""What a model costs: multiply-accumulates of a forward pass, its latency, the rate of training, peak memory."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seqbench.hardware import own_bytes
from seqbench.optimisation import precision
from seqbench.protocol import TrainerConfig
from seqbench.records import EpochRecord
from seqbench.sequences import BatchSource, SequenceSet
from seqbench.spec import Predictor
from seqbench.trainer import EVALUATION_BATCH, epoch_size


@dataclass(frozen=True)
class Bound:
    """How often something is timed: `times`, or fewer when that takes more than `seconds`, but once in any case."""

    times: int
    seconds: float


TIMES = 30
LEAST_SECONDS, MOST_SECONDS = 0.005, 0.04
SHARE = 0.02
"""Of a cell's training, what timing its passes may take: of one example, and again of a batch."""


def bound_of(fit_seconds: float) -> Bound:
    """How often passes are timed in a cell whose training took that long: it is not to become longer by it."""
    return Bound(TIMES, min(MOST_SECONDS, max(LEAST_SECONDS, SHARE * fit_seconds)))


def count_macs(module: nn.Module, split: SequenceSet, device: torch.device) -> int | None:
    """Multiply-accumulates of one forward pass of the example of median length, by torch's own counter.

    oneDNN and cuDNN are off while counting, so that a fused recurrence is seen as the matrix products it is made of.
    None when the model cannot run that way, or the counter cannot follow it.
    """
    source = BatchSource(_examples(split, middle(split.lengths, 1)), device)
    x, lengths, _ = source.batch(np.zeros(1, dtype=np.int64))
    was_training = module.training
    # The counter looks for the graph behind an output that needs a gradient, and a view of a parameter has none here.
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    module.eval()
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        with (
            warnings.catch_warnings(action="ignore"),
            torch.no_grad(),
            torch.backends.mkldnn.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            FlopCounterMode(display=False) as counter,
        ):
            module(x, lengths)
    except Exception:  # the cell has its result, and a cost that is not known is none
        return None
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
        module.train(was_training)
    return int(counter.get_total_flops()) // 2


def middle(lengths: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The indices `int64[<= count]` of the examples of the most middling length; of one, that of median length."""
    order = np.argsort(lengths, kind="stable")
    begin = min(max(0, len(order) // 2 - count // 2), max(0, len(order) - count))
    return order[begin : begin + count]


def _examples(split: SequenceSet, index: NDArray[np.int64]) -> SequenceSet:
    """A split of these examples and nothing else: the values of the others are not in its buffer."""
    extras = {name: array[index] for name, array in split.extras.items()}
    sequences = [split.example(int(number)) for number in index]
    return SequenceSet.from_sequences(sequences, split.targets[index], split.ids[index].tolist(), extras)


def latency(module: nn.Module, source: BatchSource, config: TrainerConfig, bound: Bound) -> dict[str, Any]:
    """How long a forward pass takes, as the fields of a record's costs.

    Of the example of median length, and of a batch of those of middling length, in evaluation mode; gathering a batch
    does not count. The module is left in evaluation mode. Whatever it raises passes through.
    """
    module.eval()
    batch = middle(source.split.lengths, EVALUATION_BATCH)
    one, many = (_forward(module, source, index, config) for index in (batch[len(batch) // 2 :][:1], batch))
    with torch.inference_mode():
        return _latencies(one, many, len(batch), source.device, bound)


def _forward(
    module: nn.Module, source: BatchSource, index: NDArray[np.int64], config: TrainerConfig
) -> Callable[[], object]:
    x, lengths, _ = source.batch(index)
    if config.precision == "float32":
        return lambda: module(x, lengths)

    def forward() -> None:
        with precision(config, source.device):
            module(x, lengths)

    return forward


def predictor_latency(predictor: Predictor, split: SequenceSet, bound: Bound) -> dict[str, Any]:
    """As `latency`, of a baseline's predictor. Whatever it raises passes through."""
    batch = middle(split.lengths, EVALUATION_BATCH)
    one, many = (_examples(split, index) for index in (batch[len(batch) // 2 :][:1], batch))
    return _latencies(lambda: predictor(one), lambda: predictor(many), len(batch), torch.device("cpu"), bound)


def _latencies(
    one: Callable[[], object], many: Callable[[], object], count: int, device: torch.device, bound: Bound
) -> dict[str, Any]:
    of_one, of_many = (np.percentile(clocked(work, device, bound), (50, 95)) * 1000 for work in (one, many))
    return {
        "latency_p50_ms": float(of_one[0]),
        "latency_p95_ms": float(of_one[1]),
        "batch_latency_p50_ms": float(of_many[0]),
        "batch_latency_p95_ms": float(of_many[1]),
        "batch_size": count,
    }


def clocked(work: Callable[[], object], device: torch.device, bound: Bound) -> list[float]:
    """Wall seconds of each of several times.

    The first, which pays for what is made once per shape, does not count, unless there is time for no other.
    """
    finish(device)
    clocks: list[float] = []
    begin = end = time.perf_counter()
    while not clocks or (len(clocks) <= bound.times and end - begin < bound.seconds):
        last = end
        work()
        finish(device)
        end = time.perf_counter()
        clocks.append(end - last)
    return clocks[1:] or clocks


def finish(device: torch.device) -> None:
    """Wait for the device, so that a clock reads what it took."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def training_rate(history: Sequence[EpochRecord], examples: int, config: TrainerConfig) -> float | None:
    """Examples per second of training, validation not counted; None without an epoch. examples: in train."""
    seconds = sum(epoch.seconds for epoch in history)
    passes, _ = epoch_size(examples, config)
    return len(history) * passes * examples / seconds if seconds > 0 else None


def reset_peak_memory(device: str) -> None:
    """Start measuring the peak anew, where the system allows it."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory_bytes(device: torch.device) -> int:
    """Peak since the reset: memory held of a CUDA device, else resident memory of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    try:
        return own_bytes("VmHWM")
    except OSError:
        return int(psutil.Process().memory_info().rss)
