"""Vectors of words from a GloVe or word2vec text file, for the words of a vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import DataError
from seqbench_tasks.sentiment.encoding import UNREADABLE, opener_of, unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 0
"""Of the vectors of words that the file does not have."""
SPECIAL = 2
"""Tokens 0 (padding) and 1 (unknown)."""


def read_vectors(location: str, vocabulary: Mapping[str, int]) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """`float32[vocabulary, dimensions]` and what is to be noted of it.

    A word takes the vector of its own spelling, else of the first that is it in lower case. All are scaled by one
    number so that their mean length is 1, which is what an embedding begins with here; words that the file does not
    have are drawn from a normal distribution of the same spread, padding is 0.

    Raises DataError for a file that is missing or malformed, and for one that has no word of the vocabulary.
    """
    import numpy as np

    path = Path(location)
    if not path.is_file():
        raise DataError(f"there is no file of vectors {path}: correct tasks.sentiment.embeddings.")
    exact, lowered, size = _found(path, vocabulary)
    rows = {**lowered, **exact}
    if not rows:
        raise DataError(f"{path} has a vector for no token of the vocabulary: give vectors of the texts' language.")
    known = np.array(list(rows.values()), dtype=np.float32)
    scale = 1 / max(float(np.linalg.norm(known, axis=1).mean()), 1e-12)
    random = np.random.default_rng(SEED)
    vectors = random.normal(0, float(known.std()) * scale, (len(vocabulary), size)).astype(np.float32)
    vectors[list(rows)] = known * np.float32(scale)
    vectors[0] = 0
    words = max(1, len(vocabulary) - SPECIAL)
    notes = {"file": path.name, "dimensions": size, "found": len(rows), "coverage": len(rows) / words, "scale": scale}
    return vectors, notes


def _found(
    path: Path, vocabulary: Mapping[str, int]
) -> tuple[dict[int, NDArray[np.float32]], dict[int, NDArray[np.float32]], int]:
    """Vectors by token, those of the exact spelling and those of the same word in lower case, and their size."""
    import numpy as np

    exact: dict[int, NDArray[np.float32]] = {}
    lowered: dict[int, NDArray[np.float32]] = {}
    size = 0
    for number, line in _lines(path):
        size = size or len(line.split(" ")) - 1
        # Some words of GloVe's have spaces in them: the numbers are counted from the end.
        word, *numbers = line.rsplit(" ", size)
        if len(numbers) != size or size < 1:
            raise DataError(
                f"line {number} of {path} has {len(numbers)} numbers where the first has {size}: give a word "
                "and its vector per line (word2vec's binary files must be saved as text)."
            )
        token = vocabulary.get(word)
        lower = vocabulary.get(word.lower()) if token is None else None
        if (token is None or token in exact) and (lower is None or lower in lowered):
            continue
        try:
            vector = np.array(numbers, dtype=np.float32)
        except ValueError:
            raise DataError(f"line {number} of {path} has something other than numbers behind '{word}'.") from None
        if not np.isfinite(vector).all():
            raise DataError(f"line {number} of {path} has a number that is not finite: correct it.")
        if token is not None:
            exact[token] = vector
        elif lower is not None:
            lowered[lower] = vector
    return exact, lowered, size


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without word2vec's first (words and dimensions); tabs count as spaces."""
    try:
        with opener_of(path)(path, "rb") as file:
            for number, data in enumerate(file, 1):
                line = data.decode("utf-8", errors="replace").rstrip(" \t\r\n").replace("\t", " ")
                is_head = number == 1 and len(line.split(" ")) == 2 and all(map(str.isdigit, line.split(" ")))
                if line and not is_head:
                    yield number, line
    except UNREADABLE as error:
        raise unreadable(path, error) from None
