"""What Ray carries to nodes by value: it must say what is wrong there before anything of seqbench is imported."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

DISTRIBUTIONS = ("torch", "numpy", "scipy", "scikit-learn")
"""Distributions whose version can change a result, whatever the task."""


def versions() -> dict[str, str]:
    """What is installed here of all that must be the same on every machine of a run."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    try:
        from seqbench.facts import core_hash
        from seqbench.version import __version__
    except ImportError:
        return {**found, "seqbench": "absent"}
    return {**found, "seqbench": f"{__version__} (code {core_hash()[:12]})"}


def refusal(expected: Mapping[str, str]) -> str:
    """Why this machine cannot take part, in one sentence; empty when its versions are the driver's."""
    here = versions()
    differing = [name for name in expected if here[name] != expected[name]]
    if not differing:
        return ""
    theirs, ours = (", ".join(f"{name} {found[name]}" for name in differing) for found in (here, expected))
    return (
        f"the Ray node {platform.node()} has {theirs} where the machine that started the run has {ours}: "
        "install the same versions on both (pip install 'seqbench[ray]' -c constraints.txt)."
    )


def look(expected: Mapping[str, str]) -> tuple[str, list[int]]:
    """This node's refusal, and the memory in bytes of each of its GPUs."""
    refused = refusal(expected)
    if refused:
        return refused, []
    from seqbench.hardware import probe

    # A task without a GPU may be shown none.
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    probe.cache_clear()
    return "", [device.memory_bytes for device in probe().devices if device.kind == "cuda"]


def perform(
    verb: str, job: bytes, kit: bytes, mailbox: Any, number: int, expected: Mapping[str, str]
) -> tuple[str, bytes]:
    """Do one job on this node: why the node refuses, or the pickled answer of seqbench.execution.ray_node."""
    refused = refusal(expected)
    if refused:
        return refused, b""
    from seqbench.execution.ray_node import answer

    return "", answer(verb, job, kit, lambda *message: mailbox.post.remote(message), number)


class Mailbox:
    """An actor that keeps what workers tell until the driver takes it."""

    def __init__(self) -> None:
        self._messages: list[tuple[Any, ...]] = []
        self._arrived = asyncio.Event()

    async def post(self, message: tuple[Any, ...]) -> None:
        """Leave a message."""
        self._messages.append(message)
        self._arrived.set()

    async def take(self) -> list[tuple[Any, ...]]:
        """All messages, as soon as there is one."""
        await self._arrived.wait()
        self._arrived.clear()
        taken, self._messages = self._messages, []
        return taken
