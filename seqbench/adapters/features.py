"""Sequences as what estimators take: vectors of one size, bags of words, or arrays of one length.

Whatever is chosen (a number of steps, the words that count) is chosen on train.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqbench.adapters.estimators import is_aeon
from seqbench.spec import Forecast, Input, Output, Tokens

if TYPE_CHECKING:
    from seqbench.sequences import SequenceSet

Featurizer = Callable[["SequenceSet"], Any]
"""`featurizer(split) -> [N, ...]`, one row per example."""

MOST_STEPS = 512
MOST_WORDS = 2000


def featurizer(
    estimator: Any,
    wanted: str | Featurizer,
    steps: int | None,
    train: SequenceSet,
    input: Input,
    output: Output,
) -> Featurizer:
    """What turns a split into what the estimator is given; see `model_from_estimator` for what `wanted` means."""
    if callable(wanted):
        return wanted
    if is_aeon(estimator):
        length = steps or longest(train)
        return lambda split: padded_at_end(split, length)
    if isinstance(input, Tokens):
        return _words(estimator, train, input.vocabulary)
    if wanted == "flat" or (wanted == "auto" and isinstance(output, Forecast)):
        count = steps or longest(train)
        return lambda split: flat(split, count)
    return summary


def longest(split: SequenceSet) -> int:
    """Steps of the longest sequence, 512 at most."""
    return min(int(split.lengths.max()), MOST_STEPS)


def summary(split: SequenceSet) -> NDArray[np.float64]:
    """`float64[N, 5 * features + 1]`: mean, deviation, least, greatest and last value per channel, and the length."""
    rows = []
    for index in range(len(split)):
        values = np.asarray(split.example(index), dtype=np.float64).reshape(int(split.lengths[index]), -1)
        parts = (values.mean(0), values.std(0), values.min(0), values.max(0), values[-1], [float(len(values))])
        rows.append(np.concatenate(parts))
    return np.stack(rows)


def flat(split: SequenceSet, steps: int) -> NDArray[np.float64]:
    """`float64[N, steps * features]`: the last steps, oldest first, zeros before those of a shorter sequence."""
    offsets = np.arange(-steps, 0)
    return _gathered(split, split.lengths[:, None] + offsets, offsets >= -split.lengths[:, None]).reshape(
        len(split), -1
    )


def padded_at_end(split: SequenceSet, steps: int) -> NDArray[np.float64]:
    """`float64[N, features, steps]`: the last steps, zeros after those of a shorter sequence."""
    kept = np.minimum(split.lengths, steps)[:, None]
    places = np.arange(steps)
    return np.ascontiguousarray(
        _gathered(split, split.lengths[:, None] - kept + places, places < kept).transpose(0, 2, 1)
    )


def _gathered(split: SequenceSet, places: NDArray[Any], is_real: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`float64[N, steps, features]`: the steps at `places` of each sequence, 0 where there is none."""
    rows = np.where(is_real, split.starts[:, None] + places, 0)
    values = np.asarray(split.values, dtype=np.float64).reshape(len(split.values), -1)
    return np.where(is_real[..., None], values[rows], 0.0)


def _words(estimator: Any, train: SequenceSet, vocabulary: int) -> Featurizer:
    if takes_sparse(estimator):
        return lambda split: bag_of_words(split, vocabulary)
    totals = np.asarray(bag_of_words(train, vocabulary).sum(0)).ravel()
    frequent = np.sort(np.argsort(-totals, kind="stable")[:MOST_WORDS])
    return lambda split: bag_of_words(split, vocabulary)[:, frequent].toarray()


def bag_of_words(split: SequenceSet, vocabulary: int) -> Any:
    """How often each token occurs: a sparse `float64[N, vocabulary]`."""
    from scipy.sparse import csr_matrix

    rows = np.repeat(np.arange(len(split)), split.lengths)
    tokens = np.concatenate([split.example(index) for index in range(len(split))]) if len(split) else rows
    counts = csr_matrix((np.ones(len(rows)), (rows, tokens)), shape=(len(split), vocabulary))
    counts.sum_duplicates()
    return counts


def takes_sparse(estimator: Any) -> bool:
    """Does it say that it takes a sparse matrix?"""
    try:
        from sklearn.utils import get_tags

        return bool(get_tags(estimator).input_tags.sparse)
    except Exception:  # before scikit-learn 1.6, or an estimator of another library
        return False
