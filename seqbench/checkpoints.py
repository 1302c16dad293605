"""Checkpoints of training: after an epoch, all that the next one depends on, so that it ends with the same bits.

A checkpoint belongs to a cell's key, so it never serves another model, other data or other code. It is a help and no
truth: one that is damaged or cannot be written is done without.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqbench import plain_state
from seqbench.store import PARTIAL, checkpoint_file

log = logging.getLogger("seqbench.cell")

FIRST_SECONDS = 0.5
"""Training that is shorter than this has no checkpoint."""
SHARE = 0.01
"""Of the time of training, what writing checkpoints may take."""


@dataclass
class Checkpoint:
    """The checkpoint of the cell `key`, a file in `folder` that is replaced as a whole."""

    folder: Path
    key: str
    _next: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._next = time.perf_counter() + FIRST_SECONDS

    @property
    def path(self) -> Path:
        """The file."""
        return checkpoint_file(self.folder, self.key)

    def is_due(self) -> bool:
        """Has there been enough training since the last one that another costs next to nothing?"""
        return time.perf_counter() >= self._next

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is kept by `state`: tensors, numbers, strings, and containers of them."""
        begin = time.perf_counter()
        beside = self.path.with_suffix(f".{os.getpid()}{PARTIAL}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            plain_state.save(state, beside)
            beside.replace(self.path)
        except Exception as error:  # a full disk, say: training goes on without
            log.warning("no checkpoint was written (%s): after an interruption this cell starts again", error)
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        end = time.perf_counter()
        self._next = end + (end - begin) / SHARE

    def load(self) -> dict[str, Any] | None:
        """What was kept last; None where there is nothing, or nothing that can be read."""
        if not self.path.is_file():
            return None
        try:
            state: dict[str, Any] = plain_state.load(self.path)
        except Exception as error:
            log.warning("the checkpoint cannot be read (%s): training starts again", " ".join(str(error).split())[:200])
            return None
        return state


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of every global generator that a model may draw from, as `Checkpoint.save` takes it."""
    numpy = np.random.get_state(legacy=False)  # noqa: NPY002 - the global one is what a plugin may use
    key = torch.from_numpy(np.asarray(numpy["state"]["key"], dtype=np.int64))
    gauss = [int(numpy["has_gauss"]), float(numpy["gauss"])]
    state = {
        "python": random.getstate(),
        "numpy": [key, int(numpy["state"]["pos"]), *gauss],
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Put every global generator back as `random_state` found it."""
    random.setstate(state["python"])
    key, position, has_gauss, gauss = state["numpy"]
    np.random.set_state(("MT19937", key.numpy().astype(np.uint32), position, has_gauss, gauss))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"])
