"""Where a spec comes from: an installed distribution's entry points, a file, a module, or nowhere that can be found."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from seqbench.registry import GROUP, OFFERS, discover
from seqbench.spec import ModelSpec, TaskSpec

FILE_PLUGIN = "seqbench_plugin_"
"""What the module of a plugin that is one file is called by."""


@dataclass(frozen=True)
class Origin:
    """How discovery comes by a plugin. file: of its one file; modules: that have to be imported, if any.

    folder: where its source lies, to tell its own lines from those of libraries; empty where that is not known.
    """

    file: str = ""
    modules: tuple[str, ...] = field(default_factory=tuple)
    folder: str = ""

    @property
    def is_known(self) -> bool:
        """Can a fresh process discover it?"""
        return bool(self.file or self.modules)


def maker_of(spec: ModelSpec | TaskSpec) -> Callable[..., Any]:
    """The function that makes the thing: build, fit or prepare."""
    return spec.prepare if isinstance(spec, TaskSpec) else spec.fit or spec.build


def origin_of(spec: ModelSpec | TaskSpec) -> Origin:
    """Where a spec comes from, as far as can be told from it."""
    kind = "task" if isinstance(spec, TaskSpec) else "model"
    module = sys.modules.get(_module_name(maker_of(spec)))
    file = getattr(module, "__file__", None) or ""
    folder = str(Path(file).parent) if file else ""
    if module is not None and module.__name__.startswith(FILE_PLUGIN):
        return Origin(file=file, folder=file)
    name = module.__name__ if module is not None else ""
    modules = _points_of(kind, spec) or _modules_of(kind, spec, name)
    return Origin(modules=modules, folder="" if name.startswith("seqbench.") else folder)


def _module_name(maker: Callable[..., Any]) -> str:
    function = getattr(maker, "func", maker)  # of a functools.partial
    return getattr(function, "__module__", "") or ""


def _modules_of(kind: str, spec: ModelSpec | TaskSpec, name: str) -> tuple[str, ...]:
    """The module of a spec, or the package around it, whose hook offers it: a plugin that is not installed yet."""
    while name and name != "__main__":
        module = sys.modules.get(name)
        if module is not None and _offers(module, kind, spec.name) and _is_importable(name):
            return (name,)
        name = name.rpartition(".")[0]
    return ()


def _offers(plugin: object, kind: str, name: str) -> bool:
    """Does its hook offer something of that name?"""
    hook = next(hook for hook, offered in OFFERS.items() if offered == kind)
    offers = getattr(plugin, hook, None)
    return callable(offers) and any(getattr(item, "name", "") == name for item in offers())


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _points_of(kind: str, spec: ModelSpec | TaskSpec) -> tuple[str, ...]:
    """The entry points (`package.module:object`) that offer this very spec; none if another has its name."""
    registry = discover()
    shelf: Any = registry.tasks if kind == "task" else registry.models
    found = shelf.get(spec.name)
    if found is None or _module_name(maker_of(found)) != _module_name(maker_of(spec)):
        return ()
    distribution = registry.info(kind, spec.name).distribution
    points = [
        point for point in entry_points(group=GROUP) if point.dist is not None and point.dist.name == distribution
    ]
    return tuple(dict.fromkeys(point.value for point in points if _offers(point.load(), kind, spec.name)))
