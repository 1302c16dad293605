"""The usual script's network and data under `lightning.Trainer`, with its own logger, checkpoints and progress bar."""

from __future__ import annotations

import logging
import os
from typing import Any

import lightning
import torch
from torch import Tensor

from cases import Case
from peers.usual_script import VALIDATION_BATCH, Data, Network
from seqbench.optimisation import schedule_factor


class Module(lightning.LightningModule):
    """A network with its recipe."""

    def __init__(self, network: Network, case: Case, data: Data) -> None:
        super().__init__()
        self.network, self.case, self.data = network, case, data
        self.recipe, self.objective = case.config, case.objective
        self.generator = torch.Generator().manual_seed(case.cell.seed)
        self.outputs: list[Tensor] = []
        self.metrics: list[float] = []

    def training_step(self, given: Any, number: int) -> Tensor:
        """The loss of a batch."""
        x, lengths, targets = self.data.batch(given)
        if lengths is not None and self.objective.augment is not None:
            x = self.objective.augment(x, lengths, self.generator, self.objective.augment_params)
        loss = self.objective.loss(self.network(x, lengths), targets)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, given: Any, number: int) -> None:
        """Keep a batch's outputs."""
        x, lengths, targets = self.data.batch(given)
        outputs = self.network(x, lengths)
        self.log("validation_loss", self.objective.loss(outputs, targets), batch_size=len(targets))
        self.outputs.append(outputs)

    def on_validation_epoch_end(self) -> None:
        """The metric of all of validation."""
        outputs, self.outputs = torch.cat(self.outputs).double().numpy(), []
        if not self.trainer.sanity_checking:
            self.metrics.append(float(self.objective.metric(outputs, self.case.data.validation)))
            self.log("validation_metric", self.metrics[-1])

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW with the schedule by steps."""
        recipe = self.recipe
        optimizer = torch.optim.AdamW(self.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule_factor(recipe, step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def trainer_of(case: Case, epochs: int) -> lightning.Trainer:
    """A Trainer with its defaults; only what the recipe says is given. It writes into the current folder."""
    logging.getLogger("lightning").setLevel(logging.ERROR)
    os.environ.setdefault("COLUMNS", "80")
    return lightning.Trainer(max_epochs=epochs, accelerator="cpu", gradient_clip_val=case.config.clip_norm)


def fit(trainer: lightning.Trainer, network: Network, case: Case, data: Data) -> float:
    """Train, and return the best epoch's validation metric."""
    loader = data.loader(data.train, case.config.batch_size, shuffle=True)
    watched = data.loader(data.validation, VALIDATION_BATCH)
    module = Module(network, case, data)
    trainer.fit(module, loader, watched)
    return max(module.metrics) if module.objective.higher_is_better else min(module.metrics)
