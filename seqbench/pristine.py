"""The state of a process that one cell must not leave to the next: a result does not depend on what ran before."""

from __future__ import annotations

import contextlib
import gc
import os
import random
from collections.abc import Iterator

import numpy as np
import torch

from seqbench.protocol import derive_seed

NOT_BITWISE = {
    "cuda": "cuDNN and CUDA's atomics add in an order of their own: the same cell may differ in its last bits",
    "mps": "Metal's kernels promise no order of addition: the same cell may differ in its last bits",
}
"""By kind of device, why the same cell need not give the same bits there."""
GLOBAL_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
)
"""PyTorch's dictionaries of hooks that every module calls."""


@contextlib.contextmanager
def pristine(seed: int, device: torch.device) -> Iterator[None]:
    """While inside, one thread, PyTorch's own defaults, and global generators seeded; afterwards, all as before.

    A plugin that sets a default type, a number of threads, a variable of the environment or the current folder does so
    for its own cell only.
    """
    environment, folder = dict(os.environ), os.getcwd()  # noqa: PTH109 - a string to go back to
    errors = np.geterr()
    _defaults(device)
    seed_all(derive_seed(seed, "process"))
    try:
        yield
    finally:
        _defaults(device)
        np.seterr(**errors)
        _restore_environment(environment)
        with contextlib.suppress(OSError):
            os.chdir(folder)
        if device.type == "cuda":  # what this process keeps for later, no other can use
            gc.collect()
            torch.cuda.empty_cache()


def seed_all(seed: int) -> None:
    """Seed every global generator: Python's, NumPy's and PyTorch's."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - what a plugin or scikit-learn falls back on
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        torch.manual_seed(seed)
    else:  # the same for the CPU, without looking for every other kind of device
        torch.default_generator.manual_seed(seed)


def _defaults(device: torch.device) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(False)
    torch.autograd.set_detect_anomaly(False)
    torch.use_deterministic_algorithms(False)
    torch.set_autocast_enabled("cpu", False)
    for kernel in ("flash", "mem_efficient", "math", "cudnn"):  # of attention, on the CPU as well
        getattr(torch.backends.cuda, f"enable_{kernel}_sdp")(True)
    for hooks in GLOBAL_HOOKS:
        vars(torch.nn.modules.module)[hooks].clear()
    torch.backends.mkldnn.enabled = True  # type: ignore[assignment]
    torch.backends.cudnn.enabled = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = device.type == "cuda"


def _restore_environment(before: dict[str, str]) -> None:
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def determinism(device: torch.device) -> dict[str, object]:
    """What a record says of its bits: `{"bitwise": True}`, or `False` with the reason."""
    reason = NOT_BITWISE.get(device.type)
    return {"bitwise": reason is None, **({"why": reason} if reason else {})}
