"""Discovery of plugins: each by itself, so that a bad one is listed with its reason and does no harm."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from seqbench import hookspecs
from seqbench.errors import SeqbenchError
from seqbench.naming import nearest
from seqbench.offers import PROGRAM, Offer
from seqbench.source_code import source_hash
from seqbench.spec import ModelSpec, TaskSpec
from seqbench.version import INTERFACE_VERSION, __version__

GROUP = "seqbench"
"""The entry point group; a plugin package names its module (or object) with hooks there."""

BUILT_IN = "seqbench"
"""The distribution that the built-in models and tasks come in."""

DISABLED = "SEQBENCH_DISABLE_PLUGINS"
"""The variable of the environment that names plugins to leave out, parted by commas; worker processes inherit it."""


@dataclass(frozen=True)
class PluginInfo:
    """One thing that a plugin offers, or one plugin that offers nothing because it failed.

    kind: `model`, `task`, `observer`, or `plugin` for one that could not be loaded.
    status: `ok`, `failed` with the reason in one sentence, or `disabled` by the user. source: the file that
    it comes from. source_hash: SHA-256 over the Python source that it is made of; part of every cell's key.
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
        """The plugins that had to be left out."""
        return tuple(item for item in self.plugins if item.status == "failed")


def disabled() -> frozenset[str]:
    """The names of plugins that the environment says to leave out."""
    return frozenset(name.strip() for name in os.environ.get(DISABLED, "").split(",") if name.strip())


def disable(names: Iterable[str]) -> None:
    """Leave plugins out of this process and of those that it starts.

    names: of distributions, of entry points (or stems of plugin files), or of single models and tasks. Raises
    SeqbenchError for one that there is not.
    """
    names = list(names)
    known = {name for item in discover().plugins for name in (item.name, item.distribution)} if names else set()
    known |= {point.name for point in entry_points(group=GROUP)}
    for name in names:
        if name not in known and name not in disabled():
            raise SeqbenchError(f"there is no plugin '{name}' to leave out{nearest(name, known)}")
    os.environ[DISABLED] = ",".join(sorted(disabled() | set(names)))


def discover(plugins: Iterable[str | Offer] = (), strict: bool = False) -> Registry:
    """Load every installed plugin, and the given Python files and offers, each isolated from the others.

    strict: raise SeqbenchError for the first plugin that had to be left out.
    """
    manager = pluggy.PluginManager("seqbench")
    manager.add_hookspecs(hookspecs)
    collector = _Collector(manager, disabled())
    for origin in _origins(plugins):
        collector.add(origin)
    registry = Registry(collector.models, collector.tasks, tuple(collector.plugins), manager)
    failures = registry.failures()
    if strict and failures:
        first = failures[0]
        raise SeqbenchError(f"plugin '{first.name}' of {first.distribution} was left out ({first.reason})")
    return registry


@dataclass(frozen=True)
class _Origin:
    """A plugin that has not been loaded yet. digests: by kind and name, where a spec's file is not what it is."""

    name: str
    distribution: str
    version: str
    load: Callable[[], Any]
    digests: Mapping[tuple[str, str], str] = field(default_factory=dict)


def _origins(plugins: Iterable[str | Offer]) -> Iterator[_Origin]:
    """Built-ins first, then other distributions by name, then files and offers: a name taken first is kept."""
    origins = [
        _Origin(point.name, *_distribution(point), point.load) for point in dict.fromkeys(entry_points(group=GROUP))
    ]
    yield from sorted(
        origins, key=lambda origin: (origin.distribution != BUILT_IN, origin.distribution, origin.version, origin.name)
    )
    for plugin in dict.fromkeys(item if isinstance(item, Offer) else Path(item).resolve() for item in plugins):
        if isinstance(plugin, Offer):
            yield _Origin(PROGRAM, PROGRAM, "", plugin.load, plugin.digests)
        else:
            yield _Origin(plugin.stem, str(plugin), "", lambda path=plugin: load_file(path))  # type: ignore[misc]


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

    def __init__(self, manager: pluggy.PluginManager, disabled: frozenset[str]) -> None:
        self.manager, self.disabled = manager, disabled
        self.models: dict[str, ModelSpec] = {}
        self.tasks: dict[str, TaskSpec] = {}
        self.plugins: list[PluginInfo] = []
        self.holders: dict[tuple[str, str], str] = {}

    def add(self, origin: _Origin) -> None:
        """Load, register and ask one plugin; any failure becomes a PluginInfo.

        What it prints at import goes to stderr: stdout is for what a command was asked for.
        """
        if {origin.name, origin.distribution, Path(origin.distribution).name} & self.disabled:
            self.plugins.append(self._info(origin, origin.name, "plugin", "", status="disabled"))
            return
        with contextlib.redirect_stdout(sys.stderr):
            self._add(origin)

    def _add(self, origin: _Origin) -> None:
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
        made_for = getattr(plugin, "SEQBENCH_INTERFACE", INTERFACE_VERSION)
        if made_for != INTERFACE_VERSION:
            raise SeqbenchError(
                f"it was made for version {made_for} of the plugin interface, and seqbench {__version__} has version "
                f"{INTERFACE_VERSION}: install another release of one of the two"
            )
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
        maker: Callable[..., Any] | None
        if isinstance(spec, (ModelSpec, TaskSpec)) and spec.name in self.disabled:
            return self._info(origin, spec.name, kind, source, status="disabled")
        if isinstance(spec, ModelSpec) and kind == "model":
            taken, maker = self.models.setdefault(spec.name, spec) is not spec, spec.fit or spec.build
        elif isinstance(spec, TaskSpec) and kind == "task":
            taken, maker = self.tasks.setdefault(spec.name, spec) is not spec, spec.prepare
        else:
            error = SeqbenchError(f"it offers {spec!r} as a {kind}, which is no {kind.title()}Spec")
            return self._info(origin, origin.name, "plugin", source, error=error)
        if taken:
            error = SeqbenchError(f"the name '{spec.name}' is already taken by {self.holders[kind, spec.name]}")
            return self._info(origin, spec.name, kind, source, error=error)
        self.holders[kind, spec.name] = origin.distribution
        if origin.digests:
            digest = origin.digests[kind, spec.name]
            return PluginInfo(spec.name, kind, origin.distribution, "", "", about=spec.about, source_hash=digest)
        return self._info(origin, spec.name, kind, _source_file(maker) or source, about=spec.about)

    def _info(
        self,
        origin: _Origin,
        name: str,
        kind: str,
        source: str,
        *,
        error: BaseException | None = None,
        status: str = "ok",
        about: str = "",
    ) -> PluginInfo:
        reason = f"left out by --no-plugin or {DISABLED}" if status == "disabled" else ""
        if error is not None:
            status, reason = "failed", _reason(error)
        digest = source_hash(source) if source and status == "ok" else ""
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
