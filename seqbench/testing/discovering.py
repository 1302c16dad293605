"""What a fresh interpreter does to measure discovery: it loads one plugin, and says what that took."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from seqbench.registry import GROUP, OFFERS, load_file
from seqbench.sequences import SequenceSet

ALREADY = (np, SequenceSet)
"""What any plugin may import is here before the clock starts."""


class _Finder(MetaPathFinder):
    """Finds nothing; when torch is asked for, all is known that there is to know, and the interpreter ends."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Look at who asks."""
        if fullname == "torch":
            frame = sys._getframe(1)  # noqa: SLF001 - the only way to the caller
            while frame.f_back is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
                frame = frame.f_back
            _tell(torch=f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
            os._exit(0)


def main(asked: str) -> None:
    """Load what `asked` names (JSON: file, or modules), ask for its offers, and print the result as one line."""
    origin = json.loads(asked)
    sys.meta_path.insert(0, _Finder())
    before = len(sys.modules)
    begin = time.process_time()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", ".*seqbench", DeprecationWarning)
        for plugin in _plugins(origin):
            for hook in OFFERS:
                offers = getattr(plugin, hook, None)
                if callable(offers):
                    list(offers())
    seconds = time.process_time() - begin
    _tell(seconds, len(sys.modules) - before, deprecated=[str(item.message) for item in seen])


def _tell(seconds: float = 0.0, modules: int = 0, torch: str = "", deprecated: Sequence[str] = ()) -> None:
    found = {"seconds": seconds, "modules": modules, "torch": torch, "deprecated": list(deprecated)}
    print(f"\ndiscovered: {json.dumps(found)}", flush=True)  # noqa: T201 - the parent reads it


def _plugins(origin: dict[str, Any]) -> list[Any]:
    if origin["file"]:
        return [load_file(Path(origin["file"]))]
    return [EntryPoint(name, name, GROUP).load() for name in origin["modules"]]
