"""A scikit-learn or aeon estimator as a model of its own kind: it fits itself, no network and no trainer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seqbench.adapters.origin import about_of, belonging_to, distributions_of, home_of, name_of
from seqbench.adapters.parameters import (
    Parameter,
    defaults_of,
    is_plain,
    like,
    parameters_of,
    schema,
    type_of_default,
    values_of,
)
from seqbench.errors import SpecError
from seqbench.spec import INPUT_KINDS, Dense, Input, ModelSpec, Output, Predictor

if TYPE_CHECKING:
    from seqbench.sequences import SequenceSet

Features = Literal["auto", "summary", "flat"]
Positive = Annotated[int, Field(ge=1)]
SEED = "random_state"


def model_from_estimator(
    estimator: Any,
    name: str | None = None,
    *,
    regressor: Any = None,
    features: Features | Callable[[SequenceSet], Any] = "auto",
    steps: int | None = None,
    accepts: Collection[str | type] | None = None,
    about: str = "",
    distributions: Collection[str] = (),
) -> ModelSpec:
    """A model from an estimator, or a function `estimator(**parameters)` that makes one, called when it is fitted.

    A classifier takes part in tasks of classes, a regressor in forecasts; with `regressor` one model does both. It is
    cloned for each cell and fitted on train alone; `random_state`, its own and its parts', comes from the cell's seed.
    Its parameters that are numbers, texts or truth values are the model's (`--set models.NAME.n_estimators=300`; those
    of a pipeline as `step__parameter`); a regressor's beside a classifier's count where they have the same name.

    features: what a sequence is turned into, for scikit-learn:
        `"summary"`: mean, deviation, least, greatest and last value per channel, and the length; `"flat"`: the last
        `steps` steps (of a shorter sequence padded on the left with zeros) side by side; `"auto"` is `flat` for a
        forecast and `summary` for classes. Tokens are a bag of words: counts per token, a sparse matrix, or a dense
        one of the 2,000 most frequent where the estimator takes no sparse one. Or `features(split) -> matrix[N, ...]`.
    steps: of `flat`, and of aeon's arrays: by default those of the longest training sequence, 512 at most.
    distributions: installed distributions whose version counts in the key of cells; that of an estimator itself is told
        by its class, that of one which a function makes is not.

    An aeon estimator gets `float64[N, channels, time]` of one length: the last `steps` steps of each sequence, a
    shorter one padded with zeros at its end. aeon is known by its base class, and is not imported here.

    Outputs of a classifier are log-probabilities, its decision function, or else its one prediction; classes that train
    lacks are given the least probability. Where the decision function does not say what is predicted (scores of pairs
    of classes, or ties), the prediction counts. A regressor that cannot give several values is fitted once for each.

    Raises SpecError for what is no estimator.
    """
    if regressor is not None and _is_factory(estimator) != _is_factory(regressor):
        raise SpecError("model_from_estimator: give both as estimators, or both as functions that make one")
    title = name_of(estimator, name, "the estimator")
    who = f"model '{title}'"
    own = _parameters(estimator, who)
    names = [item.name for item in own]
    theirs = () if regressor is None else tuple(item for item in _parameters(regressor, who) if item.name not in names)
    shared = () if callable(features) else (Parameter("features", Features, features),)
    shared = (*shared, Parameter("steps", Positive | None, steps))
    taken = {*names, *(item.name for item in theirs)}
    recipe = _Recipe(
        estimator,
        regressor,
        who,
        defaults_of((*own, *theirs)),
        features if callable(features) else None,
    )
    given = [item if _is_factory(item) else type(item) for item in (estimator, regressor) if item is not None]
    home = home_of(*given)

    def fit(
        train: SequenceSet, validation: SequenceSet, input: Input, output: Output, params: Any, seed: int
    ) -> Predictor:
        return _fit(recipe, train, input, output, params, seed)

    everything = (*own, *theirs, *(item for item in shared if item.name not in taken))
    parts = [part for item in (estimator, regressor) if item is not None for part in _parts(item)]
    return ModelSpec(
        name=title,
        fit=belonging_to(home, fit, *given),
        params=schema(title, home, everything, f"The parameters of {who}."),
        accepts=accepts if accepts is not None else (Dense.kind,) if is_aeon(estimator) else INPUT_KINDS,
        about=about or (about_of(estimator, "") if _is_factory(estimator) else "") or _told(estimator, regressor),
        distributions=distributions_of(*parts, given=distributions),
    )


@dataclass(frozen=True)
class _Recipe:
    """estimator, regressor: what is cloned, or makes one. defaults: of the parameters that are theirs."""

    estimator: Any
    regressor: Any
    who: str
    defaults: Mapping[str, Any]
    features: Callable[[SequenceSet], Any] | None

    def shared(self, params: Any, name: str, default: Any) -> Any:
        """A parameter that is not the estimator's; the default where the estimator has one of that name."""
        return default if name in self.defaults else getattr(params, name, default)


def is_aeon(estimator: Any) -> bool:
    """Is it an estimator of collections of series, as aeon's are? Told by its base class or its tags."""
    kind = estimator if isinstance(estimator, type) else type(estimator)
    if any(base.__module__.partition(".")[0] == "aeon" for base in kind.__mro__):
        return True
    return "capability:multivariate" in (getattr(kind, "_tags", None) or {})


def _is_factory(estimator: Any) -> bool:
    return isinstance(estimator, type) or (callable(estimator) and not hasattr(estimator, "get_params"))


def _parameters(estimator: Any, who: str) -> tuple[Parameter, ...]:
    """What can be set of it. Its seed is the cell's, and is no parameter."""
    if _is_factory(estimator):
        return tuple(item for item in parameters_of(estimator, who) if item.name != SEED)
    if not all(callable(getattr(estimator, method, None)) for method in ("get_params", "set_params", "fit", "predict")):
        raise SpecError(f"{who}: {estimator!r} is no estimator: it needs fit, predict, get_params and set_params")
    return tuple(
        Parameter(key, Any if isinstance(value, str) else type_of_default(value), value)  # "sqrt", or a number
        for key, value in sorted(estimator.get_params(deep=True).items())
        if is_plain(value) and not _is_seed(key)
    )


def _is_seed(key: str) -> bool:
    return key == SEED or key.endswith(f"__{SEED}")


def _parts(estimator: Any) -> list[Any]:
    """The estimator and those that it is made of: their libraries' versions count."""
    if _is_factory(estimator):
        return [estimator]
    inner = [value for value in estimator.get_params(deep=True).values() if hasattr(value, "get_params")]
    return [estimator, *inner]


def _told(estimator: Any, regressor: Any) -> str:
    names = [getattr(item, "__name__", type(item).__name__) for item in (estimator, regressor) if item is not None]
    return f"{' or '.join(names)}, fitted on fixed-size features of each sequence"


def _fit(recipe: _Recipe, train: SequenceSet, input: Input, output: Output, params: Any, seed: int) -> Predictor:
    from seqbench.adapters.features import featurizer
    from seqbench.adapters.fitting import fitted, for_output

    values = values_of(params, recipe.defaults)
    made = [_made(recipe.estimator, values, seed)]
    if recipe.regressor is not None:  # whose own defaults may be others: a criterion, say
        changed = {key: value for key, value in values.items() if value != recipe.defaults[key]}
        made.append(_made(recipe.regressor, changed, seed))
    estimator = for_output(made, output, recipe.who)
    wanted = recipe.features or recipe.shared(params, "features", "auto")
    features = featurizer(estimator, wanted, recipe.shared(params, "steps", None), train, input, output)
    return fitted(estimator, features, train, output, recipe.who)


def _made(estimator: Any, values: Mapping[str, Any], seed: int) -> Any:
    """A fresh estimator with the cell's parameters and seed; raises what the library says of a wrong one."""
    from sklearn.base import clone

    if _is_factory(estimator):
        known = {item.name for item in parameters_of(estimator, "the estimator")}
        made = estimator(**{key: value for key, value in values.items() if key in known})
    else:
        made = clone(estimator)
        own = made.get_params(deep=True)
        changed = {key: like(own[key], value) for key, value in values.items() if key in own and own[key] != value}
        made.set_params(**changed)
    seeds = {key: seed % 2**32 for key in made.get_params(deep=True) if _is_seed(key)}
    return made.set_params(**seeds) if seeds else made
