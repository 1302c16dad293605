"""Make the embedded speech data: ten command words spoken by synthetic voices, as one compressed file and its index.

Needs espeak-ng (1.51 made the data that is here; `apt-get install espeak-ng`) and seqbench's own dependencies:

    python scripts/make_speech_data.py

Every voice is an accent, a variant, a pitch and a speed; it says each word twice, the second time a little faster and
higher. Clips are cut to where they are louder than a hundredth of their peak, joined with silence between them, and
stored as Ogg Vorbis. Voices, not clips, are split into train, validation and test.
"""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torchaudio.functional import resample

FOLDER = Path(__file__).resolve().parent.parent / "tasks" / "seqbench_tasks" / "speech_commands" / "data"
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
VARIANTS = (
    *("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5"),
    *("adam", "Alex", "Alicia", "Andrea", "Andy", "Annie", "belinda", "benjamin", "boris", "david", "ed", "edward"),
    *("Gene", "Jacky", "john", "Lee", "linda", "max", "Michael", "mike", "paul", "quincy", "rob", "steph", "zac"),
)
SPEAKERS = 72
SPLITS = (("train", 48), ("validation", 8), ("test", 16))
RATE = 16_000
GAP = 320
"""Samples of silence between clips, so that a lossy codec cannot smear one into the next."""
SEED = 20_180_409
QUALITY = 0.75
"""Of soundfile's compression_level: 0 is the largest file, 1 the smallest."""


@dataclass(frozen=True)
class Speaker:
    """One voice: what espeak-ng is told, and which split it belongs to."""

    name: str
    split: str
    voice: str
    pitch: int
    speed: int


def speakers() -> Iterator[Speaker]:
    """All voices: accents in turn, variants shuffled, pitch and speed drawn from a seed."""
    random = np.random.default_rng(SEED)
    variants = [VARIANTS[index] for round_ in range(2) for index in random.permutation(len(VARIANTS))]
    splits = [name for name, count in SPLITS for _ in range(count)]
    order = random.permutation(SPEAKERS)
    for number in range(SPEAKERS):
        voice = f"{ACCENTS[number % len(ACCENTS)]}+{variants[number]}"
        pitch, speed = int(random.integers(25, 76)), int(random.integers(130, 201))
        yield Speaker(f"v{number:02d}", splits[order[number]], voice, pitch, speed)


def speak(speaker: Speaker, word: str, take: int) -> NDArray[np.float32]:
    """One clip at RATE, trimmed, its peak at 0.9."""
    arguments = ["-v", speaker.voice, "-p", str(speaker.pitch + 6 * take), "-s", str(speaker.speed + 20 * take)]
    done = subprocess.run(["espeak-ng", *arguments, "--stdout", word], check=True, capture_output=True)
    samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    clip = resample(torch.from_numpy(samples), rate, RATE).numpy()
    loud = np.flatnonzero(np.abs(clip) > 0.01 * np.abs(clip).max())
    clip = clip[loud[0] : loud[-1] + 1]
    return np.asarray(0.9 * clip / np.abs(clip).max(), dtype=np.float32)


def main() -> None:
    """Speak everything and write `clips.ogg` and `clips.csv`."""
    FOLDER.mkdir(exist_ok=True)
    parts: list[NDArray[np.float32]] = []
    rows: list[tuple[str, str, str, int, int, int, str, int, int]] = []
    position = 0
    for speaker in speakers():
        for word in WORDS:
            for take in (0, 1):
                clip = speak(speaker, word, take)
                rows.append(
                    (
                        speaker.split,
                        word,
                        speaker.name,
                        take,
                        position,
                        len(clip),
                        speaker.voice,
                        speaker.pitch,
                        speaker.speed,
                    )
                )
                parts += [clip, np.zeros(GAP, np.float32)]
                position += len(clip) + GAP
    # One write of all of it overflows libsndfile's stack; the clips one by one do not.
    with soundfile.SoundFile(
        FOLDER / "clips.ogg", "w", RATE, 1, format="OGG", subtype="VORBIS", compression_level=QUALITY
    ) as file:
        for part in parts:
            file.write(part)
    with (FOLDER / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", "word", "speaker", "take", "start", "length", "voice", "pitch", "speed"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
