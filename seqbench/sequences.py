"""Examples as slices of one flat buffer, and batches as one vectorised gather.

Overlapping look-back windows are slices of the same series, so a window costs 16 bytes and no copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqbench.errors import DataError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class SequenceSet:
    """One split: `N` examples, each a slice of `values`, with its target.

    values: `float32[total, features]` for Dense input, `int64[total]` for Tokens; every frame, token or day once.
    starts, lengths: `int64[N]`; example `i` is `values[starts[i] : starts[i] + lengths[i]]`.
    targets: `int64[N]` label numbers for Classes, `float32[N, values]` for Forecast.
    ids: `str[N]`, one per example, stable from run to run (a file's name, a line number, a date).
    extras: name → `array[N, ...]`, facts per example that metrics and baselines need (the last close, say).

    Raises DataError when the arrays do not fit together.
    """

    values: NDArray[Any]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    targets: NDArray[Any]
    ids: NDArray[np.str_]
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.starts)
        for name, array in (
            ("lengths", self.lengths),
            ("targets", self.targets),
            ("ids", self.ids),
            *self.extras.items(),
        ):
            if len(array) != count:
                raise DataError(f"a split has {count} examples but {len(array)} {name}: give one of each per example")
        if count:
            ends = self.starts + self.lengths
            if int(self.lengths.min()) < 1:
                raise DataError(f"example '{self.ids[int(self.lengths.argmin())]}' is empty: leave it out of its split")
            if int(self.starts.min()) < 0 or int(ends.max()) > len(self.values):
                raise DataError(f"a split's examples reach outside its {len(self.values)} values")

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.starts)

    def example(self, index: int) -> NDArray[Any]:
        """The sequence of one example: `[length, features]` or `[length]`, a view without a copy."""
        start = int(self.starts[index])
        return self.values[start : start + int(self.lengths[index])]

    @classmethod
    def from_sequences(
        cls,
        sequences: Sequence[ArrayLike],
        targets: ArrayLike,
        ids: Sequence[str] | None = None,
        extras: Mapping[str, NDArray[Any]] | None = None,
    ) -> SequenceSet:
        """A split from separate sequences, each `[length, features]` or `[length]`, joined into one buffer."""
        arrays = [np.asarray(sequence) for sequence in sequences]
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if arrays else lengths
        values = np.concatenate(arrays) if arrays else np.zeros((0,), dtype=np.int64)
        names = np.array(ids if ids is not None else [str(index) for index in range(len(arrays))], dtype=np.str_)
        return cls(values, starts, lengths, np.asarray(targets), names, dict(extras or {}))


class BatchSource:
    """A split on a device, served in right-padded batches.

    split: the examples. device: where the batches are wanted; the values are moved there once.
    """

    def __init__(self, split: SequenceSet, device: torch.device) -> None:
        import torch

        self.split = split
        self.device = device
        is_dense = split.values.dtype.kind == "f"
        values = np.array(split.values, dtype=np.float32 if is_dense else np.int64)
        targets = np.array(split.targets, dtype=np.float32 if split.targets.dtype.kind == "f" else np.int64)
        self.values = torch.from_numpy(values).to(device)
        self.starts = torch.from_numpy(np.array(split.starts, dtype=np.int64)).to(device)
        self.lengths = torch.from_numpy(np.array(split.lengths, dtype=np.int64)).to(device)
        self.targets = torch.from_numpy(targets).to(device)
        self.offsets = torch.arange(int(split.lengths.max()) if len(split) else 0, device=device)
        self.is_even = len(split) > 0 and int(split.lengths.min()) == int(split.lengths.max())

    def batch(self, index: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`(x, lengths, targets)` of the examples `index: int64[batch]`, right-padded with zeros."""
        import torch

        rows = torch.from_numpy(index).to(self.device)
        lengths, starts = self.lengths[rows], self.starts[rows][:, None]
        if self.is_even:  # nothing to pad
            return self.values[starts + self.offsets], lengths, self.targets[rows]
        longest = int(self.split.lengths[index].max())
        offsets = self.offsets[:longest]
        x = self.values[(starts + offsets).clamp_(max=len(self.values) - 1)]
        if int(self.split.lengths[index].min()) < longest:
            padding = offsets >= lengths[:, None]
            x = x.masked_fill(padding[..., None] if x.dim() == 3 else padding, 0)
        return x, lengths, self.targets[rows]


def shuffled_batches(
    lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """One epoch of training batches `int64[<= batch_size]`, in random order, of examples of similar length.

    Examples are shuffled, sorted by length within pools of 50 batches, cut into batches, and the batches shuffled:
    padding is nearly gone while a batch's company still changes from epoch to epoch.
    """
    order = generator.permutation(len(lengths))
    if len(lengths) and int(lengths.min()) != int(lengths.max()):
        pool = batch_size * 50
        order = np.concatenate(
            [part[np.argsort(lengths[part], kind="stable")] for part in np.split(order, range(pool, len(order), pool))]
        )
    batches = np.split(order, range(batch_size, len(order), batch_size))
    for number in generator.permutation(len(batches)):
        if len(batches[number]):
            yield batches[number]


def ordered_batches(lengths: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Batches `int64[<= batch_size]` for evaluation: every example once, sorted by length, always the same."""
    order = np.argsort(lengths, kind="stable")
    for begin in range(0, len(order), batch_size):
        yield order[begin : begin + batch_size]
