"""The only training loop.

`fit` is never given the test split, so it cannot leak it. One loop serves every model and every task.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from seqbench.checkpoints import Checkpoint, random_state, set_random_state
from seqbench.optimisation import Objective, Stepper, kernels, precision
from seqbench.pristine import seed_all
from seqbench.protocol import TrainerConfig, derive_seed
from seqbench.records import EpochRecord
from seqbench.sequences import BatchSource, SequenceSet, ordered_batches, shuffled_batches

if TYPE_CHECKING:
    from numpy.typing import NDArray


EVALUATION_BATCH = 256
"""Examples per batch of evaluation: fixed, so that a record does not depend on it."""


class DivergedError(Exception):
    """The loss became NaN or infinite; `history` holds the epochs before."""

    def __init__(self, epoch: int, history: tuple[EpochRecord, ...]) -> None:
        super().__init__(f"the training loss was not finite in epoch {epoch}")
        self.history = history


@dataclass(frozen=True)
class FitResult:
    """The epochs, and the one whose weights the module now has (None: the last one's, nothing was watched).

    earlier_epochs: how many of them an earlier attempt had trained; earlier_seconds: what they took.
    """

    history: tuple[EpochRecord, ...] = field(default_factory=tuple)
    best_epoch: int | None = None
    earlier_epochs: int = 0
    earlier_seconds: float = 0.0


def fit(
    module: nn.Module,
    train: SequenceSet,
    validation: SequenceSet,
    objective: Objective,
    config: TrainerConfig,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> FitResult:
    """Train `module` in place and leave it with its best validation weights.

    Dropout uses PyTorch's global generator, seeded here as Python's and NumPy's are; the order of batches and
    augmentation have their own. With a checkpoint that holds epochs of an earlier attempt, training goes on after them
    and ends with the same bits.
    Raises DivergedError when the loss stops being finite.
    """
    begin = time.perf_counter()
    seed_all(derive_seed(seed, "dropout"))
    batches = BatchSource(train, device)
    watched = BatchSource(validation, device)
    passes, steps_per_epoch = epoch_size(len(train), config)
    training = _Training(
        module,
        Stepper(module, objective, config, steps_per_epoch, seed, device),
        _Best(objective, config),
        np.random.default_rng(derive_seed(seed, "order")),
    )
    if checkpoint is not None:
        training.restore(checkpoint.load())
    earlier = len(training.history)
    for number in range(earlier + 1, config.max_epochs + 1):
        epoch = training.epoch(number, batches, passes)
        loss, metric = _validate(module, watched, objective, config)
        epoch = replace(epoch, validation_loss=loss, validation_metric=metric)
        training.history.append(epoch)
        on_epoch(epoch)
        if training.best.is_settled_by(epoch, module):
            break
        if checkpoint is not None and number < config.max_epochs and checkpoint.is_due():
            checkpoint.save(training.state(time.perf_counter() - begin))
    training.best.restore(module)
    return FitResult(tuple(training.history), training.best.epoch, earlier, training.earlier_seconds)


@dataclass
class _Training:
    """All that changes from epoch to epoch."""

    module: nn.Module
    stepper: Stepper
    best: _Best
    order: np.random.Generator
    history: list[EpochRecord] = field(default_factory=list)
    earlier_seconds: float = 0.0

    def epoch(self, number: int, batches: BatchSource, passes: int) -> EpochRecord:
        """Train for one epoch. Raises DivergedError when its loss is not finite."""
        begin = time.perf_counter()
        stepper = self.stepper
        self.module.train()
        with kernels(stepper.config, stepper.device):
            for _ in range(passes):
                for index in shuffled_batches(batches.split.lengths, stepper.config.batch_size, self.order):
                    stepper.step(*batches.batch(index))
        train_loss, gradient_norm = stepper.epoch_means()
        seconds = time.perf_counter() - begin
        if not math.isfinite(train_loss):
            raise DivergedError(number, tuple(self.history))
        return EpochRecord(number, train_loss, None, None, gradient_norm, stepper.learning_rate, seconds)

    def state(self, seconds: float) -> dict[str, Any]:
        """What the next epoch depends on. seconds: that this attempt has taken."""
        return {
            "module": self.module.state_dict(),
            "optimizer": self.stepper.optimizer.state_dict(),
            "steps": self.stepper.steps,
            "learning_rate": self.stepper.learning_rate,
            "augmentation": self.stepper.random.get_state(),
            "order": self.order.bit_generator.state,
            "random": random_state(self.stepper.device),
            "best": {"score": self.best.score, "epoch": self.best.epoch, "state": self.best.state},
            "history": [asdict(epoch) for epoch in self.history],
            "seconds": self.earlier_seconds + seconds,
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Be where `state` was taken."""
        if state is None:
            return
        stepper, best = self.stepper, self.best
        self.module.load_state_dict(state["module"])
        stepper.optimizer.load_state_dict(state["optimizer"])
        stepper.steps, stepper.learning_rate = state["steps"], state["learning_rate"]
        stepper.random.set_state(state["augmentation"])
        self.order.bit_generator.state = state["order"]
        best.score, best.epoch = state["best"]["score"], state["best"]["epoch"]
        best.state = {name: value.to(stepper.device) for name, value in state["best"]["state"].items()}
        self.history = [EpochRecord(**epoch) for epoch in state["history"]]
        self.earlier_seconds = state["seconds"]
        set_random_state(state["random"], stepper.device)


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
            with precision(config, source.device):
                parts.append(module(x, lengths).float())
            order.append(index)
        outputs = torch.cat(parts).cpu().numpy().astype(np.float64)
    in_order = np.empty_like(outputs)
    in_order[np.concatenate(order)] = outputs
    return in_order


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
