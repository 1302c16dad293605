"""Models that do what nights bring: each harms its own process in its own way when it is first used."""

from __future__ import annotations

import ctypes
import functools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench import Dense, Input, ModelSpec, Output, hookimpl

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Params:
    """seconds: that a forward pass of training takes, at least."""

    seconds: float = 0.0


LEAK: list[Any] = []


def segfault() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def hang() -> None:
    """Wait for ever in C, with the interpreter's lock held and every polite signal ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.PyDLL(None).pause()


def hog() -> None:
    """Take memory bit by bit, for ever."""
    while True:
        LEAK.append(np.ones(8_000_000))


def leak() -> None:
    """Keep 700 MB, and a thread."""
    LEAK.append(np.ones(90_000_000))
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def mess() -> None:
    """Change whatever is global."""
    import torch

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    np.random.seed(2)  # noqa: NPY002
    random.seed(3)
    os.environ["SEQBENCH_MESS"] = "1"
    os.chdir("/")


DEEDS: dict[str, Callable[[], object]] = {
    "nasty_exit": lambda: os._exit(0),
    "nasty_quit": lambda: sys.exit("enough"),
    "nasty_abort": os.abort,
    "nasty_segfault": segfault,
    "nasty_killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "nasty_hang": hang,
    "nasty_hog": hog,
    "nasty_leak": leak,
    "nasty_mess": mess,
    "nasty_slow": lambda: None,
}


def build(deed: Callable[[], object], input: Input, output: Output, params: Params) -> nn.Module:
    """A small model with dropout and every generator in use, which does its deed in its first forward pass."""
    from torch import nn

    assert isinstance(input, Dense)
    features = input.features

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(features, output.size)
            self.dropout = nn.Dropout(0.2)
            self.is_done = False

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            if not self.is_done:
                self.is_done = True
                deed()
            mean = self.dropout(x.sum(1) / lengths[:, None])
            if self.training:
                time.sleep(params.seconds)
                mean = mean + 0.01 * (random.random() + np.random.random())  # noqa: NPY002, S311
            result: torch.Tensor = self.head(mean.to(self.head.weight.dtype)).float()
            return result

    return Model()


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    """Offer them."""

    def maker(deed: Callable[[], object]) -> Callable[[Input, Output, Any], nn.Module]:
        return functools.partial(build, deed)

    return [ModelSpec(name, maker(deed), Params, ("dense",), name) for name, deed in DEEDS.items()]
