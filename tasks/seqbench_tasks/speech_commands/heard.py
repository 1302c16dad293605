"""What only the samples tell: silence, clips shorter than a window, and one recording under two words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from seqbench_tasks.speech_commands.audio import Clip, counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sound:
    """A clip's samples in short: how many, whether all are zero, and a digest."""

    samples: int
    is_silent: bool
    digest: bytes


class Listener:
    """Notes what the recordings among clips hold while they are read, whatever thread reads them."""

    def __init__(self) -> None:
        self._sounds: dict[str, Sound] = {}

    def beside(self, clip: Clip) -> Clip:
        """The clip, noted when it is read; what was made and not recorded is let be."""
        return replace(clip, read=partial(self._read, clip)) if clip.is_recording else clip

    def _read(self, clip: Clip, rate: int) -> NDArray[np.float32]:
        samples = clip.read(rate)
        digest = blake2b(samples.tobytes(), digest_size=16).digest()
        self._sounds[clip.id] = Sound(len(samples), not samples.any(), digest)
        return samples

    def warnings(self, clips: Sequence[Clip], window: int, rate: int) -> list[str]:
        """A sentence for each kind of thing that is odd about these clips, with how many and the first.

        window: samples of a frame.
        """
        heard = [(clip, self._sounds[clip.id]) for clip in clips if clip.id in self._sounds]
        short = [clip.id for clip, sound in heard if sound.samples < window]
        silent = [clip.id for clip, sound in heard if sound.is_silent]
        first: dict[bytes, Clip] = {}
        twice = []
        for clip, sound in heard:
            other = first.setdefault(sound.digest, clip)
            if other.word != clip.word and not sound.is_silent:
                twice.append((other.id, clip.id))
        found = []
        if short:
            are = "is" if len(short) == 1 else "are"
            found.append(
                f"{counted(len(short), 'recording')} {are} shorter than one window ({window / rate:.3f} s), "
                f"'{short[0]}' first: kept, with zeros after the sound."
            )
        if silent:
            holds = "holds" if len(silent) == 1 else "hold"
            found.append(
                f"{counted(len(silent), 'recording')} {holds} nothing but digital silence, '{silent[0]}' first: kept, "
                "under a word that nobody can hear in it."
            )
        if twice:
            has = "has" if len(twice) == 1 else "have"
            found.append(
                f"{counted(len(twice), 'recording')} {has} the same content as one of another word, "
                f"'{twice[0][0]}' and '{twice[0][1]}' first: one of the labels is wrong."
            )
        return found
