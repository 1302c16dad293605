"""One cell's training loop beside the bare loop in PyTorch that does the same, both on one thread in one process.

The bare loop takes the same lists of examples from the same gather, augments, steps the same fused AdamW with the same
schedule and clipping, validates after each epoch and keeps the best weights; it has no record of epochs, no check of
the loss, no choice of optimiser, schedule or precision. Both start from the same weights and must end with the same, to
the last bit, or nothing is measured. A ratio is seqbench's time over the bare loop's, the median of rounds.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from cases import TASKS, Case, case
from figures import Figure, Setting, at_most
from pairs import alternate, ratio, seconds_of, spread
from seqbench.protocol import derive_seed
from seqbench.sequences import BatchSource, ordered_batches, shuffled_batches
from seqbench.trainer import fit

MODEL = "lstm"
ROUNDS = 9
EPOCHS = {"sentiment": 3, "speech_commands": 3, "stock_forecasting": 8}
GOAL = 1.03
CPU = torch.device("cpu")


def measure(setting: Setting) -> list[Figure]:
    """A ratio for each task."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_compared(task, setting) for task in TASKS]
    finally:
        torch.set_num_threads(threads)


def _compared(task: str, setting: Setting) -> Figure:
    epochs = 1 if setting.quick else EPOCHS[task]
    given = case(task, MODEL, (f"trainer.max_epochs={epochs}", "trainer.patience=0"))
    modules = given.module(), given.module()
    _seqbench(modules[0], given)
    bare_loop(modules[1], given)
    for one, other in zip(modules[0].parameters(), modules[1].parameters(), strict=True):
        if not torch.equal(one, other):
            raise ValueError(f"{task}: the bare loop ended with other weights, so it does not do the same")
    seconds = alternate(
        {
            "seqbench": lambda: seconds_of(lambda: _seqbench(modules[0], given)),
            "bare": lambda: seconds_of(lambda: bare_loop(modules[1], given)),
        },
        setting.rounds(ROUNDS),
    )
    detail = f"{spread(seconds['seqbench'], seconds['bare'])}, {epochs} epochs, {MODEL}; same weights to the last bit"
    return at_most(f"training loop / bare loop, {task}", ratio(seconds["seqbench"], seconds["bare"]), "x", GOAL, detail)


def _seqbench(module: nn.Module, given: Case) -> None:
    data = given.data
    fit(module, data.train, data.validation, given.objective, given.config, given.cell.seed, CPU)


def bare_loop(module: nn.Module, given: Case) -> None:
    """Train in place as a hand-written loop for just this recipe would."""
    config, objective, data, seed = given.config, given.objective, given.data, given.cell.seed
    torch.manual_seed(derive_seed(seed, "dropout"))
    order = np.random.default_rng(derive_seed(seed, "order"))
    random = torch.Generator().manual_seed(derive_seed(seed, "augmentation"))
    train, validation = BatchSource(data.train, CPU), BatchSource(data.validation, CPU)
    parameters = list(module.parameters())
    rate = config.learning_rate
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=config.weight_decay, fused=True)
    steps = math.ceil(len(data.train) / config.batch_size) * config.max_epochs
    warmup = min(config.warmup_steps, steps // 2)
    sign = 1 if objective.higher_is_better else -1
    step, best, state = 0, -math.inf, module.state_dict()
    for _ in range(config.max_epochs):
        module.train()
        total = torch.zeros(())
        for index in shuffled_batches(data.train.lengths, config.batch_size, order):
            x, lengths, targets = train.batch(index)
            if objective.augment is not None:
                x = objective.augment(x, lengths, random, objective.augment_params)
            if step < warmup:
                factor = (step + 1) / (warmup + 1)
            else:
                cosine = 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
                factor = config.schedule_floor + (1 - config.schedule_floor) * cosine
            optimizer.param_groups[0]["lr"] = rate * factor
            step += 1
            loss = objective.loss(module(x, lengths), targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, config.clip_norm)
            optimizer.step()
            total += loss.detach() * len(targets)
        float(total)
        module.eval()
        with torch.inference_mode():
            orders = list(ordered_batches(data.validation.lengths, 256))
            parts = [module(*validation.batch(index)[:2]) for index in orders]
        outputs = np.empty((len(data.validation), data.output.size))
        outputs[np.concatenate(orders)] = torch.cat(parts).numpy()
        metric = sign * objective.metric(outputs, data.validation)
        if metric > best:
            best, state = metric, {name: value.detach().clone() for name, value in module.state_dict().items()}
    module.load_state_dict(state)
