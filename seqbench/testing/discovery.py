"""Checks of what discovery costs: a fresh interpreter loads the plugin and asks what it offers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.origins import Origin
from seqbench.testing.subjects import ModelSubject, TaskSubject

LIMIT_SECONDS = 0.5
"""Of processor time: every command pays it."""
TRIES = 2
"""The first may have to compile."""
TIMEOUT_SECONDS = 120
SHOWN = 3
MARK = "discovered: "
"""What the line with the result begins with: a plugin may print something, too."""
LINE = re.compile(r"import time:\s+\d+ \|\s+(\d+) \|\s*(\S+)")
"""Of `python -X importtime`: microseconds with all that a module imports, and its name."""


def no_torch_at_discovery(subject: ModelSubject | TaskSubject) -> str:
    """Loaded, and asked for models and tasks, torch is not among the modules."""
    found = _discovered(subject.origin)
    subject.deprecated.update(found["deprecated"])
    if found["torch"]:
        raise UnmetError(f"torch is imported at {found['torch']}")
    return f"{found['modules']} modules imported"


def import_time(subject: ModelSubject | TaskSubject) -> str:
    """The lesser of two tries counts."""
    found = _discovered(subject.origin)
    seconds = [found["seconds"]]
    while min(seconds) > LIMIT_SECONDS and len(seconds) < TRIES:
        seconds.append(_discover(subject.origin)["seconds"])
    least = min(seconds)
    if least > LIMIT_SECONDS:
        slow = ", ".join(f"{name} {part:.2f} s" for name, part in _slowest(subject.origin))
        raise UnmetError(f"{least:.2f} s" + (f" (the slowest imports: {slow})" if slow else ", in its own code"))
    return f"{least * 1000:.0f} ms"


@cache
def _discovered(origin: Origin) -> dict[str, Any]:
    return _discover(origin)


def _discover(origin: Origin) -> dict[str, Any]:
    """Processor seconds, number of new modules, and the line that imports torch."""
    return _result_of(_run(origin).stdout)


def _result_of(output: str) -> dict[str, Any]:
    line = next(line for line in reversed(output.splitlines()) if line.startswith(MARK))
    found: dict[str, Any] = json.loads(line.removeprefix(MARK))
    return found


def _run(origin: Origin, *options: str) -> subprocess.CompletedProcess[str]:
    if not origin.is_known:
        raise InapplicableError("it was made in a program or notebook: nothing discovers it")
    asked = json.dumps({"file": origin.file, "modules": origin.modules})
    # -P, as the folder of a program that has a random.py or types.py must not be on the path of the interpreter.
    command = [sys.executable, "-P", *options, "-c", f"import sys; sys.path[:] = {sys.path!r}; {_PROGRAM}", asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise UnmetError(f"a fresh interpreter cannot load it: {last}")
    return done


STARTED = "seqbench.testing.discovering"
"""What is imported after this module is imported for the plugin."""
_PROGRAM = "from seqbench.testing.discovering import main; main(sys.argv[1])"


def _slowest(origin: Origin) -> Sequence[tuple[str, float]]:
    """The imports that take longest, with all that they import and more than a tenth of the limit; not the plugin's."""
    own = {name.partition(":")[0].partition(".")[0] for name in origin.modules}
    rows = LINE.findall(_run(origin, "-X", "importtime").stderr.partition(STARTED)[2])
    tops: dict[str, float] = {}
    for micros, name in rows:
        top, seconds = name.partition(".")[0], int(micros) / 1e6
        if top not in own and seconds > LIMIT_SECONDS / 10:
            tops[top] = max(tops.get(top, 0.0), seconds)
    return sorted(tops.items(), key=lambda item: -item[1])[:SHOWN]
