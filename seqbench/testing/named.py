"""An inspection of what is called by name on a command line, of plugins that are installed or given as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqbench.errors import ConfigError
from seqbench.naming import nearest
from seqbench.registry import Registry, discover
from seqbench.testing.inspection import Inspection

KINDS = ("model", "task")


def inspection_of(
    name: str,
    *,
    kind: str | None = None,
    plugins: Sequence[str] = (),
    source: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> Inspection:
    """The inspection of the model or task of that name.

    kind: where both have the name. source: of a task; `builtin`. Raises ConfigError for a name that there is not, with
    the reason where its plugin was left out, and for what cannot be asked together.
    """
    registry = discover(plugins)
    _check_given(registry, plugins)
    shelves: dict[str, Mapping[str, Any]] = {"model": registry.models, "task": registry.tasks}
    kinds = [one for one in KINDS if name in shelves[one] and kind in (None, one)]
    if not kinds:
        raise ConfigError(_unknown(name, kind, shelves, registry))
    if len(kinds) > 1:
        raise ConfigError(f"'{name}' is a model and a task: say which with --kind model or --kind task.")
    if kinds[0] == "model":
        if source is not None:
            raise ConfigError(f"'{name}' is a model, which has no data: leave --data out.")
        return Inspection.of_model(registry.models[name], params=params)
    return Inspection.of_task(registry.tasks[name], source=source or "builtin", params=params)


def _check_given(registry: Registry, plugins: Sequence[str]) -> None:
    """Raises ConfigError where something of a given file was left out: another thing would be checked in its place."""
    files = {str(Path(plugin).resolve()) for plugin in plugins}
    for info in registry.failures():
        if info.distribution in files:
            is_taken = "already taken" in info.reason
            hint = " (--no-plugin DISTRIBUTION leaves out the other one)" if is_taken else ""
            raise ConfigError(f"'{info.name}' of {info.distribution} is left out: {info.reason}{hint}.")


def _unknown(name: str, kind: str | None, shelves: Mapping[str, Mapping[str, Any]], registry: Registry) -> str:
    for info in registry.plugins:
        if info.name == name and info.status != "ok":
            return f"the plugin '{name}' of {info.distribution} is left out: {info.reason}"
    valid = [item for one in KINDS if kind in (None, one) for item in shelves[one]]
    failed = "".join(f" The plugin '{item.name}' was left out: {item.reason}." for item in registry.failures())
    return f"there is no {kind or 'model or task'} '{name}'{nearest(name, valid)}{failed}"
