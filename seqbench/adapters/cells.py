"""A model from a recurrent cell alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seqbench.adapters.origin import about_of, belonging_to, distributions_of, home_of, is_made, name_of
from seqbench.adapters.parameters import Parameter, defaults_of, parameters_of, schema, signature_of, values_of
from seqbench.errors import SpecError
from seqbench.spec import INPUT_KINDS, Input, ModelSpec, Output

if TYPE_CHECKING:
    from seqbench.nn import SequenceModel

Positive = Annotated[int, Field(ge=1)]

SHARED = (
    Parameter("hidden_size", Positive | None),
    Parameter("parameter_budget", Positive, 50_000),
    Parameter("num_layers", Positive, 1),
    Parameter("dropout", Annotated[float, Field(ge=0, lt=1)], 0.0),
    Parameter("pooling", Literal["auto", "last", "mean", "max", "mean_max", "attention"], "auto"),
    Parameter("embedding_size", Positive, 64),
)
"""The parameters that every recurrent model has, with the built-in models' defaults."""

Returns = Literal["state", "output_and_state"]


def model_from_cell(
    cell: Callable[..., Any],
    name: str | None = None,
    *,
    accepts: Collection[str | type] = INPUT_KINDS,
    about: str = "",
    causal: bool = True,
    defaults: Mapping[str, Any] | None = None,
    returns: Returns = "state",
    distributions: Collection[str] = (),
) -> ModelSpec:
    """A model from a recurrent cell `cell(input_size, hidden_size, **parameters)`, a class of `nn.Module`.

    `cell(x_t, state)` gives the new state of `x_t: float[batch, input_size]`: `float[batch, size]`, or a tuple whose
    first is that, as `nn.LSTMCell` does; with `returns="output_and_state"` the pair of the step's output and the new
    state. The first state is `cell.initial_state(batch)` where there is such a method. Else it is None, as PyTorch's
    own cells take it; for a cell that cannot take None, zeros `float[batch, hidden_size]`, or a pair of these.

    The rest is as in the built-in models: embedding of tokens, layers with dropout between, pooling, a linear head; and
    the parameters `hidden_size`, `parameter_budget` (decides `hidden_size` where that is none), `num_layers`,
    `dropout`, `pooling`, `embedding_size`. The cell's own keyword parameters stand beside them; one of the same name
    is the cell's alone. `defaults` gives further defaults to either.

    causal: no state depends on later steps, which holds for whatever is computed step by step. distributions: installed
    distributions whose version counts in the key of cells; that of a class is told by itself, those that a function
    imports are not.

    Raises SpecError for a cell that cannot be used.
    """
    if not callable(cell) or is_made(cell):
        raise SpecError(f"model_from_cell was given {cell!r}: give the class, not a cell made of it")
    title = name_of(cell, name, "the cell")
    who = f"model '{title}'"
    names = [item.name for item in signature_of(cell, who).parameters.values() if item.kind <= 1]
    if len(names) < 2:
        raise SpecError(f"{who}: its cell takes {len(names)} sizes: it gets two, (input_size, hidden_size)")
    given = dict(defaults or {})
    mine = {item.name: given.pop(item.name) for item in SHARED if item.name in given and item.name not in names[2:]}
    own = parameters_of(cell, who, names[:2], given)
    taken = {item.name for item in own}
    shared = [Parameter(item.name, item.type, mine.get(item.name, item.default)) for item in SHARED]
    home = home_of(cell)
    recipe = _Recipe(cell, title, defaults_of(own), returns)

    def build(input: Input, output: Output, params: Any) -> SequenceModel:
        return _build(recipe, input, output, params)

    return ModelSpec(
        name=title,
        build=belonging_to(home, build, cell),
        params=schema(
            title,
            home,
            (*(item for item in shared if item.name not in taken), *own),
            f"The parameters of {who}.",
        ),
        accepts=accepts,
        about=about_of(cell, about),
        causal=causal,
        distributions=distributions_of(cell, given=distributions),
    )


@dataclass(frozen=True)
class _Recipe:
    cell: Callable[..., Any]
    title: str
    defaults: Mapping[str, Any]
    returns: Returns


def _build(recipe: _Recipe, input: Input, output: Output, params: Any) -> SequenceModel:
    """The whole model, its hidden size from `params.hidden_size`, or else from the budget."""
    from seqbench.adapters.looped import LoopedCells
    from seqbench.adapters.wrapped import sized_by_budget
    from seqbench.nn import SequenceModel

    shared = {item.name: getattr(params, item.name) for item in SHARED if item.name not in recipe.defaults}
    values = values_of(params, recipe.defaults)
    dropout = shared.get("dropout", 0.0)

    def encoder(hidden_size: int, features: int) -> LoopedCells:
        return LoopedCells(
            lambda size: recipe.cell(size, hidden_size, **values),
            features,
            hidden_size,
            num_layers=shared.get("num_layers", 1),
            dropout=dropout,
            returns=recipe.returns,
            who=f"model '{recipe.title}'",
        )

    def model(hidden_size: int) -> SequenceModel:
        return SequenceModel(
            input,
            output,
            partial(encoder, hidden_size),
            pooling=shared.get("pooling", "auto"),
            dropout=dropout,
            embedding_size=shared.get("embedding_size", 64),
            configuration={"hidden_size": hidden_size},
        )

    size = shared.get("hidden_size")
    return model(size) if size else sized_by_budget(model, shared.get("parameter_budget", 50_000))
