"""A model from a function that builds it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from seqbench.adapters.origin import about_of, belonging_to, distributions_of, home_of, name_of
from seqbench.adapters.parameters import defaults_of, parameters_of, schema, signature_of, values_of
from seqbench.errors import SpecError
from seqbench.spec import INPUT_KINDS, Input, ModelSpec, Output

if TYPE_CHECKING:
    from torch import nn

BuildFunction = Callable[..., Any]


@overload
def model_from_function(
    function: BuildFunction,
    name: str | None = None,
    *,
    accepts: Collection[str | type] = INPUT_KINDS,
    about: str = "",
    causal: bool = False,
    defaults: Mapping[str, Any] | None = None,
    distributions: Collection[str] = (),
) -> ModelSpec: ...


@overload
def model_from_function(
    function: None = None,
    name: str | None = None,
    *,
    accepts: Collection[str | type] = INPUT_KINDS,
    about: str = "",
    causal: bool = False,
    defaults: Mapping[str, Any] | None = None,
    distributions: Collection[str] = (),
) -> Callable[[BuildFunction], ModelSpec]: ...


def model_from_function(
    function: BuildFunction | None = None,
    name: str | None = None,
    *,
    accepts: Collection[str | type] = INPUT_KINDS,
    about: str = "",
    causal: bool = False,
    defaults: Mapping[str, Any] | None = None,
    distributions: Collection[str] = (),
) -> ModelSpec | Callable[[BuildFunction], ModelSpec]:
    """A model from `function(input, output, **parameters) -> torch.nn.Module`; a decorator where no function is given.

    The function's keyword parameters, with their defaults and annotations, are the model's: `--set
    models.NAME.KEY=VALUE`. `defaults` gives further ones. A parameter that a task advises on (`parameter_budget`,
    `dropout`, `embedding_size`) gets the task's value as its default. Import torch inside the function.

    The module's `forward(x, lengths)` gives `float[batch, output.size]`, as for `ModelSpec.build`. One with
    `forward(x)` alone is called with sequences of one length at a time, so that padding changes nothing, and may give
    `float[batch, time, features]` (see `model_from_module`).

    name: by default the function's. about: by default the first line of its docstring. causal: its state at a step does
    not depend on later ones, and the module has `states(x, lengths)`. distributions: installed distributions whose
    version counts in the key of cells: which libraries the function imports cannot be told from outside.

    Raises SpecError for a function that cannot be used.
    """
    if function is None:
        return partial(
            model_from_function,
            name=name,
            accepts=accepts,
            about=about,
            causal=causal,
            defaults=defaults,
            distributions=distributions,
        )
    if not callable(function):
        raise SpecError(f"model_from_function was given {function!r}: give a function(input, output, ...)")
    title = name_of(function, name, "the function")
    who = f"model '{title}'"
    names = [item.name for item in signature_of(function, who).parameters.values() if item.kind <= 1]
    if len(names) < 2:
        raise SpecError(f"{who}: its function takes {len(names)} positional arguments: it gets two, (input, output)")
    home = home_of(function)
    parameters = parameters_of(function, who, names[:2], defaults)
    known = defaults_of(parameters)

    def build(input: Input, output: Output, params: Any) -> nn.Module:
        return _build(function, known, who, input, output, params)

    return ModelSpec(
        name=title,
        build=belonging_to(home, build, function),
        params=schema(title, home, parameters, f"The parameters of {who}."),
        accepts=accepts,
        about=about_of(function, about),
        causal=causal,
        distributions=distributions_of(function, given=distributions),
    )


def _build(
    function: BuildFunction, defaults: Mapping[str, Any], who: str, input: Input, output: Output, params: Any
) -> nn.Module:
    from seqbench.adapters.wrapped import fitted_to

    module: nn.Module = fitted_to(function(input, output, **values_of(params, defaults)), input, output, who)
    return module
