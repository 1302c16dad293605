"""A model through all that happens to it in a cell, in small: for checks of what it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench.testing.subjects import Batch, Case, ModelSubject

if TYPE_CHECKING:
    import torch
    from torch import nn


def live(subject: ModelSubject) -> None:
    """Build (or fit), train for a step and predict, once for each kind of input; nothing is seeded here."""
    from seqbench.params import validate

    params = validate(subject.spec.params, subject.params, f"models.{subject.spec.name}")
    for case in {case.input.kind: case for case in subject.cases}.values():
        if subject.spec.fit is not None:
            parts = (case.split(24, "train"), case.split(8, "validation"))
            subject.spec.fit(*parts, case.input, case.output, params, 0)(case.split(6, "test"))
        else:
            module = subject.spec.build(case.input, case.output, params)
            descend(module, case, case.batch())
            outputs(module, case.batch())


def outputs(module: nn.Module, batch: Batch) -> torch.Tensor:
    """What the module gives for a batch in evaluation mode, without gradients."""
    import torch

    module.eval()
    with torch.no_grad():
        found: torch.Tensor = module(batch.x, batch.lengths)
    return found


def loss_of(case: Case, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross entropy for classes, the mean squared error for a forecast; as in training, of float32."""
    from torch.nn.functional import cross_entropy, mse_loss

    from seqbench.spec import Classes

    loss: torch.Tensor = (cross_entropy if isinstance(case.output, Classes) else mse_loss)(scores.float(), targets)
    return loss


def descend(module: nn.Module, case: Case, batch: Batch, rate: float = 0.05) -> torch.Tensor:
    """One step of plain gradient descent in training mode; gives the loss before it and leaves the gradients."""
    import torch

    module.train()
    for parameter in module.parameters():
        parameter.grad = None
    loss = loss_of(case, module(batch.x, batch.lengths), batch.targets)
    torch.autograd.backward(loss)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter.sub_(rate * parameter.grad)
    return loss.detach()
