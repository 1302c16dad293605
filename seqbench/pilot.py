"""A pilot: a few steps of a cell's training, to tell what all of it will cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import nn

from seqbench.cell import build_module, objective_of
from seqbench.costs import finish, peak_memory_bytes, reset_peak_memory
from seqbench.estimates import Cost
from seqbench.optimisation import Stepper, kernels
from seqbench.plan import Cell
from seqbench.prepare import Prepared, load
from seqbench.pristine import pristine
from seqbench.protocol import TrainerConfig
from seqbench.registry import Registry
from seqbench.sequences import BatchSource, SequenceSet, ordered_batches
from seqbench.spec import TaskData, TaskSpec
from seqbench.trainer import EVALUATION_BATCH, epoch_size

PARTS = 3
"""Of the batches ordered by length, the middle one of each third is timed."""
TIMES = 2
FLOAT_BYTES = 4
SAMPLE = 100
"""Rows of predictions.csv whose length is looked at."""


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
    with kernels(config, where):
        step = _step_seconds(stepper, module, data.train, config.batch_size, where)
    evaluation = _evaluation_seconds(module, data, where)
    seconds = built + config.max_epochs * (steps * step + len(data.validation) * evaluation)
    return Cost(
        seconds=seconds + len(data.test) * evaluation,
        memory_bytes=peak_memory_bytes(where),
        disk_bytes=_disk_bytes(module, spec, data),
        source="pilot",
    )


def _step_seconds(stepper: Stepper, module: nn.Module, split: SequenceSet, batch: int, device: torch.device) -> float:
    """Mean seconds of a step, over batches of short, middling and long examples."""
    source, module = BatchSource(split, device), module.train()
    batches = list(ordered_batches(split.lengths, batch))

    def step_of(part: int) -> Callable[[], None]:
        index = batches[len(batches) * (2 * part + 1) // (2 * PARTS)]
        return lambda: stepper.step(*source.batch(index))

    stepper.step(*source.batch(batches[-1]))  # the longest take the most memory
    return fmean(_seconds(step_of(part), device) for part in range(PARTS))


def _evaluation_seconds(module: nn.Module, data: TaskData, device: torch.device) -> float:
    """Seconds per example of one batch of test examples."""
    module.eval()
    batches = list(ordered_batches(data.test.lengths, EVALUATION_BATCH))
    index = batches[len(batches) // 2]
    source = BatchSource(data.test, device)
    with torch.inference_mode():
        return _seconds(lambda: module(*source.batch(index)[:2]), device) / len(index)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Of the quickest of several times; the first, which pays for what is made once per shape, does not count."""
    clocks = []
    for _ in range(1 + TIMES):
        begin = time.perf_counter()
        work()
        finish(device)
        clocks.append(time.perf_counter() - begin)
    return min(clocks[1:])


def _disk_bytes(module: nn.Module, spec: TaskSpec, data: TaskData) -> int:
    """Of the weights, and of predictions.csv as it would be with random outputs, from the lengths of some rows."""
    weights = sum(int(value.numel()) for value in module.state_dict().values())
    test = data.test
    outputs = torch.randn(len(test), data.output.size).numpy().astype(np.float64)
    extra = spec.predictions(outputs, test) if spec.predictions else {}
    columns = [test.ids, *np.atleast_2d(test.targets.T), *outputs.T, *extra.values()]
    lengths = [len(str(value)) + 1 for column in columns for value in column[:SAMPLE].tolist()]
    return FLOAT_BYTES * weights + sum(lengths) * len(test) // min(SAMPLE, len(test))
