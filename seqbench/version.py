"""The version of seqbench, in one place (pyproject.toml reads it from here), and of what is installed beside it."""

from __future__ import annotations

__version__ = "0.1.0"

INTERFACE_VERSION = 1
"""Of what plugins are promised (docs/interface.md): it grows only when a plugin that worked would work no more."""


def installed_version(distribution: str) -> str:
    """The version of an installed distribution, or `absent`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
