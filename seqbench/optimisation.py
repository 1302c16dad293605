"""One step of training: the loss, the gradient and its bound, the optimiser, and the schedule of its rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from seqbench.protocol import TrainerConfig, derive_seed

if TYPE_CHECKING:
    from seqbench.spec import Augment, Metric

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LOSS_FUNCTIONS: Mapping[str, Loss] = {
    "cross_entropy": nn.functional.cross_entropy,
    "mse": nn.functional.mse_loss,
    "mae": nn.functional.l1_loss,
    "huber": nn.functional.huber_loss,
}


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what validation watches."""

    loss: Loss
    metric: Metric
    higher_is_better: bool
    augment: Augment | None = None
    augment_params: Any = None


class Stepper:
    """One optimiser, its schedule, and sums that stay on the device until the epoch's end."""

    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        config: TrainerConfig,
        steps_per_epoch: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.module, self.objective, self.config, self.device = module, objective, config, device
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.optimizer = _optimizer(self.parameters, config)
        self.total_steps = steps_per_epoch * config.max_epochs
        self.steps = 0
        self.learning_rate = config.learning_rate
        self.random = torch.Generator(device).manual_seed(derive_seed(seed, "augmentation"))
        self.clip_norm = config.clip_norm if config.clip_norm > 0 else math.inf
        self._reset()

    def step(self, x: torch.Tensor, lengths: torch.Tensor, targets: torch.Tensor) -> None:
        """One update from one batch."""
        objective = self.objective
        if objective.augment is not None:
            x = objective.augment(x, lengths, self.random, objective.augment_params)
        self._schedule()
        with precision(self.config, self.device):
            outputs = self.module(x, lengths)
        loss = objective.loss(outputs.float(), targets)
        for parameter in self.parameters:
            parameter.grad = None
        torch.autograd.backward(loss)
        norm = get_total_norm([parameter.grad for parameter in self.parameters if parameter.grad is not None])
        if math.isfinite(self.clip_norm):
            clip_grads_with_norm_(self.parameters, self.clip_norm, norm)
        self.optimizer.step()
        self.loss_sum += loss.detach() * len(targets)
        self.norm_sum += norm
        self.examples += len(targets)
        self.epoch_steps += 1

    def epoch_means(self) -> tuple[float, float]:
        """Mean loss per example and mean gradient norm per step since the last call."""
        means = float(self.loss_sum) / max(1, self.examples), float(self.norm_sum) / max(1, self.epoch_steps)
        self._reset()
        return means

    def _reset(self) -> None:
        self.loss_sum = torch.zeros((), device=self.device)
        self.norm_sum = torch.zeros((), device=self.device)
        self.examples = self.epoch_steps = 0

    def _schedule(self) -> None:
        config = self.config
        if config.schedule != "constant" or self.steps <= warmup(config, self.total_steps):
            self.learning_rate = config.learning_rate * schedule_factor(config, self.steps, self.total_steps)
            for group in self.optimizer.param_groups:
                group["lr"] = self.learning_rate
        self.steps += 1


def warmup(config: TrainerConfig, total_steps: int) -> int:
    """Steps of warm-up: a training too short for those asked for warms up for half of it."""
    return min(config.warmup_steps, total_steps // 2)


def schedule_factor(config: TrainerConfig, step: int, total_steps: int) -> float:
    """Learning rate at `step` (from 0) as a fraction of the first: linear warm-up, then the schedule to its floor."""
    warmup_steps = warmup(config, total_steps)
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    if config.schedule == "constant":
        return 1.0
    shape = 0.5 * (1 + math.cos(math.pi * progress)) if config.schedule == "cosine" else 1 - progress
    return config.schedule_floor + (1 - config.schedule_floor) * shape


@contextmanager
def kernels(config: TrainerConfig, device: torch.device) -> Iterator[None]:
    """The context that training runs in: one example at a time without oneDNN.

    It sets up its primitives at each call, which takes longer than the step of one short example.
    """
    if config.batch_size > 1 or device.type != "cpu":
        yield
        return
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


def precision(config: TrainerConfig, device: torch.device) -> torch.autocast:
    """The context that a forward pass runs in: mixed precision where the protocol asks for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16")


def _optimizer(parameters: list[nn.Parameter], config: TrainerConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=config.momentum, weight_decay=decay, fused=True)
    return torch.optim.RMSprop(parameters, lr=rate, momentum=config.momentum, weight_decay=decay)
