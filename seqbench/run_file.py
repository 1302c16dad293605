"""What a run file and `--set` say, as tables; what it means is for seqbench.config."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seqbench.errors import ConfigError
from seqbench.sources import BUILTIN, exists, is_remote

Tables = dict[str, Any]


def read_run_file(path: Path) -> Tables:
    """The tables of a run file. Raises ConfigError when it is missing or no TOML."""
    try:
        with path.open("rb") as file:
            tables: Tables = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read the run file {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the run file {path} is not valid TOML: {error}.") from None
    for name, settings in table(tables, "tasks").items():
        if isinstance(settings, dict) and isinstance(settings.get("source"), str):
            table(tables, "tasks")[name]["source"] = _relative_to(path.parent, settings["source"])
    return tables


def _relative_to(folder: Path, source: str) -> str:
    """A path in a run file counts from the file's folder; one that is not there counts from the current folder."""
    if source == BUILTIN or is_remote(source):
        return source
    beside = folder / Path(source).expanduser()
    return str(beside) if exists(str(beside)) else source


def apply_settings(tables: Tables, settings: Iterable[str]) -> Tables:
    """The tables with each `KEY=VALUE` of `--set` put in; VALUE is TOML, or else a string.

    Raises ConfigError for one without `=` or with a key that leads nowhere.
    """
    merged: Tables = _copy(tables)
    for setting in settings:
        key, equals, text = setting.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts) or len(parts) < 2:
            raise ConfigError(f"--set {setting!r}: write KEY=VALUE, models.lstm.hidden_size=64 for example.")
        place = merged
        for part in parts[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError(f"--set {setting!r}: '{part}' is no table.")
        place[parts[-1]] = _value(text.strip())
    return merged


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def merged(tables: Tables, more: Tables) -> Tables:
    """Both, table by table; where both have a value, that of `more`."""
    both = dict(tables)
    for key, value in more.items():
        under = both.get(key)
        both[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return both


def _copy(value: Any) -> Any:
    return {key: _copy(item) for key, item in value.items()} if isinstance(value, dict) else value


def table(tables: Tables, name: str) -> Tables:
    """The table of that name; an empty one where there is none."""
    value = tables.get(name, {})
    return value if isinstance(value, dict) else {}
