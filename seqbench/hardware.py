"""What this machine has, probed once and without importing torch."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from seqbench.errors import ConfigError
from seqbench.version import installed_version

LOOK_SECONDS = 0.5
"""How long it is looked at how busy the machine is."""
GPU_WORKERS = 4
"""Workers per GPU by default: small recurrent models leave most of a GPU idle between kernel launches."""


@dataclass(frozen=True)
class Device:
    """Where a cell can run: `cpu`, `cuda:0`, `mps`; its name; its memory in bytes."""

    id: str
    name: str
    memory_bytes: int

    @property
    def kind(self) -> str:
        """`cpu`, `cuda` or `mps`: the part that decides a result, so part of a cell's key."""
        return self.id.partition(":")[0]


@dataclass(frozen=True)
class Hardware:
    """The machine: cores that this process may use, memory in bytes, and every device."""

    cores: int
    memory_bytes: int
    cpu: str
    system: str
    devices: tuple[Device, ...]

    def to_json(self) -> dict[str, Any]:
        """The machine as JSON-able values, for records."""
        return asdict(self)

    def choose(self, wanted: str) -> tuple[Device, ...]:
        """The devices that `--device` means; `auto` takes every GPU there is, else the CPU.

        Raises ConfigError for one that is not there, naming those that are.
        """
        accelerators = tuple(device for device in self.devices if device.kind != "cpu")
        if wanted == "auto":
            return accelerators or self.devices
        chosen = tuple(device for device in self.devices if wanted in (device.id, device.kind))
        if not chosen:
            there = ", ".join(device.id for device in self.devices)
            raise ConfigError(f"there is no device '{wanted}' on this machine: use auto or one of {there}.")
        return chosen

    def workers(self, devices: tuple[Device, ...]) -> int:
        """The default number of worker processes: one per core, on GPUs several each but no more than cores."""
        if devices[0].kind == "cpu":
            return self.cores
        return max(len(devices), min(self.cores, GPU_WORKERS * len(devices)))


@cache
def probe() -> Hardware:
    """Find out what this machine has."""
    memory = psutil.virtual_memory().total
    cpu = Device("cpu", _cpu_name(), memory)
    return Hardware(_cores(), memory, cpu.name, platform.platform(), (*_cuda(), *_mps(memory), cpu))


def busy_percent(device: str = "cpu") -> float:
    """How busy the machine is, in percent of all its cores, over half a second; or its GPU, where that is busier."""
    cores = float(psutil.cpu_percent(interval=LOOK_SECONDS))
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return cores
    import pynvml

    try:
        return max(cores, float(pynvml.nvmlDeviceGetUtilizationRates(_cuda_handles()[int(number or 0)]).gpu))
    except (pynvml.NVMLError, IndexError):  # not every GPU tells
        return cores


def own_bytes(name: str) -> int:
    """A figure of this process's memory as Linux keeps it: `VmHWM` is the peak, `VmData` what RLIMIT_DATA counts.

    Raises OSError where the system does not keep it.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cuda_handles() -> list[Any]:
    """NVIDIA devices by the driver's management library, in the order and number that torch will see."""
    if installed_version("torch").endswith("+cpu"):
        return []
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    return _visible(handles, pynvml.nvmlDeviceGetUUID)


def _cuda() -> tuple[Device, ...]:
    handles = _cuda_handles()
    if not handles:
        return ()
    import pynvml

    return tuple(
        Device(
            f"cuda:{number}", str(pynvml.nvmlDeviceGetName(handle)), int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
        )
        for number, handle in enumerate(handles)
    )


def _visible(handles: list[Any], uuid_of: Any) -> list[Any]:
    """The handles that CUDA_VISIBLE_DEVICES leaves, in its order; like CUDA, it stops at the first invalid entry."""
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return handles
    kept = []
    for entry in (part.strip() for part in setting.split(",")):
        match = [
            handle
            for number, handle in enumerate(handles)
            if entry == str(number) or (entry.startswith("GPU-") and str(uuid_of(handle)).startswith(entry))
        ]
        if not match:
            break
        kept.append(match[0])
    return kept


def _mps(memory: int) -> tuple[Device, ...]:
    is_apple_gpu = sys.platform == "darwin" and platform.machine() == "arm64"
    return (Device("mps", "Apple GPU", memory),) if is_apple_gpu else ()
