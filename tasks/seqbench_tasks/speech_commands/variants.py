"""The published variants of Speech Commands: all words, the ten commands, and ten with "unknown" and "silence".

P. Warden, arXiv 1804.03209 (2018), section 7, and the training code published with it: to the clips of the ten words
come a tenth of their number of other words, as "unknown", and a tenth of silence, in each split.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import Clip, counted
from seqbench_tasks.speech_commands.noise import Noise, silence
from seqbench_tasks.speech_commands.splits import drawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from seqbench_tasks.speech_commands.layout import Recording
    from seqbench_tasks.speech_commands.params import SpeechParams

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN = "_unknown_"
SILENCE = "_silence_"
EXTRA_PART = 0.1
"""Of the clips of the ten words: as many of unknown words, and as many of silence."""
SPLITS = ("train", "validation", "test")
ALL_WORDS = 35


def all_words_warning(found: int) -> list[str]:
    """What to say where "all words" are not those of v0.02."""
    if found == ALL_WORDS:
        return []
    return [f"Variant 35 is all words, and the source has {found}: the name fits Speech Commands v0.02 only."]


def twelve(
    splits: dict[str, list[Recording]],
    commands: tuple[str, ...],
    clip: Callable[[Recording, str], Clip],
    noise: Noise,
    params: SpeechParams,
) -> tuple[dict[str, list[Clip]], list[str]]:
    """Clips of the ten commands, of unknown words and of silence, and what to warn of.

    commands: the ten as the source writes them. clip: makes one of a recording and its label.
    Raises DataError when the source has no other words.
    """
    made: dict[str, list[Clip]] = {}
    warnings: list[str] = []
    for number, name in enumerate(SPLITS):
        wanted = [item for item in splits[name] if item.word in commands]
        others = drawn([item for item in splits[name] if item.word not in commands], params.split_seed)
        extra = math.ceil(EXTRA_PART * len(wanted))
        if not others:
            raise DataError(
                f"variant 12 needs words beside the ten commands to stand for 'unknown', and the {name} split has "
                "none: use variant = 10, or a source with more words."
            )
        if len(others) < extra:
            warnings.append(
                f"The {name} split has {counted(len(others), 'recording')} of other words, not {extra}, for unknown."
            )
        unknown = sorted(others[:extra], key=lambda item: item.name)
        made[name] = [clip(item, item.word) for item in wanted]
        made[name] += [clip(item, UNKNOWN) for item in unknown]
        made[name] += [
            Clip(
                f"{SILENCE}/{name}_{index:05d}",
                SILENCE,
                "",
                partial(silence, noise, name, (params.split_seed, number * 1_000_000 + index), params.clip_seconds),
            )
            for index in range(extra)
        ]
    if not noise.files:
        warnings.append("There is no _background_noise_ to cut silence from: the clips of silence are zeros.")
    return made, warnings
