"""The version of seqbench, in one place (pyproject.toml reads it from here), and of what is installed beside it."""

from __future__ import annotations

__version__ = "0.1.0"


def installed_version(distribution: str) -> str:
    """The version of an installed distribution, or `absent`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
