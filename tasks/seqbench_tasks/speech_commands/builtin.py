"""The embedded data: ten words by 72 synthetic voices, split by voice, each clip in noise of its own.

`scripts/make_speech_data.py` made the clips; the noise is added here, from a seed, so the clips are stored clean.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import Clip, Recordings, at_rate
from seqbench_tasks.speech_commands.params import SpeechParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "data"
RATE = 16_000
SECONDS = 0.8
"""Of a clip with its noise: the word begins anywhere in it."""
COLOURS = (0.0, 1.0, 2.0)
"""Exponents of white, pink and brown noise: power falls with frequency to this exponent."""
BURST_SECONDS = (0.06, 0.34)
"""Shortest and longest burst of noise, and pause between two."""
PAUSE_LEVEL = 0.05
"""Amplitude of the noise in the pauses, of that in the bursts (26 dB less)."""


def read_builtin(params: SpeechParams) -> Recordings:
    """Every clip in its noise. Raises DataError for a word that the data does not have."""
    import soundfile

    sound, _ = soundfile.read(str(FOLDER / "clips.ogg"), dtype="float32")
    with (FOLDER / "clips.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    words = sorted({row["word"] for row in rows})
    missing = sorted(set(params.words) - set(words))
    if missing:
        raise DataError(f"the embedded data has no word '{missing[0]}': there is {', '.join(words)}.")
    chosen = tuple(word for word in words if not params.words or word in params.words)
    splits: dict[str, list[Clip]] = {"train": [], "validation": [], "test": []}
    for number, row in enumerate(rows):
        if row["word"] not in chosen:
            continue
        start = int(row["start"])
        clean = sound[start : start + int(row["length"])]
        for draw in range(params.noise_draws if row["split"] == "train" else 1):
            read = partial(_noisy, clean, params.noise_snr_db, (params.noise_seed, number, draw))
            name = f"{row['word']}/{row['speaker']}_nohash_{row['take']}" + (f"_noise_{draw}" if draw else "")
            splits[row["split"]].append(Clip(name, row["word"], row["speaker"], read))
    return Recordings(
        splits, chosen, params.sample_rate or RATE, {"split": "by voice", "snr_db": list(params.noise_snr_db)}
    )


def _noisy(
    clean: NDArray[np.float32], snr_db: tuple[float, ...], seed: tuple[int, int, int], rate: int
) -> NDArray[np.float32]:
    """The word somewhere in coloured noise, at a signal-to-noise ratio drawn from the given ones."""
    import numpy as np

    random = np.random.default_rng(seed)
    total = max(int(SECONDS * RATE), len(clean))
    first = int(random.integers(0, total - len(clean) + 1))
    mixed = np.zeros(total, dtype=np.float32)
    mixed[first : first + len(clean)] = clean
    if snr_db:
        noise = in_bursts(coloured_noise(total, float(random.choice(COLOURS)), random), random)
        ratio = 10 ** (float(random.choice(snr_db)) / 10)
        mixed += noise * np.sqrt(np.mean(clean**2) / ratio)
    mixed *= random.uniform(0.3, 1.0)
    return at_rate(mixed.astype(np.float32), RATE, rate)


def coloured_noise(samples: int, exponent: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise of unit power whose spectrum falls as 1 / frequency**exponent."""
    import numpy as np

    spectrum = np.fft.rfft(random.normal(size=samples))
    frequencies = np.arange(len(spectrum), dtype=np.float64)
    frequencies[0] = 1.0
    noise = np.fft.irfft(spectrum / frequencies ** (exponent / 2), samples)
    scaled: NDArray[np.float64] = noise / np.sqrt(np.mean(noise**2))
    return scaled


def in_bursts(noise: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """The noise coming and going like doors, keys and passing cars, again of unit power over the clip.

    Bursts hide parts of the word, so that a model has to keep what it heard before and not what it hears in them.
    """
    import numpy as np

    level = np.empty(len(noise))
    position, is_burst = 0, bool(random.random() < 0.5)
    while position < len(noise):
        samples = int(RATE * random.uniform(*BURST_SECONDS))
        level[position : position + samples] = 1.0 if is_burst else PAUSE_LEVEL
        position, is_burst = position + samples, not is_burst
    scaled: NDArray[np.float64] = noise * level
    scaled /= np.sqrt(np.mean(scaled**2))
    return scaled
