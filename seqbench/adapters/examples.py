"""Sequences and targets as people have them, told apart by kind and brought into arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench.adapters.vocabulary import words_of
from seqbench.errors import DataError, SpecError
from seqbench.spec import Classes, Dense, Forecast, Input, Output, Tokens


@dataclass(frozen=True)
class Examples:
    """Sequences with targets, as they came; ids: stable names of them."""

    sequences: Sequence[Any]
    targets: Sequence[Any]
    ids: Sequence[str]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.sequences)

    def rows(self, index: Iterable[int]) -> Examples:
        """Some of them."""
        chosen = [int(number) for number in index]
        return Examples(*([column[number] for number in chosen] for column in (self.sequences, self.targets, self.ids)))


@dataclass(frozen=True)
class Kinds:
    """What a task's data is, known before any of it is looked at. input, output: nouns that were given, or None."""

    input_kind: str
    output_kind: str
    input: Input | None = None
    output: Output | None = None


def kinds_of(input: Any, output: Any, first: tuple[Any, Any] | None, who: str) -> Kinds:
    """Of what was said (`"dense"`, `"tokens"`, `"classes"`, `"forecast"`, or a noun), else of the first example.

    Raises SpecError where neither tells.
    """
    kinds = Kinds("", "")
    for name, given, nouns in (("input", input, (Dense, Tokens)), ("output", output, (Classes, Forecast))):
        known = tuple(noun.kind for noun in nouns)
        if isinstance(given, nouns):
            kinds = replace(kinds, **{name: given, f"{name}_kind": given.kind})  # type: ignore[arg-type]
        elif isinstance(given, str) and given in known:
            kinds = replace(kinds, **{f"{name}_kind": given})  # type: ignore[arg-type]
        elif given is not None:
            raise SpecError(f"{who}: {name}={given!r} is no kind: give one of {', '.join(map(repr, known))}, or a noun")
        elif first is None:
            raise SpecError(
                f"{who}: its {name} is not known before it is loaded: give {name}={known[0]!r} or {name}={known[1]!r}"
            )
    return Kinds(
        kinds.input_kind or input_kind_of(first[0] if first else None),
        kinds.output_kind or output_kind_of(first[1] if first else None),
        kinds.input,
        kinds.output,
    )


def plain(value: Any) -> Any:
    """A tensor as an array, an array without dimensions as a number; all else as it is."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0:
        return value.item()
    return value


def input_kind_of(sequence: Any) -> str:
    """`tokens` for texts, words and whole numbers `[time]`; `dense` for all else."""
    sequence = plain(sequence)
    if words_of(sequence) is not None:
        return Tokens.kind
    array = np.asarray(sequence)
    return Tokens.kind if array.ndim == 1 and array.dtype.kind in "iu" else Dense.kind


def output_kind_of(target: Any) -> str:
    """`classes` for a text, a whole number or a truth value; `forecast` for fractions and for several numbers."""
    target = plain(target)
    if isinstance(target, (str, bool, int)):
        return Classes.kind
    array = np.asarray(target)
    return Classes.kind if array.size == 1 and array.dtype.kind in "iub" else Forecast.kind


def as_dense(sequence: Any, where: str) -> NDArray[np.float64]:
    """`float64[time, features]` of numbers `[time]` or `[time, features]`. Raises DataError for anything else."""
    try:
        array = np.asarray(plain(sequence))
        numbers = array.astype(np.float64) if array.dtype.kind in "fiub" or not array.size else None
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or numbers.ndim not in (1, 2):
        what = f"a {type(sequence).__name__}" if numbers is None else f"of shape {numbers.shape}"
        raise DataError(f"{where} is {what}: give numbers [time] or [time, features].")
    if not np.isfinite(numbers).all():
        step = int(np.argwhere(~np.isfinite(numbers))[0][0])
        raise DataError(f"{where} has a value at step {step} that is no finite number: fill it, or leave it out.")
    return numbers[:, None] if numbers.ndim == 1 else numbers


def is_missing(target: Any) -> bool:
    """Is there no target? None, NaN, pandas' NA or NaT, or a vector with a NaN in it."""
    target = plain(target)
    if target is None or type(target).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(target, float):
        return math.isnan(target)
    return isinstance(target, np.ndarray) and target.dtype.kind == "f" and bool(np.isnan(target).any())


def as_label(target: Any, where: str) -> int | str:
    """A class as a whole number or a text. Raises DataError for anything else."""
    target = plain(target)
    if isinstance(target, np.ndarray) and target.size == 1:
        target = target.reshape(()).item()
    if isinstance(target, bool):
        return str(target).lower()
    if isinstance(target, float) and target.is_integer():
        return int(target)
    if isinstance(target, (int, str)):
        return target
    raise DataError(f"{where} has the target {_short(target)}, which is no class: give a text or a whole number.")


def as_values(target: Any, where: str) -> NDArray[np.float64]:
    """`float64[values]` of a number or several. Raises DataError for anything else."""
    try:
        array = np.asarray(plain(target), dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise DataError(f"{where} has the target {_short(target)}: give a number, or numbers [values].") from None
    if not array.size or not np.isfinite(array).all():
        raise DataError(f"{where} has the target {_short(target)}: give finite numbers.")
    return array


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
