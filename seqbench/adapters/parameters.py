"""Keyword parameters of somebody's function or class as the frozen dataclass of parameters that a spec has."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from typing import Any

from seqbench.errors import SpecError
from seqbench.naming import nearest

ENVIRONMENTAL = ("device", "dtype")
"""Where a module lies and of what kind its numbers are is the harness's business."""


@dataclass(frozen=True)
class Parameter:
    """One key of `--set`. type: what pydantic checks a value against; factory: makes the default, when first asked."""

    name: str
    type: Any
    default: Any = None
    factory: Callable[[], Any] | None = None


def parameters_of(
    function: Callable[..., Any], who: str, skipped: Collection[str] = (), defaults: Mapping[str, Any] | None = None
) -> tuple[Parameter, ...]:
    """What can be set of a function or class: its parameters with a plain default, but for the `skipped` ones.

    defaults: further defaults, for parameters that have none or another. What is no number, text, truth value, none, or
    list of these (an activation function, say) cannot be kept in a record, and stays as the function has it.
    Raises SpecError for a parameter without a default, and for a default of a parameter that there is not.
    """
    given = dict(defaults or {})
    found: list[Parameter] = []
    signature = signature_of(function, who)
    for item in signature.parameters.values():
        if item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD) or item.name in skipped or item.name in ENVIRONMENTAL:
            continue
        default = given.pop(item.name, item.default)
        if default is item.empty:
            raise SpecError(
                f"{who}: its parameter '{item.name}' has no default: give it one, or defaults={{'{item.name}': ...}}"
            )
        if is_plain(default):
            found.append(Parameter(item.name, _type_of(function, item, default), default))
    takes_any = any(item.kind is item.VAR_KEYWORD for item in signature.parameters.values())
    for name, default in given.items():
        if name in skipped or not takes_any:
            known = [item.name for item in found]
            raise SpecError(f"{who}: it has no parameter '{name}' to give a default{nearest(name, known)}")
        found.append(Parameter(name, type_of_default(default), default))
    return tuple(found)


def signature_of(function: Callable[..., Any], who: str) -> inspect.Signature:
    """Its signature. Raises SpecError for what has none."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise SpecError(f"{who}: {function!r} does not tell its parameters: wrap it in a function that does") from None


def is_plain(value: Any) -> bool:
    """Can a record keep it as JSON?"""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))


def _type_of(function: Callable[..., Any], item: inspect.Parameter, default: Any) -> Any:
    """The annotation where pydantic can check it, with none allowed where none is the default; else by the default."""
    from pydantic import TypeAdapter

    annotation = _resolved(function, item.annotation)
    if annotation is item.empty:
        return type_of_default(default)
    try:
        TypeAdapter(annotation)
        wanted = annotation | None if default is None else annotation
    except Exception:  # a class that pydantic does not know, or a name that means nothing here
        return type_of_default(default)
    return wanted


def _resolved(function: Callable[..., Any], annotation: Any) -> Any:
    """An annotation written as text, evaluated where it was written; empty where it means nothing at run time."""
    if not isinstance(annotation, str):
        return annotation
    owner = getattr(function, "__init__", function) if isinstance(function, type) else function
    names = getattr(inspect.unwrap(owner), "__globals__", {})
    try:
        return eval(annotation, dict(names))  # noqa: S307 - the plugin's own text, as typing.get_type_hints does
    except Exception:
        return inspect.Parameter.empty


def type_of_default(default: Any) -> Any:
    """What a value may be where only its default is known: a whole number may become a fraction."""
    if type(default) is int:
        return int | float
    return type(default) if type(default) in (bool, float, str) else Any


def schema(name: str, home: str, parameters: Collection[Parameter], about: str) -> type:
    """A frozen dataclass of these parameters. Raises SpecError where two have one name."""
    names = [item.name for item in parameters]
    doubled = next((item for item in names if names.count(item) > 1), None)
    if doubled:
        raise SpecError(f"'{name}' has two parameters '{doubled}': give one of them another name")
    fields = [(item.name, item.type, _field(item)) for item in parameters]
    title = "".join(part.title() for part in name.replace("-", "_").split("_")) + "Params"
    made = make_dataclass(title, fields, frozen=True, namespace={"__doc__": about})
    made.__module__ = home
    return made


def _field(item: Parameter) -> Any:
    if item.factory is not None:
        return field(default_factory=item.factory)
    if isinstance(item.default, (list, dict)):
        return field(default_factory=partial(copy.deepcopy, item.default))
    return field(default=item.default)


def defaults_of(parameters: Collection[Parameter]) -> dict[str, Any]:
    """The default of each, by name."""
    return {item.name: item.default for item in parameters}


def values_of(params: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of those names, by name; a list from a record as the tuple that its default is."""
    return {name: like(default, getattr(params, name)) for name, default in defaults.items()}


def like(before: Any, value: Any) -> Any:
    """A list as the tuple that was there before, its items too: JSON, which records are, knows no tuples."""
    if isinstance(before, (list, tuple)) and isinstance(value, (list, tuple)):
        items = [
            like(before[min(place, len(before) - 1)] if before else None, item) for place, item in enumerate(value)
        ]
        return tuple(items) if isinstance(before, tuple) else items
    if isinstance(before, dict) and isinstance(value, dict):
        return {key: like(before.get(key), item) for key, item in value.items()}
    return value
