"""The protocol of training: its options and their defaults, the same for each model of a task.

No torch here: the plan needs these before anything heavy is imported.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PROTOCOL_VERSION = 1
"""Part of every cell's key: raised when the training loop changes a result."""


class TrainerConfig(BaseModel):
    """How a model is trained; `--set trainer.KEY=VALUE` for all tasks, `tasks.NAME.trainer.KEY` for one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adamw"
    learning_rate: float = Field(default=2e-3, gt=0, description="step size")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        default="cosine", description="of the learning rate over max_epochs, down to schedule_floor"
    )
    schedule_floor: float = Field(default=0.05, ge=0, le=1, description="last learning rate / first")
    warmup_steps: int = Field(default=0, ge=0, description="steps of linear warm-up, at most half of all steps")
    weight_decay: float = Field(default=0.0, ge=0, description="L2; decoupled for adamw")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd")
    clip_norm: float = Field(default=1.0, ge=0, description="largest gradient norm; 0 does not clip")
    max_epochs: int = Field(default=10, ge=1)
    min_epoch_steps: int = Field(
        default=0, ge=0, description="an epoch of small data is as many passes over train as give these steps"
    )
    batch_size: int = Field(default=64, ge=1)
    early_stopping: bool = Field(default=True, description="restore the weights of the best validation epoch")
    patience: int = Field(default=3, ge=0, description="epochs without improvement before stopping; 0 never stops")
    monitor: Literal["metric", "loss"] = Field(default="metric", description="what validation watches")
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="bfloat16 is mixed (autocast)")


def derive_seed(seed: int, purpose: str) -> int:
    """A 63-bit seed for one purpose (`initialisation`, `order`, `dropout`, `augmentation`), independent of the others.

    SHA-256 of the two, so that changing the order of batches leaves the initial weights as they were.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
