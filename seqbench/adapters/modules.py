"""A model from an `nn.Module` class, as people have them in their scripts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seqbench.adapters.origin import about_of, belonging_to, distributions_of, home_of, is_made, name_of
from seqbench.adapters.parameters import Parameter, defaults_of, parameters_of, schema, signature_of, values_of
from seqbench.errors import SpecError
from seqbench.spec import INPUT_KINDS, Dense, Input, ModelSpec, Output, Tokens

if TYPE_CHECKING:
    from torch import nn

SIZES = ("input_size", "input_dim", "in_dim", "in_features", "n_features", "num_features", "features", "n_inputs",
         "num_inputs", "in_channels", "input_channels", "in_size", "d_input", "d_in", "c_in", "enc_in")  # fmt: skip
VOCABULARIES = ("vocab_size", "vocabulary_size", "vocabulary", "num_embeddings", "num_tokens", "n_tokens", "ntoken",
                "n_vocab", "vocab", "num_words")  # fmt: skip
OUTPUTS = ("output_size", "output_dim", "out_dim", "out_features", "num_classes", "n_classes", "classes", "num_outputs",
           "n_outputs", "num_labels", "out_channels", "output_channels", "out_size", "d_output", "d_out", "c_out",
           "horizon")  # fmt: skip
"""What people call the two sizes that a task decides."""
OTHER_WORDS = ("hidden", "head", "layer", "kernel", "drop", "depth", "model", "embed", "block", "rate", "bias")
"""What is in the names of other parameters."""

Positive = Annotated[int, Field(ge=1)]


def model_from_module(
    module: Callable[..., Any],
    name: str | None = None,
    *,
    arguments: tuple[str, str | None] | None = None,
    accepts: Collection[str | type] | None = None,
    about: str = "",
    causal: bool = False,
    defaults: Mapping[str, Any] | None = None,
    lengths: bool | None = None,
    budget: str | None = None,
    distributions: Collection[str] = (),
) -> ModelSpec:
    """A model from an `nn.Module` class `module(input_size, output_size, **parameters)`, unchanged.

    Its other parameters, with their defaults and annotations, are the model's: `--set models.NAME.KEY=VALUE`;
    `defaults` gives those that have none. `pooling` and `embedding_size` are added.

    arguments: what the class calls the two sizes. By default they are found by the usual names (`input_dim`,
        `num_classes` and the like), else they are the first two. The first may be a size of vocabulary (`vocab_size`):
        then the class embeds tokens itself, and takes tokens only. Otherwise tokens are embedded before it. With
        `(name, None)` the class is an encoder that knows nothing of the output: a linear head is put on it.
    lengths: does `forward` take `(x, lengths)`? By default this is so where its second parameter has `len` in its name.
        Where it takes `x` alone, the sequences of a batch are given to it by groups of one length, without padding: so
        padding changes nothing, whatever the module does. Sequences shorter than it can read get zeros after them.
    budget: the name of its parameter of size (`hidden_size`): where that is none, it becomes what `parameter_budget`
        allows, as in the built-in models, so that a comparison is one of equals.
    distributions: installed distributions whose version counts in the key of cells; that of a class is told by itself,
        those that a function imports are not.

    `forward` may give `float[batch, output_size]`, `float[batch]` for one value, `float[batch, time, features]`, or a
    tuple whose first is one of these, as `nn.LSTM` does. States over time are pooled: `pooling` is `last` by default,
    the state at each sequence's last real step (`mean`, `max`, `mean_max`, `attention`, `auto`). What does not have
    the output's size goes through a linear head. A module with `batch_first` False gets and gives time first.

    Raises SpecError for a class that cannot be used.
    """
    if not callable(module) or is_made(module):
        raise SpecError(f"model_from_module was given {module!r}: give the class, not a module made of it")
    title = name_of(module, name, "the class")
    who = f"model '{title}'"
    first, second = arguments if arguments is not None else _sizes(module, who)
    takes_tokens = first in VOCABULARIES
    skipped = [item for item in (first, second) if item]
    own = parameters_of(module, who, skipped, defaults)
    shared = _shared(own, takes_tokens=takes_tokens)
    if budget is not None:
        own, shared = _budgeted(own, shared, budget, who)
    home = home_of(module)
    recipe = _Recipe(module, title, (first, second), defaults_of(own), lengths, budget, takes_tokens=takes_tokens)

    def build(input: Input, output: Output, params: Any) -> nn.Module:
        return _build(recipe, input, output, params)

    return ModelSpec(
        name=title,
        build=belonging_to(home, build, module),
        params=schema(title, home, (*own, *shared), f"The parameters of {who}."),
        accepts=accepts if accepts is not None else (Tokens.kind,) if takes_tokens else INPUT_KINDS,
        about=about_of(module, about),
        causal=causal,
        distributions=distributions_of(module, given=distributions),
    )


@dataclass(frozen=True)
class _Recipe:
    """How the module is made. sizes: the names of its two sizes; empty for one that is given by position."""

    module: Callable[..., Any]
    title: str
    sizes: tuple[str, str | None]
    defaults: Mapping[str, Any]
    lengths: bool | None
    budget: str | None
    takes_tokens: bool

    def made(self, size: int, output: int, values: Mapping[str, Any]) -> Any:
        """The module itself."""
        positional, named = [], dict(values)
        for name, value in zip(self.sizes, (size, output), strict=True):
            if name:
                named[name] = value
            elif name is not None:
                positional.append(value)
        return self.module(*positional, **named)


def _sizes(module: Callable[..., Any], who: str) -> tuple[str, str | None]:
    """The names of the parameters that get the input's and the output's size: usual ones, else the first two.

    Raises SpecError where the first two are something else by their names, or have a default.
    """
    parameters = signature_of(module, who).parameters.values()
    known = [item for item in parameters if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)]
    if not known:
        return "", ""  # all it tells is (*args, **kwargs)
    found: list[str] = []
    for place, (what, usual) in enumerate((("input", SIZES + VOCABULARIES), ("output", OUTPUTS))):
        named = next((item.name for item in known if item.name in usual), "")
        if not named and place < len(known) and _may_be_a_size(known[place]) and known[place].name not in found:
            named = known[place].name
        if not named:
            first = found[0] if found else "NAME"
            raise SpecError(
                f"{who}: none of its parameters ({', '.join(item.name for item in known)}) looks like the size of the "
                f"{what}: name both, arguments=('{first}', 'NAME'), or arguments=('{first}', None) for a class that "
                "knows no output"
            )
        found.append(named)
    return found[0], found[1]


def _may_be_a_size(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and not any(word in parameter.name.lower() for word in OTHER_WORDS)


def _shared(own: Collection[Parameter], *, takes_tokens: bool) -> tuple[Parameter, ...]:
    """What is added: but a parameter of the class's own of that name is the class's."""
    poolings = Literal["auto", "last", "mean", "max", "mean_max", "attention"]
    found = [Parameter("pooling", poolings, "last")]
    if not takes_tokens:
        found.append(Parameter("embedding_size", Positive, 64))
    names = {item.name for item in own}
    return tuple(item for item in found if item.name not in names)


def _budgeted(
    own: tuple[Parameter, ...], shared: tuple[Parameter, ...], budget: str, who: str
) -> tuple[tuple[Parameter, ...], tuple[Parameter, ...]]:
    if budget not in [item.name for item in own]:
        raise SpecError(f"{who}: budget={budget!r} names no parameter of its own with a default")
    sized = tuple(Parameter(budget, Positive | None) if item.name == budget else item for item in own)
    return sized, (*shared, Parameter("parameter_budget", Positive, 50_000))


def _build(recipe: _Recipe, input: Input, output: Output, params: Any) -> nn.Module:
    from torch import nn

    from seqbench.adapters.wrapped import Wrapped, sized_by_budget, takes_lengths
    from seqbench.nn import input_embedding, input_size

    who = f"model '{recipe.title}'"
    embedding_size = getattr(params, "embedding_size", 64)
    is_embedded = isinstance(input, Tokens) and not recipe.takes_tokens
    features = input.vocabulary if isinstance(input, Tokens) and recipe.takes_tokens else 0
    values = values_of(params, recipe.defaults)

    def model(**chosen: Any) -> Wrapped:
        module = recipe.made(features or input_size(input, embedding_size), output.size, {**values, **chosen})
        if not isinstance(module, nn.Module):
            raise SpecError(f"{who}: it made {type(module).__name__}, no torch.nn.Module")
        given = takes_lengths(module, who) if recipe.lengths is None else recipe.lengths
        return Wrapped(
            module,
            input if not is_embedded else Dense(input_size(input, embedding_size)),
            output,
            embedding=input_embedding(input, embedding_size) if isinstance(input, Tokens) and is_embedded else None,
            takes_lengths=given,
            has_output=recipe.sizes[1] is not None,
            pooling="last" if "pooling" in recipe.defaults else params.pooling,
            who=who,
            configuration=chosen,
        )

    if recipe.budget is None or values[recipe.budget] is not None:
        return model()
    budget = recipe.budget
    return sized_by_budget(lambda size: model(**{budget: size}), params.parameter_budget)
