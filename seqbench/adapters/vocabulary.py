"""Token numbers of words or of somebody's own numbers, by a vocabulary from train: 0 is padding, 1 is unknown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench.errors import DataError

WORD = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
UNKNOWN = 1
FIRST = 2
"""The number of the first token that is neither padding nor unknown."""


def words_of(sequence: Any) -> list[str] | None:
    """The words and punctuation marks of a text in lower case, or a list of words as it is; None for numbers."""
    if isinstance(sequence, str):
        return WORD.findall(sequence.lower())
    if isinstance(sequence, np.ndarray):
        sequence = sequence.tolist()
    if isinstance(sequence, (list, tuple)) and sequence and isinstance(sequence[0], str):
        return [str(word) for word in sequence]
    return None


@dataclass(frozen=True)
class Words:
    """Words by number; `words[0]` is padding, `words[1]` unknown."""

    words: tuple[str, ...]

    @classmethod
    def fit(cls, texts: Iterable[Sequence[str]], size: int, min_frequency: int) -> Words:
        """The most frequent words of train, `size` with the two special ones; equally frequent ones by the alphabet."""
        counts = Counter(word for text in texts for word in text)
        ordered = sorted((-count, word) for word, count in counts.items() if count >= min_frequency)
        return cls(("", "?", *(word for _, word in ordered[: max(0, size - FIRST)])))

    @property
    def size(self) -> int:
        """Numbers that there are, padding among them."""
        return len(self.words)

    def encoder(self) -> Mapping[str, int]:
        """Word → number."""
        return {word: number for number, word in enumerate(self.words) if number >= FIRST}

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {"words": list(self.words)}


def encoded_words(texts: Sequence[Sequence[str]], words: Words) -> list[NDArray[np.int64]]:
    """Token numbers, 1 for words that train does not have."""
    numbers = words.encoder()
    return [np.array([numbers.get(word, UNKNOWN) for word in text], dtype=np.int64) for text in texts]


@dataclass(frozen=True)
class Numbers:
    """Somebody's own token numbers 0 .. highest, moved up by 2."""

    highest: int

    @property
    def size(self) -> int:
        """Numbers that there are, padding among them."""
        return self.highest + 1 + FIRST

    def encoded(self, sequence: NDArray[np.int64]) -> NDArray[np.int64]:
        """Token numbers, 1 for those above the highest of train."""
        return np.where(sequence > self.highest, UNKNOWN, sequence + FIRST)

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {"first": FIRST, "highest": self.highest}


def as_numbers(sequence: Any, where: str) -> NDArray[np.int64]:
    """A sequence of whole numbers from 0. Raises DataError for anything else."""
    array = np.asarray(sequence)
    if array.ndim != 1 or (array.dtype.kind not in "iub" and array.size):
        raise DataError(
            f"{where} is no sequence of tokens: its shape is {array.shape} and its numbers are {array.dtype}; give "
            "whole numbers [time], words or a text, or input='dense'."
        )
    if array.size and int(array.min()) < 0:
        raise DataError(f"{where} has the token {int(array.min())}: tokens are whole numbers from 0.")
    return array.astype(np.int64)
