"""Checks that a model computes in more than one precision."""

from __future__ import annotations

import math

from seqbench.testing.findings import UnmetError
from seqbench.testing.lives import descend, outputs
from seqbench.testing.outputs import agree
from seqbench.testing.subjects import Batch, ModelSubject

CLOSE = 1e-3
"""float32 against float64."""
ROUGH = 0.1
"""bfloat16 has eight bits: relative, and absolute."""


def float32(subject: ModelSubject) -> str:
    """Of every trainable parameter and every output."""
    import torch

    for case in subject.cases:
        module = case.still
        for name, item in module.named_parameters():
            if item.is_floating_point() and item.dtype != torch.float32:
                raise UnmetError(f"{case}: '{name}' is {item.dtype}", "leave dtype out: the default is float32")
        found = outputs(module, case.batch())
        if found.dtype != torch.float32:
            raise UnmetError(f"{case}: outputs are {found.dtype}", "leave dtype out: the default is float32")
    return "parameters and outputs"


def float64(subject: ModelSubject) -> str:
    """The same weights, in twice the precision."""
    import torch

    for case in subject.cases:
        batch, module = case.batch(), case.stirred()
        single = outputs(module, batch)
        x = batch.x.double() if batch.x.is_floating_point() else batch.x
        double = outputs(module.double(), Batch(x, batch.lengths, batch.targets))
        if double.dtype != torch.float64:
            raise UnmetError(f"{case}: outputs are {double.dtype} after .double()")
        agree(single.double(), double, f"{case}: float32 against float64", CLOSE, CLOSE)
    return "outputs agree with float32"


def bfloat16(subject: ModelSubject) -> str:
    """Mixed precision as trainer.precision=bfloat16 has it."""
    import torch

    for case in subject.cases:
        batch, module = case.batch(), case.stirred()
        full = outputs(module, batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = outputs(module, batch).float()
        agree(full, half, f"{case}: float32 against bfloat16", ROUGH, ROUGH)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = float(descend(module, case, batch))
        broken = [
            name for name, item in module.named_parameters() if item.grad is not None and not _is_finite(item.grad)
        ]
        if not math.isfinite(loss) or broken:
            raise UnmetError(f"{case}: the {'gradient of ' + broken[0] if broken else 'loss'} is not finite")
    return "a step of training, and outputs close to float32"


def _is_finite(gradient: object) -> bool:
    import torch

    assert isinstance(gradient, torch.Tensor)
    return bool(torch.isfinite(gradient).all())
