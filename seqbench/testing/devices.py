"""Checks that a model moves: to each device there is, and, where there is but a CPU, to the meta device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench.testing.building import unregistered
from seqbench.testing.findings import UnmetError
from seqbench.testing.lives import outputs
from seqbench.testing.outputs import agree
from seqbench.testing.subjects import Batch, Case, ModelSubject

if TYPE_CHECKING:
    import torch

CLOSE = 1e-3
"""The kernels of another device."""
DEVICE_WORDS = ("same device", "two devices", "expected device")
"""What PyTorch says where tensors of two devices meet; other errors on meta have other reasons."""


def devices(subject: ModelSubject) -> str:
    """On the meta device, which has shapes and no numbers, whatever stays behind on the CPU is noticed."""
    there = _accelerators()
    for case in subject.cases:
        _check_meta(case)
        for name in there:
            _check_device(case, name)
    return ", ".join(["cpu", *there]) + (", and shapes on meta" if not there else "")


def _accelerators() -> list[str]:
    import torch

    if not torch.accelerator.is_available():
        return []
    kind = torch.accelerator.current_accelerator()
    assert kind is not None
    return [f"{kind.type}:{number}" for number in range(torch.accelerator.device_count())]


def _moved(batch: Batch, device: str) -> Batch:
    return Batch(batch.x.to(device), batch.lengths.to(device), batch.targets.to(device))


def _check_meta(case: Case) -> None:
    module = case.stirred().to("meta")
    for path, tensor in unregistered(module):
        if not tensor.is_meta and tensor.dim():
            raise UnmetError(f"{case}: '{path}', a tensor of {list(tensor.shape)}, stays on {tensor.device}")
    for path, item in (*module.named_parameters(), *module.named_buffers()):
        if not item.is_meta:
            raise UnmetError(f"{case}: '{path}' stays on {item.device}")
    try:
        found = outputs(module, _moved(case.batch(), "meta"))
    except Exception as error:
        if any(words in str(error) for words in DEVICE_WORDS):
            raise UnmetError(f"{case}: {' '.join(str(error).split())[:200]}") from error
        return
    _check_came_from(found, "meta", case)


def _check_device(case: Case, device: str) -> None:
    module, batch = case.stirred(), case.batch()
    on_cpu = outputs(module, batch)
    found = outputs(module.to(device), _moved(batch, device))
    _check_came_from(found, device.partition(":")[0], case)
    agree(on_cpu, found.cpu(), f"{case}: cpu against {device}", CLOSE, CLOSE)


def _check_came_from(found: torch.Tensor, kind: str, case: Case) -> None:
    if found.device.type != kind:
        raise UnmetError(f"{case}: outputs are on {found.device}, the inputs on {kind}")
