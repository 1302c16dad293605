"""Functions of users that load data: what they are called with, and which of their parameters can be set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seqbench.adapters.parameters import Parameter, defaults_of, parameters_of, signature_of, values_of
from seqbench.errors import DataError, SpecError
from seqbench.sources import BUILTIN


@dataclass(frozen=True)
class Loader:
    """A function that gives data: `load()`, `load(source)`, `load(source, params)`, with keyword parameters or without.

    positional: how many of these two it takes. defaults: of its keyword parameters, by name.
    """

    function: Callable[..., Any]
    who: str
    positional: int
    defaults: Mapping[str, Any]

    def __call__(self, source: str, params: Any) -> Any:
        """Load. Raises DataError for a source that it has no use for."""
        if not self.positional:
            refuse(source, self.who)
        given = (source, params)[: self.positional]
        return self.function(*given, **values_of(params, self.defaults))


def refuse(source: str, who: str) -> None:
    """Raises DataError for a source where the data is given by the task itself."""
    if source != BUILTIN:
        raise DataError(
            f"{who} brings its own data and takes no --data {source}: let its function take `source`, or leave it out."
        )


def loader_of(function: Callable[..., Any], who: str) -> tuple[Loader, tuple[Parameter, ...]]:
    """The loader, and its keyword parameters: they are the task's.

    Its parameters without a default get the source, and then all parameters of the task; one called `source` may have a
    default. Raises SpecError for one that wants more.
    """
    parameters = [item for item in signature_of(function, who).parameters.values() if item.kind <= 1]
    plain = [item.name for item in parameters if item.default is item.empty]
    if not plain and parameters and parameters[0].name == "source":
        plain = ["source"]
    if len(plain) > 2:
        raise SpecError(
            f"{who}: its function wants {', '.join(plain)}: it gets (source, params), the rest needs defaults"
        )
    own = parameters_of(function, who, plain)
    return Loader(function, who, len(plain), defaults_of(own)), own
