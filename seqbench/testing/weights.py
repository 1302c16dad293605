"""Checks of what is kept of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench.testing.findings import UnmetError
from seqbench.testing.lives import descend, outputs
from seqbench.testing.outputs import agree
from seqbench.testing.subjects import ModelSubject

if TYPE_CHECKING:
    from torch import nn


def state_dict_is_plain(subject: ModelSubject) -> str:
    """Every value is a dense tensor."""
    import torch

    count = 0
    for case in subject.cases:
        for name, value in case.still.state_dict().items():
            if not isinstance(value, torch.Tensor):
                raise UnmetError(f"{case}: '{name}' of the state_dict is a {type(value).__name__}, not a tensor")
            if value.layout != torch.strided:
                raise UnmetError(f"{case}: '{name}' of the state_dict is {value.layout}, not dense")
            count += 1
    return f"{count} tensors"


def save_and_load(subject: ModelSubject) -> str:
    """After two steps of training, written as bytes and read into a fresh build."""
    from safetensors.torch import load

    for case in subject.cases:
        module, other, batch = case.build(seed=0), case.build(seed=1), case.batch()
        for _ in range(2):
            descend(module, case, batch)
        try:
            other.load_state_dict(load(as_bytes(module)))
        except RuntimeError as error:
            raise UnmetError(f"{case}: {' '.join(str(error).split())}") from None
        agree(outputs(module, batch), outputs(other, batch), f"{case}: before and after a file")
    return "trained weights through safetensors"


def as_bytes(module: nn.Module) -> bytes:
    """The weights as a cell keeps them."""
    from safetensors.torch import save

    content: bytes = save(
        {name: value.detach().cpu().contiguous().clone() for name, value in module.state_dict().items()}
    )
    return content
