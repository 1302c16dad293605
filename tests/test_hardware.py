"""What the machine has is found once, and what is asked for is chosen from it or refused."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pynvml
import pytest

from seqbench import hardware
from seqbench.errors import ConfigError
from seqbench.hardware import Device, Hardware, _visible, busy_percent, probe

CPU = Device("cpu", "a CPU", 8)
GPUS = (Device("cuda:0", "a GPU", 4), Device("cuda:1", "a GPU", 4))
MACHINE = Hardware(8, 8, "a CPU", "Linux", (*GPUS, CPU))


def test_this_machine_has_a_cpu() -> None:
    """The probe finds at least one core, some memory and the CPU as a device."""
    found = probe()
    assert found.cores >= 1
    assert found.memory_bytes > 2**28
    assert "cpu" == found.devices[-1].id


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("auto", GPUS), ("cuda", GPUS), ("cuda:1", GPUS[1:]), ("cpu", (CPU,))],
)
def test_devices_are_chosen(wanted: str, expected: tuple[Device, ...]) -> None:
    """`auto` and `cuda` take every GPU, `cuda:1` one, `cpu` the CPU."""
    assert expected == MACHINE.choose(wanted)


def test_without_a_gpu_auto_is_the_cpu() -> None:
    """`auto` falls back on the CPU."""
    assert (CPU,) == Hardware(2, 8, "a CPU", "Linux", (CPU,)).choose("auto")


@pytest.mark.parametrize("wanted", ["mps", "cuda:7", "gpu", "tpu"])
def test_a_device_that_is_not_there_is_refused(wanted: str) -> None:
    """The error names what was asked for and what there is."""
    with pytest.raises(ConfigError, match="use auto or one of cuda:0, cuda:1, cpu"):
        MACHINE.choose(wanted)


def test_workers() -> None:
    """One worker per core; on GPUs several each, but no more than cores."""
    assert (8, 8, 4) == (MACHINE.workers((CPU,)), MACHINE.workers(GPUS), MACHINE.workers(GPUS[:1]))


@pytest.mark.parametrize(
    ("setting", "kept"),
    [(None, "abc"), ("", ""), ("1", "b"), ("2,0", "ca"), ("0,9,1", "a"), ("GPU-b", "b"), ("-1", "")],
)
def test_visible_devices_are_respected(monkeypatch: pytest.MonkeyPatch, setting: str | None, kept: str) -> None:
    """CUDA_VISIBLE_DEVICES picks and orders GPUs by number or UUID, and ends at the first invalid entry."""
    if setting is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    assert list(kept) == _visible(list("abc"), lambda name: f"GPU-{name}")


def test_how_busy_this_machine_is() -> None:
    """It is a share of all cores."""
    assert 0.0 <= busy_percent() <= 100.0


def test_a_busy_gpu_counts_where_it_is_busier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the GPU that is asked for and the cores the busier one is told; a GPU that does not tell leaves the cores."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 20.0)
    monkeypatch.setattr(hardware, "_cuda_handles", lambda: [70, 3])

    def rates(handle: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=handle)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", rates)
    assert [70.0, 20.0, 20.0, 20.0] == [busy_percent(device) for device in ("cuda:0", "cuda:1", "cuda:2", "cpu")]

    def silent(handle: int) -> SimpleNamespace:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", silent)
    assert 20.0 == busy_percent("cuda:0")
