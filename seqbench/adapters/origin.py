"""Whose code a spec is made of, and what it is called: cells are keyed by the source of the file it belongs to."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from seqbench.errors import SpecError

Function = TypeVar("Function", bound=Callable[..., Any])

_OWN = "seqbench.adapters"
_INSTALLED = {"site-packages", "dist-packages"}


def calling_module() -> str:
    """The name of the module that called an adapter."""
    frame = inspect.currentframe()
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name != _OWN and not name.startswith(f"{_OWN}."):
            return name
        frame = frame.f_back
    return "__main__"


def home_of(*things: object) -> str:
    """The module whose source decides what the things do.

    That in which the first of them is defined; but a class of an installed library counts with the module that adapts
    it, as every spec does: hashing all of PyTorch would tell nothing that its version does not.
    """
    for thing in things:
        name = _module_of(thing)
        if not _is_installed(name):
            return name
    return calling_module()


def _is_installed(name: str) -> bool:
    """Is it the standard library's or another distribution's, and no file of the user's own?"""
    if name == "__main__":
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or name.partition(".")[0] in sys.stdlib_module_names:
        return True
    return bool(_INSTALLED & set(Path(file).parts)) or name == _OWN or name.startswith(f"{_OWN}.")


def belonging_to(home: str, function: Function, *things: object) -> Function:
    """The function, said to be of the module `home`: the registry hashes the source of that.

    It is marked as made by an adapter (`__seqbench_adapter__`), and knows the first of the things it was made of that
    is the user's own code (`__seqbench_adapted__`, or None): that is what `seqbench check` points at.
    """
    own = (thing for thing in things if callable(thing) and not _is_installed(_module_of(_inner(thing))))
    function.__module__ = home
    function.__seqbench_adapter__ = True  # type: ignore[attr-defined]
    function.__seqbench_adapted__ = next(own, None)  # type: ignore[attr-defined]
    return function


def _inner(thing: Any) -> Any:
    """What a functools.partial calls; all else as it is."""
    return getattr(thing, "func", thing)


def _module_of(thing: object) -> str:
    return str(getattr(thing, "__module__", None) or type(thing).__module__)


def name_of(thing: Any, name: str | None, what: str) -> str:
    """The given name, or that of a function or class as names of models are written: `MyGRUCell` → `my_gru_cell`.

    Raises SpecError for what has no name of its own.
    """
    if name is not None:
        return name
    inner = _inner(thing)
    own = str(getattr(inner, "__name__", type(inner).__name__))
    own = "" if own.startswith("<") else own  # a lambda
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", own)
    found = re.sub(r"[^a-z0-9_-]+", "_", words.lower()).strip("_-")
    if not found or not found[0].isalpha():
        raise SpecError(f"{what} {own!r} has no name that a spec can have: give one with name=")
    return found


def is_made(thing: object) -> bool:
    """Is it a module that is made already, where its class is wanted?"""
    return hasattr(thing, "forward") and not isinstance(thing, type)


def about_of(thing: Any, about: str) -> str:
    """The given sentence, or the first line of the docstring that the thing itself has."""
    if about:
        return about
    own = vars(thing).get("__doc__") if isinstance(thing, type) else getattr(thing, "__doc__", None)
    return inspect.cleandoc(own or "").partition("\n")[0].strip()


def distributions_of(*things: object, given: Collection[str] = ()) -> tuple[str, ...]:
    """The installed distributions that the things are classes of, but for those whose version counts in any case.

    given: further ones, which the user names.
    """
    roots = {name.partition(".")[0] for name in map(_module_of, things) if _is_installed(name)}
    found = {name for name in roots - _COUNTED if _is_distribution(name)}
    return tuple(sorted(found | {given} if isinstance(given, str) else found.union(given)))


_COUNTED = {"torch", "sklearn", "numpy", "scipy", "seqbench"}


def _is_distribution(name: str) -> bool:
    """Only where it is called as its package is, as most are."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
