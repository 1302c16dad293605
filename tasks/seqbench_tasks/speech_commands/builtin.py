"""The embedded data: ten words by 72 synthetic voices, split by voice, each clip in noise of its own.

`scripts/make_speech_data.py` made the clips; the noise is added here, from a seed, so the clips are stored clean.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import Clip, Recordings, at_rate, cut_warning
from seqbench_tasks.speech_commands.layout import matching
from seqbench_tasks.speech_commands.noise import COLOURS, coloured_noise, in_bursts
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.variants import COMMANDS, all_words_warning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "data"
RATE = 16_000
SECONDS = 0.8
"""Of a clip with its noise: the word begins anywhere in it."""


def read_builtin(params: SpeechParams) -> Recordings:
    """Every clip in its noise. Raises DataError for a word that the data does not have."""
    import soundfile

    sound, _ = soundfile.read(str(FOLDER / "clips.ogg"), dtype="float32")
    with (FOLDER / "clips.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    words = sorted({row["word"] for row in rows})
    if params.variant == 12:
        raise DataError(
            f"the embedded data has the {len(COMMANDS)} commands only, and no other words that variant 12 takes for "
            "'unknown': use variant = 10, or --data speech_commands=speechcommands:v0.02."
        )
    wanted = matching(params.words, tuple(words), "the embedded data")
    chosen = tuple(word for word in words if not wanted or word in wanted)
    splits: dict[str, list[Clip]] = {"train": [], "validation": [], "test": []}
    seconds: list[float] = []
    for number, row in enumerate(rows):
        if row["word"] not in chosen:
            continue
        start = int(row["start"])
        clean = sound[start : start + int(row["length"])]
        for draw in range(params.noise_draws if row["split"] == "train" else 1):
            read = partial(_noisy, clean, params.noise_snr_db, (params.noise_seed, number, draw))
            name = f"{row['word']}/{row['speaker']}_nohash_{row['take']}" + (f"_noise_{draw}" if draw else "")
            seconds.append(max(SECONDS, len(clean) / RATE))
            splits[row["split"]].append(Clip(name, row["word"], row["speaker"], read))
    notes = {
        "split": "by voice",
        "split_by_source": False,
        "snr_db": list(params.noise_snr_db),
        "dropped": [],
        "warnings": [
            *(all_words_warning(len(chosen)) if params.variant == 35 else []),
            *cut_warning(seconds, params.clip_seconds),
        ],
    }
    total = sum(map(len, splits.values()))
    return Recordings(splits, chosen, params.sample_rate or RATE, notes, total, "the embedded data")


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
