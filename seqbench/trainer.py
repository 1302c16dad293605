"""The only training loop.

`fit` is never given the test split, so it cannot leak it. One loop serves every model and every task.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from seqbench.protocol import TrainerConfig, derive_seed
from seqbench.records import EpochRecord
from seqbench.sequences import BatchSource, SequenceSet, ordered_batches, shuffled_batches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.spec import Augment, Metric

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LOSS_FUNCTIONS: Mapping[str, Loss] = {
    "cross_entropy": nn.functional.cross_entropy,
    "mse": nn.functional.mse_loss,
    "mae": nn.functional.l1_loss,
    "huber": nn.functional.huber_loss,
}

EVALUATION_BATCH = 256
"""Examples per batch of evaluation: fixed, so that a record does not depend on it."""


class DivergedError(Exception):
    """The loss became NaN or infinite; `history` holds the epochs before."""

    def __init__(self, epoch: int, history: tuple[EpochRecord, ...]) -> None:
        super().__init__(f"the training loss was not finite in epoch {epoch}")
        self.history = history


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what validation watches."""

    loss: Loss
    metric: Metric
    higher_is_better: bool
    augment: Augment | None = None
    augment_params: Any = None


@dataclass(frozen=True)
class FitResult:
    """The epochs, and the one whose weights the module now has (None: the last one's, nothing was watched)."""

    history: tuple[EpochRecord, ...] = field(default_factory=tuple)
    best_epoch: int | None = None


def fit(
    module: nn.Module,
    train: SequenceSet,
    validation: SequenceSet,
    objective: Objective,
    config: TrainerConfig,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> FitResult:
    """Train `module` in place and leave it with its best validation weights.

    Dropout uses the global generator, seeded here; the order of batches and augmentation have their own.
    Raises DivergedError when the loss stops being finite.
    """
    torch.manual_seed(derive_seed(seed, "dropout"))
    batches = BatchSource(train, device)
    watched = BatchSource(validation, device)
    order = np.random.default_rng(derive_seed(seed, "order"))
    passes, steps_per_epoch = epoch_size(len(train), config)
    stepper = Stepper(module, objective, config, steps_per_epoch, seed, device)
    best = _Best(objective, config)
    history: list[EpochRecord] = []
    for number in range(1, config.max_epochs + 1):
        begin = time.perf_counter()
        module.train()
        for _ in range(passes):
            for index in shuffled_batches(train.lengths, config.batch_size, order):
                stepper.step(*batches.batch(index))
        train_loss, gradient_norm = stepper.epoch_means()
        seconds = time.perf_counter() - begin
        if not math.isfinite(train_loss):
            raise DivergedError(number, tuple(history))
        loss, metric = _validate(module, watched, objective, config)
        epoch = EpochRecord(number, train_loss, loss, metric, gradient_norm, stepper.learning_rate, seconds)
        history.append(epoch)
        on_epoch(epoch)
        if best.is_settled_by(epoch, module):
            break
    best.restore(module)
    return FitResult(tuple(history), best.epoch)


def epoch_size(examples: int, config: TrainerConfig) -> tuple[int, int]:
    """Passes over train in one epoch, and steps in all of them: few examples are passed over several times.

    So an epoch is enough training to be worth a validation, and patience, schedule and warm-up mean the same on small
    data as on large.
    """
    steps_per_pass = math.ceil(examples / config.batch_size)
    passes = max(1, math.ceil(config.min_epoch_steps / steps_per_pass))
    return passes, passes * steps_per_pass


def predict(module: nn.Module, source: BatchSource, config: TrainerConfig) -> NDArray[np.float64]:
    """The module's outputs `float64[N, outputs]` for every example, in the split's order, in evaluation mode."""
    module.eval()
    order: list[NDArray[np.int64]] = []
    parts: list[torch.Tensor] = []
    with torch.inference_mode():
        for index in ordered_batches(source.split.lengths, EVALUATION_BATCH):
            x, lengths, _ = source.batch(index)
            with _precision(config, source.device):
                parts.append(module(x, lengths).float())
            order.append(index)
    outputs = torch.cat(parts).cpu().numpy().astype(np.float64)
    in_order = np.empty_like(outputs)
    in_order[np.concatenate(order)] = outputs
    return in_order


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
        with _precision(self.config, self.device):
            outputs = self.module(x, lengths)
        loss = objective.loss(outputs.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = clip_grad_norm_(self.parameters, self.clip_norm)
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


class _Best:
    """Early stopping: the best validation epoch so far, its weights, and whether to go on."""

    def __init__(self, objective: Objective, config: TrainerConfig) -> None:
        self.config = config
        self.sign = 1.0 if config.monitor == "metric" and objective.higher_is_better else -1.0
        self.score = -math.inf
        self.epoch: int | None = None
        self.state: dict[str, torch.Tensor] = {}

    def is_settled_by(self, epoch: EpochRecord, module: nn.Module) -> bool:
        """Take the epoch in; True when `patience` epochs have brought no improvement."""
        watched = epoch.validation_metric if self.config.monitor == "metric" else epoch.validation_loss
        if not self.config.early_stopping or watched is None:
            return False
        score = self.sign * watched
        if score > self.score:
            self.score, self.epoch = score, epoch.epoch
            self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}
        waited = epoch.epoch - (self.epoch or 0)
        return 0 < self.config.patience <= waited

    def restore(self, module: nn.Module) -> None:
        """Give the module the best epoch's weights, if there is a best epoch."""
        if self.state:
            module.load_state_dict(self.state)


def _validate(
    module: nn.Module, source: BatchSource, objective: Objective, config: TrainerConfig
) -> tuple[float | None, float | None]:
    if not len(source.split):
        return None, None
    outputs = predict(module, source, config)
    loss = objective.loss(torch.from_numpy(outputs.astype(np.float32)), source.targets.cpu())
    return float(loss), float(objective.metric(outputs, source.split))


def _precision(config: TrainerConfig, device: torch.device) -> torch.autocast:
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
