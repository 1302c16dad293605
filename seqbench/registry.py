"""Discovery of plugins: each by itself, so that a bad one is listed with its reason and does no harm."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from seqbench import hookspecs
from seqbench.errors import SeqbenchError
from seqbench.spec import ModelSpec, TaskSpec

GROUP = "seqbench"
"""The entry point group; a plugin package names its module (or object) with hooks there."""

BUILT_IN = "seqbench"
"""The distribution that the built-in models and tasks come in."""


@dataclass(frozen=True)
class PluginInfo:
    """One thing that a plugin offers, or one plugin that offers nothing because it failed.

    kind: `model`, `task`, `observer`, or `plugin` for one that could not be loaded.
    status: `ok`, or `failed` with the reason in one sentence. source: the file that it comes from.
    source_hash: SHA-256 over the Python source that it is made of; part of every cell's key.
    """

    name: str
    kind: str
    distribution: str
    version: str
    source: str
    status: str = "ok"
    reason: str = ""
    about: str = ""
    source_hash: str = ""


@dataclass(frozen=True)
class Registry:
    """What was found: specs by name, where each comes from, and the manager that calls observers."""

    models: Mapping[str, ModelSpec]
    tasks: Mapping[str, TaskSpec]
    plugins: tuple[PluginInfo, ...]
    manager: pluggy.PluginManager = field(repr=False)

    def info(self, kind: str, name: str) -> PluginInfo:
        """Where the model or task `name` comes from."""
        return next(item for item in self.plugins if (item.kind, item.name, item.status) == (kind, name, "ok"))

    def failures(self) -> tuple[PluginInfo, ...]:
        """The plugins that were left out."""
        return tuple(item for item in self.plugins if item.status != "ok")


def discover(plugin_files: Iterable[str] = (), strict: bool = False) -> Registry:
    """Load every installed plugin, and the given Python files, each isolated from the others.

    strict: raise SeqbenchError for the first plugin that had to be left out.
    """
    manager = pluggy.PluginManager("seqbench")
    manager.add_hookspecs(hookspecs)
    collector = _Collector(manager)
    for origin in _origins(plugin_files):
        collector.add(origin)
    registry = Registry(collector.models, collector.tasks, tuple(collector.plugins), manager)
    failures = registry.failures()
    if strict and failures:
        first = failures[0]
        raise SeqbenchError(f"plugin '{first.name}' of {first.distribution} was left out ({first.reason})")
    return registry


@dataclass(frozen=True)
class _Origin:
    """A plugin that has not been loaded yet."""

    name: str
    distribution: str
    version: str
    load: Callable[[], Any]


def _origins(plugin_files: Iterable[str]) -> Iterator[_Origin]:
    """Built-ins first, then other distributions by name, then files: a name taken first is kept."""
    origins = [
        _Origin(point.name, *_distribution(point), point.load) for point in dict.fromkeys(entry_points(group=GROUP))
    ]
    yield from sorted(
        origins, key=lambda origin: (origin.distribution != BUILT_IN, origin.distribution, origin.version, origin.name)
    )
    for file in plugin_files:
        path = Path(file).resolve()
        yield _Origin(path.stem, str(path), "", lambda path=path: load_file(path))  # type: ignore[misc]


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "")


def load_file(path: Path) -> ModuleType:
    """Import one Python file as a plugin. Raises SeqbenchError when there is no such file."""
    if not path.is_file():
        raise SeqbenchError(f"there is no plugin file {path}")
    name = f"seqbench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SeqbenchError(f"{path} is no Python file: give one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Collector:
    """Registers plugins one by one and keeps what each offers."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.manager = manager
        self.models: dict[str, ModelSpec] = {}
        self.tasks: dict[str, TaskSpec] = {}
        self.plugins: list[PluginInfo] = []
        self.holders: dict[tuple[str, str], str] = {}

    def add(self, origin: _Origin) -> None:
        """Load, register and ask one plugin; any failure becomes a PluginInfo."""
        try:
            plugin = origin.load()
            self._register(plugin, origin)
        except (Exception, SystemExit) as error:
            self.plugins.append(self._info(origin, origin.name, "plugin", "", error=error))
            return
        source = _source_file(plugin)
        offers = self._offers(plugin, origin, source)
        self.plugins.extend(offers)
        if any(name.startswith("seqbench_") and name not in OFFERS for name in _hook_names(self.manager, plugin)):
            self.plugins.append(self._info(origin, origin.name, "observer", source))

    def _register(self, plugin: Any, origin: _Origin) -> None:
        name = f"{origin.distribution}:{origin.name}"
        known = {item for item in dir(hookspecs) if item.startswith("seqbench_")}
        marked = [item for item in dir(plugin) if self.manager.parse_hookimpl_opts(plugin, item) is not None]
        unknown = sorted(set(marked) - known)
        if unknown:
            raise SeqbenchError(f"it implements '{unknown[0]}', which is no hook of this version of seqbench")
        if not marked:
            raise SeqbenchError("it implements no hook: mark a function with @seqbench.hookimpl")
        self.manager.register(plugin, name=name)

    def _offers(self, plugin: Any, origin: _Origin, source: str) -> list[PluginInfo]:
        found: list[PluginInfo] = []
        for hook, kind in OFFERS.items():
            if self.manager.parse_hookimpl_opts(plugin, hook) is None:
                continue
            try:
                specs = list(getattr(plugin, hook)())
            except (Exception, SystemExit) as error:
                found.append(self._info(origin, origin.name, "plugin", source, error=error))
                continue
            found.extend(self._take(spec, kind, origin, source) for spec in specs)
        return found

    def _take(self, spec: object, kind: str, origin: _Origin, source: str) -> PluginInfo:
        """Put one offered spec on its shelf, unless it is no spec or its name is taken."""
        maker: Callable[..., Any]
        if isinstance(spec, ModelSpec) and kind == "model":
            taken, maker = self.models.setdefault(spec.name, spec) is not spec, spec.build
        elif isinstance(spec, TaskSpec) and kind == "task":
            taken, maker = self.tasks.setdefault(spec.name, spec) is not spec, spec.prepare
        else:
            error = SeqbenchError(f"it offers {spec!r} as a {kind}, which is no {kind.title()}Spec")
            return self._info(origin, origin.name, "plugin", source, error=error)
        if taken:
            error = SeqbenchError(f"the name '{spec.name}' is already taken by {self.holders[kind, spec.name]}")
            return self._info(origin, spec.name, kind, source, error=error)
        self.holders[kind, spec.name] = origin.distribution
        return self._info(origin, spec.name, kind, _source_file(maker) or source, about=spec.about)

    def _info(
        self,
        origin: _Origin,
        name: str,
        kind: str,
        source: str,
        *,
        error: BaseException | None = None,
        about: str = "",
    ) -> PluginInfo:
        status, reason = ("ok", "") if error is None else ("failed", _reason(error))
        digest = source_hash(source) if source and error is None else ""
        return PluginInfo(name, kind, origin.distribution, origin.version, source, status, reason, about, digest)


OFFERS = {
    "seqbench_models": "model",
    "seqbench_tasks": "task",
}


def _hook_names(manager: pluggy.PluginManager, plugin: Any) -> list[str]:
    return [caller.name for caller in manager.get_hookcallers(plugin) or ()]


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, SeqbenchError) else f"{type(error).__name__}: {text}"


def _source_file(thing: Any) -> str:
    """The file that a module, function or object was defined in; empty for what has none."""
    if isinstance(thing, ModuleType):
        return thing.__file__ or ""
    module = sys.modules.get(getattr(thing, "__module__", "") or type(thing).__module__)
    return (module.__file__ or "") if module else ""


@cache
def source_hash(source: str) -> str:
    """SHA-256 over what a plugin is made of: the whole top-level package that its file is in, or the file alone.

    Python files count with their content, other files with their name and size.
    """
    folder, files = source_files(source)
    return hash_files(files, folder)


def source_files(source: str) -> tuple[Path, list[Path]]:
    """The top-level package that a plugin's file is in and all its files, or the file's folder and it alone."""
    path = Path(source)
    folder = path.parent
    if not (folder / "__init__.py").is_file():
        return folder, [path]
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return folder, sorted(files)


def hash_files(files: Iterable[Path], folder: Path) -> str:
    """SHA-256 over files by their name below `folder`, and their content (Python) or size (others)."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() if file.suffix == ".py" else str(file.stat().st_size).encode())
        digest.update(b"\0")
    return digest.hexdigest()
