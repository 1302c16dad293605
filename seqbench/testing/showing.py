"""Checks of what a task says of its data, of its loss, and of its augmentation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from seqbench.describe import samples, splits_of
from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.subjects import TaskSubject

if TYPE_CHECKING:
    import torch

    from seqbench.sequences import SequenceSet

BATCH = 4


def sample_can_be_shown(subject: TaskSubject) -> str:
    """Five of train, the first of each other split, and the paragraph about all of it."""
    spec, data = subject.spec, subject.data
    shown = samples(spec, data)
    if spec.show is not None:
        shown += [spec.show(data, split, 0) for split in splits_of(data).values() if len(split)]
    described = spec.describe(data) if spec.describe is not None else "-"
    for text in (*shown, described):
        if not isinstance(text, str) or not text.strip():
            raise UnmetError(f"{text!r} is shown, which is no text", function=spec.show)
    return shown[0].splitlines()[0][:60]


def loss_trains(subject: TaskSubject) -> str:
    """Of small random outputs for a batch of train."""
    import torch

    from seqbench.optimisation import LOSS_FUNCTIONS

    loss = subject.spec.loss
    function = LOSS_FUNCTIONS[loss] if isinstance(loss, str) else loss
    _, _, targets = _batch(subject.data.train)
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn((len(targets), subject.data.output.size), generator=generator).mul_(0.1).requires_grad_()
    found = function(outputs, targets)
    if found.dim() or not math.isfinite(float(found)):
        raise UnmetError(f"the loss is {found.detach().tolist()!r}"[:200], function=function)
    (gradient,) = torch.autograd.grad(found, outputs)
    if not bool(torch.isfinite(gradient).all()) or not bool(gradient.abs().sum() > 0):
        raise UnmetError("the gradient of the loss is zero or not finite", function=function)
    return f"{float(found):.4g}"


def augment_is_seeded(subject: TaskSubject) -> str:
    """Twice with one seed, and again with the global generator in another state."""
    import torch

    augment = subject.spec.augment
    if augment is None:
        raise InapplicableError("it augments nothing")
    x, lengths, _ = _batch(subject.data.train)
    given: list[torch.Tensor] = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        given.append(augment(x.clone(), lengths, torch.Generator().manual_seed(0), subject.parsed))
        if not torch.get_rng_state().equal(before):
            raise UnmetError("it draws from PyTorch's global generator", function=augment)
    for found in given:
        if found.shape != x.shape or found.dtype != x.dtype:
            seen = f"{x.dtype}{list(x.shape)} becomes {found.dtype}{list(found.shape)}"
            raise UnmetError(seen, function=augment)
    if not given[0].equal(given[1]):
        raise UnmetError("one batch with one generator's seed becomes two different ones", function=augment)
    return "one batch, twice"


def _batch(split: SequenceSet) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    import torch

    from seqbench.sequences import BatchSource

    return BatchSource(split, torch.device("cpu")).batch(np.arange(min(BATCH, len(split))))
