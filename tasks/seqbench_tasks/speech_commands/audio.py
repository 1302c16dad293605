"""Recordings: what a split of them is, reading any file that libsndfile reads, and what could not be read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from seqbench import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_DEFAULT_RATE = 16_000
"""Hz: speech recognition gains little above it."""
MAX_BAD_PART = 0.05
SHOWN_BAD = 10
MARGIN_SECONDS = 0.1
"""Read beyond where a clip is cut, so that resampling sees what follows."""
TOLERATED_SECONDS = 1e-4
"""A sample or two beyond a round length is not worth a word."""

LOUDEST = 1e6
"""Of full scale: beyond this a floating-point file holds no sound, and its energies no finite numbers."""


class UnusableClipError(Exception):
    """A recording whose samples cannot be used, with what is wrong about it."""


@dataclass(frozen=True)
class Clip:
    """One recording: its id, its word, who speaks if that is known, and how to read `float32[samples]` at a rate.

    is_recording: is it as it was recorded, and not made by adding noise, say?
    `read` raises UnusableClipError, and gives the same samples however often and in whatever thread it is called.
    """

    id: str
    word: str
    speaker: str
    read: Callable[[int], NDArray[np.float32]]
    is_recording: bool = False


@dataclass(frozen=True)
class Recordings:
    """Clips by split, the labels in order, the rate to work at, and facts for the notes.

    total: how many recordings there were, those left out included. where: what an error names.
    """

    splits: dict[str, list[Clip]]
    words: tuple[str, ...]
    sample_rate: int
    notes: dict[str, Any]
    total: int = 0
    where: str = "the source"


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
        return FileInfo(0, 0.0, f"cannot be read ({_reason(error)})")
    if info.frames <= 0:
        return FileInfo(info.samplerate, 0.0, "has no samples")
    return FileInfo(info.samplerate, info.frames / info.samplerate)


def read_file(path: Path | BinaryIO, seconds: float, rate: int, first_second: float = 0.0) -> NDArray[np.float32]:
    """A file's samples `float32[samples]` from `first_second`, mixed to mono and resampled to `rate`.

    path: of the file, or its content as a stream. seconds: how much is wanted; a little more is read.
    Raises UnusableClipError.
    """
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(str(path) if isinstance(path, Path) else path) as file:
            own_rate = file.samplerate
            if first_second:
                file.seek(int(first_second * own_rate))
            wanted = math.ceil((seconds + MARGIN_SECONDS) * own_rate)
            samples = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError, ValueError) as error:
        raise UnusableClipError(f"cannot be read ({_reason(error)})") from None
    if not len(samples):
        raise UnusableClipError("has no samples")
    mono: NDArray[np.float32] = samples.mean(1)
    if not float(np.abs(mono).max()) < LOUDEST:  # NaN is not less than anything
        raise UnusableClipError("has samples that are no sound: not finite, or far beyond full scale")
    return at_rate(mono, own_rate, rate)


def at_rate(samples: NDArray[np.float32], own_rate: int, rate: int) -> NDArray[np.float32]:
    """Resampled by band-limited interpolation, if the rates differ."""
    if own_rate == rate:
        return samples
    import torch

    with torch.inference_mode():
        resampled: NDArray[np.float32] = _resampler(own_rate, rate)(torch.from_numpy(samples)).numpy()
    return resampled


@lru_cache(maxsize=32)
def _resampler(own_rate: int, rate: int) -> Any:
    """The filter for two rates, which takes longer to make than to use."""
    from torchaudio.transforms import Resample

    return Resample(own_rate, rate)


def common_rate(rates: Sequence[int]) -> int:
    """The rate that most recordings have, those above 16 kHz counted as 16 kHz; the higher of two as frequent."""
    counts = Counter(min(MAX_DEFAULT_RATE, rate) for rate in rates)
    return max(counts, key=lambda rate: (counts[rate], rate))


def mixed_warning(rates: Sequence[int], rate: int) -> list[str]:
    """What to say where recordings have these rates, more than one, and all are brought to `rate`."""
    counts = sorted(Counter(rates).items(), key=lambda item: (-item[1], item[0]))
    if len(counts) < 2:
        return []
    found = ", ".join(f"{count} of {own} Hz" for own, count in counts)
    lower = sum(count for own, count in counts if own < rate)
    told = f"; {counted(lower, 'recording')} of less will have empty upper bands" if lower else ""
    return [f"The recordings have different sample rates ({found}): all were brought to {rate} Hz{told}."]


def counted(count: int, thing: str) -> str:
    """`1 speaker`, `2 speakers`."""
    if count == 1:
        return f"1 {thing}"
    return f"{count} {thing[:-1]}ies" if thing.endswith("ry") else f"{count} {thing}s"


def check_bad(bad: list[str], total: int, where: str) -> None:
    """Raises DataError when more than 5 % of the files are bad, naming the first ten."""
    if len(bad) > MAX_BAD_PART * total:
        first = "; ".join(bad[:SHOWN_BAD])
        raise DataError(
            f"{len(bad)} of {counted(total, 'recording')} in {where} cannot be used (at most 5 % may be): {first}. "
            "Remove or repair them."
        )


def cut_warning(seconds: Sequence[float], clip_seconds: float) -> list[str]:
    """What to say where recordings of these lengths are cut at `clip_seconds`; nothing where none is."""
    cut = [length for length in seconds if length > clip_seconds + TOLERATED_SECONDS]
    if not cut:
        return []
    longest = math.ceil(max(cut) * 100 - 1e-6) / 100
    are = "is" if len(cut) == 1 else "are"
    text = (
        f"{len(cut)} of {counted(len(seconds), 'recording')} {are} longer than clip_seconds = {clip_seconds:g} and "
        f"{are} cut there, "
        f"the longest of {longest:.2f} s: clip_seconds = {longest:.2f} would keep all of them whole."
    )
    return [text]


def _reason(error: BaseException) -> str:
    """What libsndfile said, without the path that it said it of."""
    text = str(getattr(error, "error_string", "") or error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__
