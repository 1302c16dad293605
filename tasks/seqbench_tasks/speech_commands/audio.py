"""Recordings: what a split of them is, reading any file that libsndfile reads, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_DEFAULT_RATE = 16_000
"""Hz: speech recognition gains little above it."""
MAX_BAD_PART = 0.05
SHOWN_BAD = 10


@dataclass(frozen=True)
class Clip:
    """One recording: its id, its word, who speaks if that is known, and how to read `float32[samples]` at a rate."""

    id: str
    word: str
    speaker: str
    read: Callable[[int], NDArray[np.float32]]


@dataclass(frozen=True)
class Recordings:
    """Clips by split, the labels in order, the rate to work at, and facts for the notes."""

    splits: dict[str, list[Clip]]
    words: tuple[str, ...]
    sample_rate: int
    notes: dict[str, object]


@dataclass(frozen=True)
class FileInfo:
    """What a file's header says: samples per second and seconds; or why it cannot be used."""

    rate: int
    seconds: float
    problem: str = ""


def inspect(path: Path) -> FileInfo:
    """Read a file's header."""
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        return FileInfo(0, 0.0, f"cannot be read ({str(error).rstrip('.')})")
    if not info.frames:
        return FileInfo(info.samplerate, 0.0, "has no samples")
    return FileInfo(info.samplerate, info.frames / info.samplerate)


def read_file(path: Path, rate: int) -> NDArray[np.float32]:
    """A file's samples `float32[samples]`, mixed to mono and resampled to `rate`."""
    import soundfile

    samples, own_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    return at_rate(samples.mean(1), own_rate, rate)


def at_rate(samples: NDArray[np.float32], own_rate: int, rate: int) -> NDArray[np.float32]:
    """Resampled by band-limited interpolation, if the rates differ."""
    if own_rate == rate:
        return samples
    import torch
    from torchaudio.functional import resample

    resampled: NDArray[np.float32] = resample(torch.from_numpy(samples), own_rate, rate).numpy()
    return resampled


def common_rate(rates: Sequence[int]) -> int:
    """The rate that most recordings have (the lower of two as frequent), at most 16 kHz."""
    counts = Counter(rates)
    return min(MAX_DEFAULT_RATE, min(counts, key=lambda rate: (-counts[rate], rate)))


def check_bad(bad: list[str], total: int, where: str) -> None:
    """Raises DataError when more than 5 % of the files are bad, naming the first ten."""
    if len(bad) > MAX_BAD_PART * total:
        first = "; ".join(bad[:SHOWN_BAD])
        raise DataError(
            f"{len(bad)} of {total} recordings in {where} cannot be used (at most 5 % may be): {first}. "
            "Remove or repair them."
        )
