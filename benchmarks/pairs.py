"""Measuring side by side: contestants in turn, so that what else the machine does meets all alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

HERE = Path(__file__).parent
Name = TypeVar("Name")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class FailedProcessError(Exception):
    """A process that was to be measured ended badly; the message has its last lines."""


def alternate(contestants: Mapping[Name, Callable[[], float]], rounds: int) -> dict[Name, list[float]]:
    """Each contestant's measure in each round; every other round goes through them backwards."""
    measured: dict[Name, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        order = list(contestants.items())
        for name, work in order if number % 2 == 0 else reversed(order):
            measured[name].append(work())
    return measured


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios within rounds."""
    return median(one / other for one, other in zip(above, below, strict=True))


def spread(above: Sequence[float], below: Sequence[float]) -> str:
    """Median seconds of both, and the lowest and highest ratio of a round."""
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    return (
        f"{median(above):.3g} s and {median(below):.3g} s, {len(ratios)} rounds, "
        f"ratios {min(ratios):.3g} to {max(ratios):.3g}"
    )


def seconds_of(work: Callable[[], object]) -> float:
    """Wall seconds that a call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def environment(**more: str) -> dict[str, str]:
    """This process's environment with this folder on the module path, and `more`."""
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


def run(command: Sequence[str], folder: Path, **more: str) -> float:
    """Wall seconds of a whole process, started in `folder`. Raises FailedProcessError when it ends badly."""
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, check=False, encoding="utf-8"
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        last = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise FailedProcessError(f"{' '.join(command[:6])} ended with {done.returncode}: {last}")
    return seconds


def answer(python: Path | str, module: str, request: Mapping[str, Any], folder: Path, **more: str) -> dict[str, Any]:
    """What `python -m module request.json answer.json` wrote as its answer, in a fresh process."""
    asked, answered = folder / "request.json", folder / "answer.json"
    asked.write_text(json.dumps(request), encoding="utf-8")
    answered.unlink(missing_ok=True)
    run([str(python), "-m", module, str(asked), str(answered)], folder, **more)
    values: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    return values


def answering(work: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """The other end of `answer`: read the request, do the work, write its answer."""
    asked, answered = (Path(argument) for argument in sys.argv[1:3])
    result = work(json.loads(asked.read_text(encoding="utf-8")))
    answered.write_text(json.dumps(result), encoding="utf-8")


def seqbench(*arguments: str) -> list[str]:
    """The command line of this environment's seqbench."""
    return [sys.executable, "-m", "seqbench.cli", *arguments]
