"""The one training loop: what it promises of seeds, schedules, stopping and best weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from seqbench.checkpoints import Checkpoint
from seqbench.optimisation import LOSS_FUNCTIONS, Objective, schedule_factor
from seqbench.protocol import TrainerConfig, derive_seed
from seqbench.records import EpochRecord
from seqbench.sequences import BatchSource, SequenceSet
from seqbench.trainer import DivergedError, FitResult, epoch_size, fit, predict

CPU = torch.device("cpu")


class Mean(nn.Module):
    """The mean of the steps, dropped out, into a linear layer."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.dropout(x.sum(1) / lengths[:, None]))
        return scores


def accuracy(outputs: NDArray[np.float64], split: SequenceSet) -> float:
    return float((outputs.argmax(1) == split.targets).mean())


def split(count: int, seed: int) -> SequenceSet:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    sequences = [
        random.normal(size=(random.integers(2, 6), 2)).astype(np.float32) + np.float32(label) for label in labels
    ]
    return SequenceSet.from_sequences(sequences, labels)


def objective(**changes: Any) -> Objective:
    return Objective(
        **{"loss": LOSS_FUNCTIONS["cross_entropy"], "metric": accuracy, "higher_is_better": True, **changes}
    )


def trained(seed: int = 0, dropout: float = 0.0, **changes: Any) -> tuple[FitResult, nn.Module]:
    torch.manual_seed(derive_seed(seed, "initialisation"))
    module = Mean(dropout)
    config = TrainerConfig(**{"max_epochs": 3, "learning_rate": 0.05, **changes})
    return fit(module, split(200, 1), split(60, 2), objective(), config, seed, CPU), module


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimizer_learns(optimizer: str) -> None:
    """Each optimiser brings the training loss of a simple problem down."""
    result, _ = trained(optimizer=optimizer, max_epochs=6)
    assert result.history[-1].train_loss < 0.9 * result.history[0].train_loss


def test_the_same_seed_gives_the_same_bits() -> None:
    """Two trainings with one seed agree in every weight and number; another seed differs."""
    (first, one), (second, two), (_, other) = trained(0, 0.3), trained(0, 0.3), trained(1, 0.3)
    losses = [[(epoch.train_loss, epoch.validation_metric) for epoch in result.history] for result in (first, second)]
    assert losses[0] == losses[1]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_seeds_are_independent_by_purpose() -> None:
    """Each purpose has a seed of its own, and each differs from seed to seed."""
    purposes = ("initialisation", "order", "dropout", "augmentation")
    seeds = {derive_seed(seed, purpose) for seed in range(10) for purpose in purposes}
    assert 40 == len(seeds)


def test_the_best_weights_come_back() -> None:
    """With a rate that ruins what was learned, the module has the weights of its best validation epoch."""
    torch.manual_seed(0)
    module = Mean()
    validation = split(60, 2)
    config = TrainerConfig(
        optimizer="sgd", learning_rate=50.0, clip_norm=0, max_epochs=8, patience=0, schedule="constant"
    )
    result = fit(module, split(200, 1), validation, objective(), config, 0, CPU)
    scores = [epoch.validation_metric for epoch in result.history]
    best = max(score for score in scores if score is not None)
    assert result.best_epoch == 1 + scores.index(best)
    assert best == accuracy(predict(module, BatchSource(validation, CPU), config), validation)


def test_patience_stops_early() -> None:
    """Training ends `patience` epochs after the best; 0 never stops."""
    result, _ = trained(max_epochs=40, patience=2)
    assert result.best_epoch is not None
    assert len(result.history) == result.best_epoch + 2
    endless, _ = trained(max_epochs=40, patience=0)
    assert 40 == len(endless.history)


def test_loss_can_be_watched_instead() -> None:
    """`monitor = loss` picks the epoch of the lowest validation loss, though the metric is the higher the better."""
    result, _ = trained(max_epochs=6, patience=0, monitor="loss")
    losses = [epoch.validation_loss for epoch in result.history]
    assert result.best_epoch == 1 + int(np.argmin(np.array(losses, dtype=float)))


def test_without_validation_the_last_weights_stay() -> None:
    """An empty validation split means no early stopping and no best epoch."""
    empty = SequenceSet.from_sequences([], np.zeros(0, dtype=np.int64))
    config = TrainerConfig(max_epochs=4, patience=1)
    result = fit(Mean(), split(50, 1), empty, objective(), config, 0, CPU)
    assert (4, None, None) == (len(result.history), result.best_epoch, result.history[0].validation_metric)


def test_a_loss_that_is_no_number_is_divergence() -> None:
    """NaN in the loss ends training with the epochs before it."""

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.mul(outputs.sum(), math.nan)

    with pytest.raises(DivergedError, match="epoch 1"):
        fit(Mean(), split(20, 1), split(20, 2), objective(loss=loss), TrainerConfig(), 0, CPU)


def test_augmentation_touches_training_only() -> None:
    """The augmentation is called once per training batch and never for validation."""
    seen: list[int] = []

    def augment(x: torch.Tensor, lengths: torch.Tensor, generator: torch.Generator, params: Any) -> torch.Tensor:
        seen.append(len(x))
        noisy: torch.Tensor = x + params * torch.randn(x.shape, generator=generator)
        return noisy

    train = split(100, 1)
    config = TrainerConfig(max_epochs=2, batch_size=30, patience=0)
    fit(Mean(), train, split(60, 2), objective(augment=augment, augment_params=0.1), config, 0, CPU)
    assert 200 == sum(seen)


def test_outputs_come_in_the_splits_order() -> None:
    """Prediction sorts by length for speed and puts every output back where it belongs."""
    examples = split(600, 3)
    module = Mean()
    outputs = predict(module, BatchSource(examples, CPU), TrainerConfig())
    for index in (0, 17, 599):
        one = torch.from_numpy(examples.example(index).copy())[None]
        expected = module(one, torch.tensor([one.shape[1]])).detach().numpy()[0]
        assert np.allclose(expected, outputs[index], atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "step", "factor"),
    [
        ("constant", 90, 1.0),
        ("linear", 55, 0.5 * 1.1),
        ("cosine", 55, 0.55),
        ("cosine", 10, 1.0),
        ("linear", 4, 5 / 11),
    ],
)
def test_schedules(schedule: str, step: int, factor: float) -> None:
    """Ten steps of warm-up, then constant, linear or cosine to a tenth over ninety."""
    config = TrainerConfig.model_validate({"schedule": schedule, "warmup_steps": 10, "schedule_floor": 0.1})
    assert schedule_factor(config, step, 100) == pytest.approx(factor)


def test_a_short_training_warms_up_for_half_of_it() -> None:
    """Warm-up asked for longer than half of the training ends there, so that the full rate is reached."""
    config = TrainerConfig(schedule="constant", warmup_steps=100)
    factors = [schedule_factor(config, step, 20) for step in range(20)]
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert [1.0] * 10 == factors[10:]
    result, _ = trained(schedule="constant", warmup_steps=10_000, max_epochs=4)
    assert 0.05 == result.history[-1].learning_rate


def test_an_epoch_of_few_examples_is_several_passes() -> None:
    """`min_epoch_steps` makes an epoch as many whole passes over train as give the steps; large data is unchanged."""
    seen: list[int] = []

    def augment(x: torch.Tensor, lengths: torch.Tensor, generator: torch.Generator, params: Any) -> torch.Tensor:
        seen.append(len(x))
        return x

    config = TrainerConfig(max_epochs=2, batch_size=20, min_epoch_steps=7)
    assert ((3, 9), (1, 7)) == (epoch_size(50, config), epoch_size(140, config))
    result = fit(Mean(), split(50, 1), split(60, 2), objective(augment=augment), config, 0, CPU)
    assert (2, 2 * 3 * 50) == (len(result.history), sum(seen))


def test_bfloat16_learns_too() -> None:
    """Mixed precision keeps float32 weights and learns the same problem."""
    result, module = trained(precision="bfloat16", max_epochs=6)
    assert torch.float32 == next(module.parameters()).dtype
    assert result.history[-1].train_loss < 0.9 * result.history[0].train_loss


def test_weight_decay_shrinks_weights() -> None:
    """With decay the weights end smaller than without."""
    norms = []
    for decay in (0.0, 1.0):
        _, module = trained(weight_decay=decay, max_epochs=10, early_stopping=False)
        norms.append(float(next(module.parameters()).detach().norm()))
    assert norms[1] < norms[0]


class StopError(Exception):
    """What ends a training in a test."""


@pytest.mark.parametrize("stopped_after", [1, 3])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_resumed_training_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int, optimizer: Any
) -> None:
    """Stopped after an epoch and gone on with from its checkpoint, training gives the same epochs and weights.

    The model draws dropout, the augmentation has a generator of its own, and the best epoch may lie before the stop.
    """
    monkeypatch.setattr("seqbench.checkpoints.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("seqbench.checkpoints.SHARE", 1e9)
    config = TrainerConfig(optimizer=optimizer, max_epochs=6, patience=0, learning_rate=0.05, warmup_steps=5)

    def noise(x: torch.Tensor, lengths: torch.Tensor, random: torch.Generator, params: Any) -> torch.Tensor:
        return x + 0.1 * torch.randn(x.shape, generator=random)

    def run(
        checkpoint: Checkpoint | None, on_epoch: Callable[[EpochRecord], None] = lambda _: None
    ) -> tuple[FitResult, nn.Module]:
        torch.manual_seed(1)
        module, what = Mean(0.3), objective(augment=noise)
        return fit(module, split(200, 1), split(60, 2), what, config, 0, CPU, on_epoch, checkpoint), module

    def stop(epoch: EpochRecord) -> None:
        if epoch.epoch == stopped_after + 1:
            raise StopError

    straight, whole = run(None)
    with pytest.raises(StopError):
        run(Checkpoint(tmp_path, "key"), stop)
    result, resumed = run(Checkpoint(tmp_path, "key"))
    assert stopped_after == result.earlier_epochs
    assert [replace(epoch, seconds=0) for epoch in straight.history] == [
        replace(epoch, seconds=0) for epoch in result.history
    ]
    assert straight.best_epoch == result.best_epoch
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_a_damaged_checkpoint_is_done_without(tmp_path: Path) -> None:
    """A checkpoint that cannot be read, or not be written, costs no training."""
    (tmp_path / "key.safetensors").write_bytes(b"not a checkpoint")
    assert Checkpoint(tmp_path, "key").load() is None
    Checkpoint(tmp_path / "key.safetensors", "below a file").save({"epoch": 1})
    assert ["key.safetensors"] == [path.name for path in tmp_path.iterdir()]


def test_a_checkpoint_holds_values_exactly(tmp_path: Path) -> None:
    """Tensors of every kind, tuples, numbers and mappings with numbers as keys come back as they were, bit for bit."""
    state: dict[str, Any] = {
        "tensors": [
            torch.tensor(0.1, dtype=torch.float64),
            torch.arange(3, dtype=torch.uint8),
            torch.ones(2).bfloat16(),
        ],
        "optimizer": {0: {"step": torch.tensor(3.0)}, 1: {}},
        "python": (3, (1, 2**64, -5), None),
        "numbers": [0.1 + 0.2, float("inf"), -(2**100), True],
        "text": "$tensor",
    }
    Checkpoint(tmp_path, "key").save(state)
    found = Checkpoint(tmp_path, "key").load()
    assert found is not None
    kept, restored = state.pop("tensors"), found.pop("tensors")
    assert [(value.dtype, value.tolist()) for value in kept] == [(value.dtype, value.tolist()) for value in restored]
    assert state == found


def test_what_is_no_plain_value_is_not_kept(tmp_path: Path) -> None:
    """An object with code of its own is never written: there is no checkpoint, and no file is left behind."""
    Checkpoint(tmp_path, "key").save({"object": Checkpoint(tmp_path, "other")})
    assert [] == list(tmp_path.iterdir())
