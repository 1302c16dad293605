"""State of the process that no plugin may touch: random generators, threads, settings. Looked at, and put back."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]


def seed_generators(seed: int) -> None:
    """Seed the global generators of Python, of NumPy and, where it is imported, of PyTorch."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is what is looked at
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)


def _generators() -> dict[str, Any]:
    """The state of each global generator that there is."""
    import numpy as np

    states: dict[str, Any] = {"random": random.getstate(), "numpy.random": np.random.get_state()}  # noqa: NPY002
    if "torch" in sys.modules:
        import torch

        states["torch"] = torch.get_rng_state()
    return states


def _digest(state: Any) -> str:
    content = state.numpy().tobytes() if hasattr(state, "numpy") else repr(state).encode()
    return hashlib.sha256(content).hexdigest()


def generator_states() -> dict[str, str]:
    """A digest of the state of each global generator, by its name."""
    import numpy as np

    with np.printoptions(threshold=sys.maxsize):
        return {name: _digest(state) for name, state in _generators().items()}


@dataclass(frozen=True)
class _Setting:
    """One thing that is set for the whole process. put: sets it back, where that is possible."""

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], object] | None = None
    is_of_threads: bool = False


def _settings() -> list[_Setting]:
    """Those of Python and NumPy, and those of PyTorch once it is imported."""
    import numpy as np

    found = [
        _Setting("the current folder", os.getcwd, os.chdir),
        _Setting("os.environ", lambda: dict(os.environ), _put_environment),
        _Setting("numpy.seterr", np.geterr, lambda value: np.seterr(**value)),
        _Setting("sys.setrecursionlimit", sys.getrecursionlimit, sys.setrecursionlimit),
        _Setting("the root logger's level", lambda: logging.root.level, logging.root.setLevel),
        _Setting("threads of BLAS and OpenMP libraries", _pools, None, is_of_threads=True),
    ]
    return [*found, *_torch_settings()] if "torch" in sys.modules else found


def _torch_settings() -> list[_Setting]:
    import torch

    def flag(owner: Any, name: str) -> _Setting:
        path = f"{owner.__name__}.{name}"
        return _Setting(path, lambda: getattr(owner, name), lambda value: setattr(owner, name, value))

    def kernel(name: str) -> _Setting:
        cuda: Any = torch.backends.cuda
        get, put = getattr(cuda, f"{name}_sdp_enabled"), getattr(cuda, f"enable_{name}_sdp")
        return _Setting(f"torch.backends.cuda.enable_{name}_sdp", get, put)

    return [
        _Setting("torch.set_num_threads", torch.get_num_threads, torch.set_num_threads, is_of_threads=True),
        _Setting("torch.set_num_interop_threads", torch.get_num_interop_threads, is_of_threads=True),
        _Setting("torch.set_default_dtype", torch.get_default_dtype, torch.set_default_dtype),
        _Setting("torch.set_default_device", torch.get_default_device, torch.set_default_device),
        _Setting("torch.set_grad_enabled", torch.is_grad_enabled, torch.set_grad_enabled),
        _Setting(
            "torch.set_float32_matmul_precision",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
        _Setting(
            "torch.use_deterministic_algorithms",
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
        _Setting("torch.autograd.set_detect_anomaly", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        _Setting(
            "torch.set_autocast_enabled",
            lambda: torch.is_autocast_enabled("cpu"),
            lambda value: torch.set_autocast_enabled("cpu", value),
        ),
        *(flag(torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic")),
        flag(torch.backends.mkldnn, "enabled"),
        *(kernel(name) for name in ("flash", "mem_efficient", "math", "cudnn")),
        *_global_hooks(),
    ]


def _global_hooks() -> Iterator[_Setting]:
    """The hooks that every module calls, of modules of anybody."""
    import torch

    from seqbench.pristine import GLOBAL_HOOKS

    for name in GLOBAL_HOOKS:
        hooks = vars(torch.nn.modules.module)[name]

        def put(value: Any, hooks: Any = hooks) -> None:
            for key in hooks.keys() - set(value):
                del hooks[key]

        yield _Setting(f"torch.nn.modules.module.{name}", lambda hooks=hooks: tuple(hooks), put)  # type: ignore[misc]


def _put_environment(before: Mapping[str, str]) -> None:
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _pools() -> dict[str, int]:
    """The threads of each library that is loaded, by the file it comes from; those of PyTorch's own are a setting."""
    from threadpoolctl import threadpool_info

    return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info() if "torch" not in pool["filepath"]}


def setting_values(*, of_threads: bool) -> dict[str, Any]:
    """The value of each setting of threads, or of each other one, by its name."""
    return {item.name: item.get() for item in _settings() if item.is_of_threads == of_threads}


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """While inside, PyTorch computes on one thread; afterwards generators and settings are as they were before."""
    generators = _generators()
    settings = [(item, item.get()) for item in _settings() if item.put is not None]
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)
    try:
        yield
    finally:
        for item, value in settings:
            if item.put is not None and item.get() != value:
                item.put(value)
        _put_generators(generators)


def _put_generators(states: State) -> None:
    import numpy as np

    random.setstate(states["random"])
    np.random.set_state(states["numpy.random"])  # noqa: NPY002
    if "torch" in states:
        import torch

        torch.set_rng_state(states["torch"])
