"""Background noise: pieces of recorded noise, or coloured noise where there is none, mixed with clips at a ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench_tasks.speech_commands.audio import Clip, Recordings, UnusableClipError, inspect, read_file
from seqbench_tasks.speech_commands.params import SpeechParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLOURS = (0.0, 1.0, 2.0)
"""Exponents of white, pink and brown noise: power falls with frequency to this exponent."""
BURST_SECONDS = (0.06, 0.34)
"""Shortest and longest burst of noise, and pause between two."""
PAUSE_LEVEL = 0.05
"""Amplitude of the noise in the pauses, of that in the bursts (26 dB less)."""
PARTS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}
"""Which part of each noise recording a split may have, so that no piece of noise is in two."""


@dataclass(frozen=True)
class Noise:
    """Recordings of background noise with their seconds."""

    files: tuple[tuple[Path, float], ...] = ()

    def piece(self, split: str, seconds: float, random: np.random.Generator, rate: int) -> NDArray[np.float32]:
        """`float32[seconds * rate]` from that split's part of one of the files; repeated where that is shorter."""
        import numpy as np

        path, length = self.files[int(random.integers(len(self.files)))]
        begin, end = (part * length for part in PARTS[split])
        first = float(random.uniform(begin, max(begin, end - seconds)))
        wanted = max(1, round(seconds * rate))
        samples = read_file(path, min(seconds, end - begin), rate, first)
        available = max(1, min(wanted, int((end - first) * rate)))
        return np.resize(samples[:available], wanted)


def usable(files: Sequence[Path]) -> tuple[Noise, list[str]]:
    """The noise recordings that can be read, and what to warn of."""
    infos = {path: inspect(path) for path in files}
    warnings = [f"The background noise '{path.name}' {info.problem}." for path, info in infos.items() if info.problem]
    return Noise(tuple((path, info.seconds) for path, info in infos.items() if not info.problem)), warnings


def with_copies(recordings: Recordings, noise: Noise, params: SpeechParams) -> Recordings:
    """With `augment_draws` further copies of every spoken clip of train, each shifted and in noise of its own."""
    if not params.augment_draws:
        return recordings
    train = recordings.splits["train"]
    copies = [
        Clip(f"{clip.id}_copy_{draw}", clip.word, clip.speaker, partial(_changed, clip, noise, params, (number, draw)))
        for number, clip in enumerate(train)
        if not clip.id.startswith("_silence_")
        for draw in range(1, params.augment_draws + 1)
    ]
    facts = {
        "copies": len(copies),
        "snr_db": list(params.augment_snr_db),
        "noise": "recorded" if noise.files else "synthetic",
    }
    return replace(
        recordings,
        splits={**recordings.splits, "train": train + copies},
        notes={**recordings.notes, "augmentation": facts},
    )


def _changed(clip: Clip, noise: Noise, params: SpeechParams, number: tuple[int, int], rate: int) -> NDArray[np.float32]:
    """A clip shifted in time and mixed with noise, from a seed of its own."""
    import numpy as np

    random = np.random.default_rng((params.augment_seed, *number))
    samples = clip.read(rate)[: round(params.clip_seconds * rate)]
    most = min(round(params.augment_shift_seconds * rate), len(samples) - 1)
    shift = int(random.integers(-most, most + 1))
    moved = np.zeros_like(samples)
    moved[max(0, shift) : len(samples) + min(0, shift)] = samples[max(0, -shift) : len(samples) - max(0, shift)]
    if not params.augment_snr_db:
        return moved
    ratio = float(random.choice(params.augment_snr_db))
    if noise.files:
        added = noise.piece("train", len(samples) / rate, random, rate)[: len(samples)]
    else:
        colour = float(random.choice(COLOURS))
        added = in_bursts(coloured_noise(len(samples), colour, random), random, rate).astype(np.float32)
    return mixed(moved, added, ratio)


def mixed(samples: NDArray[np.float32], noise: NDArray[np.float32], snr_db: float) -> NDArray[np.float32]:
    """`samples + noise`, both `float32[n]`, the noise scaled to that signal-to-noise ratio; silence stays silent."""
    import numpy as np

    power, noise_power = (float(np.mean(sound.astype(np.float64) ** 2)) for sound in (samples, noise))
    if not noise_power:
        return samples
    scale = np.float32(np.sqrt(power / noise_power / 10 ** (snr_db / 10)))
    total: NDArray[np.float32] = samples + scale * noise
    return total


def silence(noise: Noise, split: str, seed: tuple[int, int], seconds: float, rate: int) -> NDArray[np.float32]:
    """A piece of background noise, louder or softer, `float32[seconds * rate]`; zeros where there is no noise."""
    import numpy as np

    if not noise.files:
        return np.zeros(round(seconds * rate), dtype=np.float32)
    random = np.random.default_rng(seed)
    piece = noise.piece(split, seconds, random, rate) * np.float32(random.uniform(0.1, 1.0))
    if not piece.size:
        raise UnusableClipError("has no samples")
    return piece


def coloured_noise(samples: int, exponent: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise of unit power whose spectrum falls as 1 / frequency**exponent."""
    import numpy as np

    spectrum = np.fft.rfft(random.normal(size=samples))
    frequencies = np.arange(len(spectrum), dtype=np.float64)
    frequencies[0] = 1.0
    noise = np.fft.irfft(spectrum / frequencies ** (exponent / 2), samples)
    scaled: NDArray[np.float64] = noise / np.sqrt(np.mean(noise**2))
    return scaled


def in_bursts(noise: NDArray[np.float64], random: np.random.Generator, rate: int = 16_000) -> NDArray[np.float64]:
    """The noise coming and going like doors, keys and passing cars, again of unit power over the clip.

    Bursts hide parts of the word, so that a model has to keep what it heard before and not what it hears in them.
    """
    import numpy as np

    level = np.empty(len(noise))
    position, is_burst = 0, bool(random.random() < 0.5)
    while position < len(noise):
        samples = int(rate * random.uniform(*BURST_SECONDS))
        level[position : position + samples] = 1.0 if is_burst else PAUSE_LEVEL
        position, is_burst = position + samples, not is_burst
    scaled: NDArray[np.float64] = noise * level
    scaled /= np.sqrt(np.mean(scaled**2))
    return scaled
