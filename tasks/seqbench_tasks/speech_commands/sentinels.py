"""This task's own checks for leaks, run by `seqbench data audit`: whose scaler it is, and who speaks where."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench_tasks.speech_commands.audio import counted
from seqbench_tasks.speech_commands.params import SpeechParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqbench_tasks.speech_commands.audio import Clip

LOOKED_AT = 200
"""Clips per split: a scaler that looked at another split would differ after few."""


def scaler_is_trains(source: str, params: SpeechParams, cache: Path) -> str:
    """The scaler must be the same when validation and test hold others: these, louder and reversed."""
    from seqbench_tasks.speech_commands.features import task_data
    from seqbench_tasks.speech_commands.task import read

    recordings = read(source, params)
    few = {name: clips[:: max(1, len(clips) // LOOKED_AT)] for name, clips in recordings.splits.items()}
    other = {
        name: clips if name == "train" else [replace(clip, read=partial(_other, clip)) for clip in clips]
        for name, clips in few.items()
    }
    scalers = [task_data(replace(recordings, splits=splits), params, cache).notes["scaler"] for splits in (few, other)]
    if scalers[0] != scalers[1]:
        return "the scaler changes when the recordings of validation and test are others: it was not fitted on train."
    return ""


def _other(clip: Clip, rate: int) -> NDArray[np.float32]:
    changed: NDArray[np.float32] = 10 * clip.read(rate)[::-1]
    return changed


def speakers_are_apart(source: str, params: SpeechParams, cache: Path) -> str:
    """No speaker may be in train and in validation or test, unless the source's own split says so (a warning)."""
    from seqbench_tasks.speech_commands.task import read

    recordings = read(source, params)
    if recordings.notes["split_by_source"]:
        return ""
    speakers = {name: {clip.speaker for clip in clips} - {""} for name, clips in recordings.splits.items()}
    both = sorted(speakers["train"] & (speakers["validation"] | speakers["test"]))
    if not both:
        return ""
    are = "is" if len(both) == 1 else "are"
    return (
        f"{counted(len(both), 'speaker')} {are} in train and in validation or test, '{both[0]}' first: add lists, or "
        "more speakers."
    )
