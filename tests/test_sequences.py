"""Examples are slices of one buffer; batches are gathers that lose, double and mix up nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqbench.errors import DataError
from seqbench.sequences import BatchSource, SequenceSet, ordered_batches, shuffled_batches

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=40)


def made_of(lengths: list[int]) -> SequenceSet:
    sequences = [np.arange(length, dtype=np.float32)[:, None] + 100 * number for number, length in enumerate(lengths)]
    return SequenceSet.from_sequences(sequences, np.arange(len(lengths)))


@given(lengths=LENGTHS, batch_size=st.integers(1, 8), seed=st.integers(0, 5))
def test_an_epoch_has_every_example_once(lengths: list[int], batch_size: int, seed: int) -> None:
    """Whatever the lengths and the batch size, an epoch's batches hold each example exactly once."""
    batches = list(shuffled_batches(np.array(lengths), batch_size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size
    evaluation = np.concatenate(list(ordered_batches(np.array(lengths), batch_size)))
    assert sorted(evaluation) == list(range(len(lengths)))


@given(lengths=LENGTHS)
def test_a_batch_is_the_padded_examples(lengths: list[int]) -> None:
    """Each row of a batch is its example followed by zeros, with its length and target."""
    split = made_of(lengths)
    index = np.arange(len(lengths))[::-1].copy()
    x, found, targets = BatchSource(split, torch.device("cpu")).batch(index)
    assert (len(lengths), max(lengths), 1) == tuple(x.shape)
    for row, number in enumerate(index):
        length = lengths[number]
        assert np.array_equal(split.example(number), x[row, :length].numpy())
        assert not x[row, length:].any()
        assert (length, number) == (int(found[row]), int(targets[row]))


def test_similar_lengths_share_a_batch() -> None:
    """Bucketing leaves little padding: less than a tenth of what a plain shuffle gives."""
    lengths = np.random.default_rng(0).integers(5, 100, 3000)

    def padding(batches: list[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> int:
        return sum(int(lengths[batch].max() * len(batch) - lengths[batch].sum()) for batch in batches)

    bucketed = list(shuffled_batches(lengths, 32, np.random.default_rng(1)))
    plain = np.split(np.random.default_rng(1).permutation(3000), range(32, 3000, 32))
    assert padding(bucketed) < 0.1 * padding(plain)


def test_order_changes_with_the_seed_and_the_epoch() -> None:
    """Two epochs differ, two seeds differ, and the same seed gives the same order."""
    lengths = np.full(64, 5)

    def epochs(seed: int) -> list[list[int]]:
        generator = np.random.default_rng(seed)
        return [np.concatenate(list(shuffled_batches(lengths, 8, generator))).tolist() for _ in range(2)]

    assert epochs(0) == epochs(0)
    assert epochs(0) != epochs(1)
    assert epochs(0)[0] != epochs(0)[1]


def test_windows_share_one_buffer() -> None:
    """Overlapping windows are slices of the same series, without a copy."""
    series = np.arange(10, dtype=np.float32)[:, None]
    starts = np.arange(7)
    windows = SequenceSet(series, starts, np.full(7, 3), series[3:], starts.astype(str))
    assert np.shares_memory(series, windows.example(2))
    assert [2.0, 3.0, 4.0] == windows.example(2)[:, 0].tolist()


@pytest.mark.parametrize(
    ("starts", "lengths", "targets", "expected"),
    [([0], [0], [1], "is empty"), ([8], [5], [1], "outside"), ([0], [1], [1, 2], "2 targets")],
)
def test_arrays_that_do_not_fit_are_refused(
    starts: list[int], lengths: list[int], targets: list[int], expected: str
) -> None:
    """Empty examples, slices outside the buffer and missing targets are errors at once."""
    with pytest.raises(DataError, match=expected):
        SequenceSet(np.zeros((10, 1)), np.array(starts), np.array(lengths), np.array(targets), np.array(["a"]))
