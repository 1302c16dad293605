"""A pilot: a few steps of a cell's training, to tell what all of it will cost."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from seqbench.cell import build_module, objective_of
from seqbench.costs import peak_memory_bytes, reset_peak_memory
from seqbench.estimates import Cost
from seqbench.optimisation import Stepper
from seqbench.plan import Cell
from seqbench.prepare import Prepared, load
from seqbench.pristine import pristine
from seqbench.protocol import TrainerConfig
from seqbench.registry import Registry
from seqbench.sequences import BatchSource, SequenceSet, ordered_batches
from seqbench.spec import TaskData
from seqbench.trainer import EVALUATION_BATCH, epoch_size

STEPS = 3
"""Steps that are timed, at the quartiles of length; one more, untimed, comes first and pays for what is lazy."""
FLOAT_BYTES = 4
PREDICTION_BYTES = 25
"""Of one number in predictions.csv, about."""


def run_pilot(cell: Cell, registry: Registry, prepared: Prepared, device: str) -> Cost:
    """Time a few steps and one validation batch; every epoch that the protocol allows is counted.

    Whatever the model or task raises passes through.
    """
    reset_peak_memory(device)
    where = torch.device(device)
    with pristine(cell.seed, where):
        return _measured(cell, registry, prepared, where)


def _measured(cell: Cell, registry: Registry, prepared: Prepared, where: torch.device) -> Cost:
    spec, data = registry.tasks[cell.task], load(Path(prepared.folder))
    config = TrainerConfig(**cell.trainer)
    begin = time.perf_counter()
    module = build_module(cell, registry, data).to(where)
    built = time.perf_counter() - begin
    _, steps = epoch_size(len(data.train), config)
    stepper = Stepper(module, objective_of(cell, spec), config, steps, cell.seed, where)
    step = _step_seconds(stepper, module, data.train, config.batch_size, where)
    evaluation = _evaluation_seconds(module, data, where)
    seconds = built + config.max_epochs * (steps * step + len(data.validation) * evaluation)
    return Cost(
        seconds=seconds + len(data.test) * evaluation,
        memory_bytes=peak_memory_bytes(where),
        disk_bytes=_disk_bytes(module, data),
        source="pilot",
    )


def _step_seconds(stepper: Stepper, module: nn.Module, split: SequenceSet, batch: int, device: torch.device) -> float:
    """Mean seconds of a step, over batches of short, middling and long examples."""
    source, module = BatchSource(split, device), module.train()
    batches = list(ordered_batches(split.lengths, batch))
    places = [len(batches) // 2, *(len(batches) * (2 * quarter + 1) // (2 * STEPS) for quarter in range(STEPS))]
    clocks = []
    for place in places:
        begin = time.perf_counter()
        stepper.step(*source.batch(batches[place]))
        _finish(device)
        clocks.append(time.perf_counter() - begin)
    return float(np.mean(clocks[1:]))


def _evaluation_seconds(module: nn.Module, data: TaskData, device: torch.device) -> float:
    """Seconds per example of one batch of test examples."""
    module.eval()
    batches = list(ordered_batches(data.test.lengths, EVALUATION_BATCH))
    index = batches[len(batches) // 2]
    source = BatchSource(data.test, device)
    begin = time.perf_counter()
    with torch.inference_mode():
        x, lengths, _ = source.batch(index)
        module(x, lengths)
        _finish(device)
    return (time.perf_counter() - begin) / len(index)


def _finish(device: torch.device) -> None:
    """Wait for the device, so that a clock reads what it took."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _disk_bytes(module: nn.Module, data: TaskData) -> int:
    weights = sum(int(value.numel()) for value in module.state_dict().values())
    columns = 2 + data.output.size
    return FLOAT_BYTES * weights + PREDICTION_BYTES * columns * len(data.test)
