"""`seqbench` as a real process: seconds from start to exit, and the most memory that it had."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Process:
    """A process that ended: wall seconds, seconds of processor, peak resident memory in MB, where its output is."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: Path


def seqbench(folder: Path, *arguments: str, **variables: str) -> Process:
    """`seqbench ARGUMENTS` in `folder`, with a cache and compiled Python of its own there.

    variables: further ones of the environment. Raises RuntimeError with the end of its output when it fails.
    """
    output = folder / "output.txt"
    begin = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "seqbench.cli", *arguments],
            cwd=folder,
            env={**_environment(folder), **variables},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"seqbench {arguments[0]} ended with {process.returncode}: {output.read_text()[-500:]}")
    return Process(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_UNIT / 1e6, output)


def _environment(folder: Path) -> Mapping[str, str]:
    """As pip installs: with bytecode, which the first of several runs writes."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "SEQBENCH_CACHE": str(folder / "cache"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }
