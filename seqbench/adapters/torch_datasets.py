"""A task from data sets of (sequence, target): PyTorch's, lists of pairs, or a function that gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqbench.adapters.assembling import SPLITS, assembled, data_parameters
from seqbench.adapters.contents import content_parameter
from seqbench.adapters.examples import Kinds, kinds_of
from seqbench.adapters.loading import loader_of
from seqbench.adapters.origin import home_of
from seqbench.adapters.pairs import Pair, PairSource, is_dataset, items_of, kept, named
from seqbench.adapters.parameters import Parameter
from seqbench.adapters.specs import task_spec
from seqbench.adapters.splitting import Order, split_parameters
from seqbench.errors import DataError, SpecError
from seqbench.spec import Input, Output, TaskData, TaskSpec


def task_from_dataset(
    name: str,
    train: Any,
    test: Any = None,
    validation: Any = None,
    *,
    input: Input | str | None = None,
    output: Output | str | None = None,
    order: Order = "random",
    scale: bool = True,
    files: tuple[str, ...] = (),
    version: str | None = None,
    **further: Any,
) -> TaskSpec:
    """A task from any data set whose items are (sequence, target): a torch `Dataset`, or a list of pairs.

    train, test, validation: data sets, or functions `load(source, **parameters)` that give one; or `train` alone is a
    mapping of these by name, or a function that gives a tuple (train, test) or (train, validation, test), a mapping by
    name, or one data set. What can be read once only (`zip(sequences, targets)`) is read when the task is made.
    Functions are called in `prepare` only; `source` is `"builtin"` or what `--data` gave; their keyword parameters are
    the task's. A split that is not given is a part of train: seeded and stratified by class, or with `order="time"`
    the last examples.

    A sequence is numbers `[time]` or `[time, features]` (standardised by train, unless `scale=False`), tokens (whole
    numbers `[time]`, renumbered so that 0 is padding and 1 what train lacks), a text or a list of words (numbered by a
    vocabulary from train). A target is a class (text or whole number) or one or more real numbers to forecast.

    input, output: `"dense"` or `"tokens"`, `"classes"` or `"forecast"`, told by the first example where the data is
    there
        already, and to be given for a function. Or a noun: `Tokens(n)` for numbers that need no renumbering,
        `Classes(labels)` for numbers that count these labels.
    files: paths that a function reads: their content counts in the key of cells. version: says which data it is; by
        default a digest of data in memory, which is read for it whenever a run is planned.
    further: fields of `TaskSpec`: `metrics`, `primary`, `higher_is_better`, `trainer`, `model_defaults`, `about` ...

    Scores: accuracy and macro F1, against the majority; mean absolute error and root mean squared error in the units of
    the targets, against the mean. Raises SpecError for what cannot be a task.
    """
    who = f"task '{name}'"
    given = _given(train, validation, test, who)
    loaders: dict[str, Any] = {}
    own: dict[str, Parameter] = {}
    for split, item in given.items():
        if is_dataset(item):
            loaders[split] = item
        elif callable(item):
            loaders[split], parameters = loader_of(item, who)
            own |= {parameter.name: parameter for parameter in parameters}
        else:
            raise SpecError(
                f"{who}: its {split} data is {item!r}: give a data set of (sequence, target), or a function"
            )
    train = given["train"]
    is_whole = callable(train) and not is_dataset(train) and len(given) == 1
    home = home_of(*_functions(given))
    source = PairSource(who, loaders, pairs_of, is_whole=is_whole, version=version, files=tuple(files), home=home)
    first = next(pairs_of(train, f"the train examples of {who}"), None) if is_dataset(train) else None
    kinds = kinds_of(input, output, first, who)
    return pair_task(name, source, kinds, (*own.values(),), order, scale, further, _functions(given))


def _given(train: Any, validation: Any, test: Any, who: str) -> dict[str, Any]:
    """What was given, by split: `train` may be a mapping of all of them. Raises SpecError for what is named twice."""
    others = {name: item for name, item in (("validation", validation), ("test", test)) if item is not None}
    splits = named(train, who) if isinstance(train, Mapping) else {"train": train}
    doubled = next((name for name in others if name in splits), None)
    if doubled:
        raise SpecError(f"{who} has two {doubled} splits: give it in the mapping, or as {doubled}=")
    for name, item in others.items():
        if isinstance(item, Mapping):
            raise SpecError(f"{who}: its {name} data is a mapping: give a data set, or all splits as one mapping")
    given = {**splits, **others}
    return {name: kept(given[name]) for name in SPLITS if given.get(name) is not None}


def _functions(given: dict[str, Any]) -> list[Any]:
    return [item for item in given.values() if not is_dataset(item)]


def pair_task(
    name: str,
    source: PairSource,
    kinds: Kinds,
    own: tuple[Parameter, ...],
    order: Order,
    scale: bool,
    further: dict[str, Any],
    functions: Sequence[Any],
) -> TaskSpec:
    """The task of a source of pairs. own: the parameters of its functions."""
    who, home = source.who, source.home
    splits = () if {"train", "validation", "test"} <= source.given.keys() else split_parameters(order)
    fitted = [Parameter("scale", bool, scale) if item.name == "scale" else item for item in data_parameters(kinds)]

    def prepare(location: str, params: Any, cache: Path) -> TaskData:
        return assembled(source.examples(location, params), kinds, params, who)

    content = content_parameter(source.content if source.has_content else None)
    everything = (*own, *splits, *fitted, *content)
    return task_spec(name, home, prepare, kinds.input_kind, kinds.output_kind, everything, further, made_of=functions)


def pairs_of(dataset: Any, where: str) -> Iterator[Pair]:
    """Every (sequence, target). Raises DataError for an item that is no pair."""
    for index, item in enumerate(items_of(dataset)):
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            many = f" of {len(item)}" if isinstance(item, (tuple, list)) else ""
            raise DataError(f"item {index} of {where} is a {type(item).__name__}{many}: give pairs (sequence, target).")
        yield item[0], item[1]
