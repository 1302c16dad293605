"""Examples of splits as the data of a task: encoded, scaled and labelled by what train says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seqbench.adapters.examples import Examples, Kinds, as_dense, as_label, as_values, is_missing, plain
from seqbench.adapters.parameters import Parameter
from seqbench.adapters.splitting import parts_of, places
from seqbench.adapters.vocabulary import Numbers, Words, as_numbers, encoded_words, words_of
from seqbench.errors import DataError
from seqbench.sequences import SequenceSet
from seqbench.spec import Classes, Dense, Forecast, Input, Output, TaskData, Tokens

SPLITS = ("train", "validation", "test")
SHOWN_TEXT = 120
MANY_CLASSES = 20
Positive = Annotated[int, Field(ge=1)]


def data_parameters(kinds: Kinds) -> tuple[Parameter, ...]:
    """Of what is fitted on train: the scaler of real sequences and of forecasts, the vocabulary of tokens."""
    scale = Parameter("scale", bool, default=True)
    if kinds.input_kind == Dense.kind:
        return (scale,)
    tokens = (
        Parameter("max_length", Positive | None, 512),
        Parameter("vocabulary_size", Annotated[int, Field(ge=3)], 20_000),
        Parameter("min_frequency", Positive, 1),
    )
    return tokens if kinds.output_kind == Classes.kind else (*tokens, scale)


def assembled(given: Mapping[str, Examples], kinds: Kinds, params: Any, who: str) -> TaskData:
    """The task's data. given: `train`, and `validation` and `test` where they are; the others are parts of train.

    Raises DataError with one sentence for what cannot be used.
    """
    usable, dropped = _usable(given, kinds)
    splits = _split(usable, kinds, params, who)
    _check_size(splits, who, "train")
    labelled = _labels(splits, kinds, who) if kinds.output_kind == Classes.kind else _values(splits, kinds, params, who)
    _check_size(splits, who, "test")
    encoded = (
        _dense(splits, kinds, params, who) if kinds.input_kind == Dense.kind else _tokens(splits, kinds, params, who)
    )
    sets = [
        _sequence_set(encoded.arrays[name], labelled.targets[name], splits[name], labelled.extras[name])
        for name in SPLITS
    ]
    how = "splits as given" if "test" in given and "validation" in given else f"split by {params.order} order"
    notes = {"split": how, "dropped": dropped, "warnings": labelled.warnings, **encoded.notes}
    train, validation, test = sets
    return TaskData(encoded.input, labelled.output, train, validation, test, notes, state=encoded.state)


def _check_size(splits: Mapping[str, Examples], who: str, needed: str) -> None:
    if not len(splits[needed]):
        counts = ", ".join(f"{name} {len(splits[name])}" for name in SPLITS)
        raise DataError(f"{who} has too few examples to train and to test on ({counts}): give more, or its test split.")


def _usable(given: Mapping[str, Examples], kinds: Kinds) -> tuple[dict[str, Examples], list[str]]:
    """Without the examples that are empty or have no target, and a sentence for each kind of these."""
    found: dict[str, Examples] = {}
    told: list[str] = []
    for name, examples in given.items():
        is_empty = [_is_empty(sequence) for sequence in examples.sequences]
        has_none = [is_missing(target) for target in examples.targets]
        for reasons, what in ((is_empty, "are empty"), (has_none, "have no target")):
            if any(reasons):
                first = examples.ids[reasons.index(True)]
                told.append(f"{sum(reasons)} examples of {name} {what} and were left out ('{first}' for one)")
        found[name] = examples.rows(
            index for index, (empty, none) in enumerate(zip(is_empty, has_none, strict=True)) if not (empty or none)
        )
    return found, told


def _is_empty(sequence: Any) -> bool:
    if sequence is None:
        return True
    if isinstance(sequence, str):
        return not words_of(sequence)
    return hasattr(sequence, "__len__") and not len(plain(sequence))


def _split(given: Mapping[str, Examples], kinds: Kinds, params: Any, who: str) -> dict[str, Examples]:
    """All three splits; what was not given is a part of train."""
    if "validation" in given and "test" in given:
        return dict(given)
    validation, test = parts_of(params, who)
    parts = (0.0 if "validation" in given else validation, 0.0 if "test" in given else test)
    train = given["train"]
    is_classes = kinds.output_kind == Classes.kind
    classes = [str(as_label(target, "an example")) for target in train.targets] if is_classes else None
    chosen = places(len(train), parts, params, classes)
    made = {name: train.rows(rows) for name, rows in zip(SPLITS, chosen, strict=True)}
    return {**made, **{name: given[name] for name in ("validation", "test") if name in given}}


@dataclass(frozen=True)
class _Encoded:
    """Sequences of each split as arrays, and what was fitted to encode them."""

    input: Input
    arrays: Mapping[str, Sequence[NDArray[Any]]]
    state: Mapping[str, Any]
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class _Labelled:
    """Targets of each split, and the extras that scores need."""

    output: Output
    targets: Mapping[str, NDArray[Any]]
    extras: Mapping[str, Mapping[str, NDArray[Any]]]
    warnings: Sequence[str]


def _each(
    splits: Mapping[str, Examples], make: Callable[[Any, str], Any], column: str, who: str
) -> dict[str, list[Any]]:
    """`make(value, where)` of every example's sequence or target."""
    return {
        name: [
            make(value, f"example '{identity}' of {who}")
            for value, identity in zip(getattr(split, column), split.ids, strict=True)
        ]
        for name, split in splits.items()
    }


def _dense(splits: Mapping[str, Examples], kinds: Kinds, params: Any, who: str) -> _Encoded:
    arrays = _each(splits, as_dense, "sequences", who)
    features = kinds.input.features if isinstance(kinds.input, Dense) else arrays["train"][0].shape[1]
    for name, split in splits.items():
        for array, identity in zip(arrays[name], split.ids, strict=True):
            if array.shape[1] != features:
                raise DataError(
                    f"example '{identity}' of {who} has {array.shape[1]} features where {features} were expected: give "
                    "every sequence the same."
                )
    offset, scale = np.zeros(features), np.ones(features)
    if params.scale:
        steps = np.concatenate(arrays["train"])
        offset, scale = steps.mean(axis=0), deviation(steps)
    encoded = {
        name: [((array - offset) / scale).astype(np.float32) for array in found] for name, found in arrays.items()
    }
    state = {"mean": offset.tolist(), "scale": scale.tolist()}
    return _Encoded(Dense(features), encoded, state, {"scaled": bool(params.scale)})


def deviation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard deviation of each column; 1 for one that does not vary."""
    found = values.std(axis=0)
    return np.where(found > 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0)), found, 1.0)


def _tokens(splits: Mapping[str, Examples], kinds: Kinds, params: Any, who: str) -> _Encoded:
    cut = params.max_length
    if words_of(splits["train"].sequences[0]) is not None:
        return _words(splits, params)
    raw = _each(splits, lambda value, where: as_numbers(plain(value), where)[:cut], "sequences", who)
    if isinstance(kinds.input, Tokens):  # numbers as models want them already
        for name, split in splits.items():
            for array, identity in zip(raw[name], split.ids, strict=True):
                if int(array.min()) < 1 or int(array.max()) >= kinds.input.vocabulary:
                    raise DataError(
                        f"example '{identity}' of {who} has a token outside 1 .. {kinds.input.vocabulary - 1}, those "
                        f"of Tokens({kinds.input.vocabulary}), where 0 is padding: without input= they are numbered."
                    )
        return _Encoded(kinds.input, raw, {"first": 0}, {"vocabulary": kinds.input.vocabulary})
    numbers = Numbers(max(int(array.max()) for array in raw["train"]))
    encoded = {name: [numbers.encoded(array) for array in arrays] for name, arrays in raw.items()}
    return _Encoded(Tokens(numbers.size), encoded, numbers.state(), {"vocabulary": numbers.size})


def _words(splits: Mapping[str, Examples], params: Any) -> _Encoded:
    texts = {
        name: [(words_of(sequence) or [])[: params.max_length] for sequence in split.sequences]
        for name, split in splits.items()
    }
    words = Words.fit(texts["train"], params.vocabulary_size, params.min_frequency)
    encoded = {name: encoded_words(found, words) for name, found in texts.items()}
    return _Encoded(Tokens(words.size), encoded, words.state(), {"vocabulary": words.size})


def _labels(splits: Mapping[str, Examples], kinds: Kinds, who: str) -> _Labelled:
    """Classes as numbers: of the given labels, or of all that occur, in the order of `_place_of`."""
    found = _each(splits, as_label, "targets", who)
    given = kinds.output.labels if isinstance(kinds.output, Classes) else None
    present = {label for labels in found.values() for label in labels}
    if given is None:
        order = sorted(present, key=_place_of)
        numbers: dict[int | str, int] = {label: number for number, label in enumerate(order)}
        names = tuple(map(str, order))
    else:
        numbers = {number: number for number in range(len(given))}
        numbers |= {label: number for number, label in enumerate(given)}
        names = tuple(given)
    unknown = sorted(map(str, present - numbers.keys()))
    if unknown:
        raise DataError(f"{who} has the class '{unknown[0]}', which is none of its labels ({', '.join(names[:10])}).")
    if len(names) < 2:
        raise DataError(f"{who} has one class only, '{names[0]}': there is nothing to tell apart.")
    count = sum(map(len, found.values()))
    if given is None and len(names) > max(MANY_CLASSES, count / 2):
        raise DataError(
            f"{who} has {len(names)} different targets for {count} examples: say output='forecast' if they are numbers."
        )
    targets = {name: np.array([numbers[label] for label in labels], dtype=np.int64) for name, labels in found.items()}
    missing = [names[number] for number in np.setdiff1d(np.concatenate(list(targets.values())), targets["train"])]
    warnings = [f"train has no example of {', '.join(repr(label) for label in missing[:5])}"] if missing else []
    return _Labelled(Classes(names), targets, {name: {} for name in splits}, warnings)


def _place_of(label: int | str) -> tuple[bool, int, str]:
    """Whole numbers first, in their order, then texts by the alphabet."""
    return (True, 0, label) if isinstance(label, str) else (False, label, "")


def _values(splits: Mapping[str, Examples], kinds: Kinds, params: Any, who: str) -> _Labelled:
    """Values in units of their deviation in train, and what undoes it per example."""
    found = _each(splits, as_values, "targets", who)
    size = kinds.output.values if isinstance(kinds.output, Forecast) else len(found["train"][0])
    for name, split in splits.items():
        for value, identity in zip(found[name], split.ids, strict=True):
            if len(value) != size:
                raise DataError(f"example '{identity}' of {who} has {len(value)} values to forecast, not {size}.")
    actual = {name: np.array(values, dtype=np.float64).reshape(-1, size) for name, values in found.items()}
    offset, scale = np.zeros(size), np.ones(size)
    if params.scale:
        offset, scale = actual["train"].mean(axis=0), deviation(actual["train"])
    targets = {name: ((values - offset) / scale).astype(np.float32) for name, values in actual.items()}
    extras = {
        name: {
            "actual": values,
            "offset": np.tile(offset, (len(values), 1)),
            "scale": np.tile(scale, (len(values), 1)),
        }
        for name, values in actual.items()
    }
    return _Labelled(Forecast(size), targets, extras, [])


def _sequence_set(
    arrays: Sequence[NDArray[Any]], targets: NDArray[Any], examples: Examples, extras: Mapping[str, NDArray[Any]]
) -> SequenceSet:
    found = dict(extras)
    if len(examples) and isinstance(examples.sequences[0], str):
        found["text"] = np.array([" ".join(text.split())[:SHOWN_TEXT] for text in examples.sequences], dtype=np.str_)
    return SequenceSet.from_sequences(arrays, targets, list(examples.ids), found)
