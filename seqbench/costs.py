"""What a model costs: multiply-accumulates of a forward pass, and peak memory."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seqbench.hardware import own_bytes
from seqbench.sequences import BatchSource, SequenceSet


def count_macs(module: nn.Module, split: SequenceSet, device: torch.device) -> int | None:
    """Multiply-accumulates of one forward pass of the example of median length, by torch's own counter.

    oneDNN and cuDNN are off while counting, so that a fused recurrence is seen as the matrix products it is made of.
    None when the model cannot run that way.
    """
    middle = np.argsort(split.lengths, kind="stable")[len(split) // 2 :][:1]
    x, lengths, _ = BatchSource(_only(split, middle), device).batch(np.zeros(1, dtype=np.int64))
    was_training = module.training
    module.eval()
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            torch.no_grad(),
            torch.backends.mkldnn.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            FlopCounterMode(display=False) as counter,
        ):
            module(x, lengths)
    except (RuntimeError, NotImplementedError):
        return None
    finally:
        module.train(was_training)
    return int(counter.get_total_flops()) // 2


def _only(split: SequenceSet, index: np.ndarray[tuple[int], np.dtype[np.int64]]) -> SequenceSet:
    example = split.example(int(index[0]))
    return SequenceSet.from_sequences([example], split.targets[index])


def reset_peak_memory(device: str) -> None:
    """Start measuring the peak anew, where the system allows it."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory_bytes(device: torch.device) -> int:
    """Peak since the reset: memory held of a CUDA device, else resident memory of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    try:
        return own_bytes("VmHWM")
    except OSError:
        return int(psutil.Process().memory_info().rss)
