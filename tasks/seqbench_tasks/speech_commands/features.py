"""Recordings → prepared data: scaled frames of each split, and the facts about them."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import Classes, Dense, SequenceSet, TaskData, track
from seqbench_tasks.speech_commands.audio import Clip, Recordings, UnusableClipError, check_bad
from seqbench_tasks.speech_commands.frames import Frames
from seqbench_tasks.speech_commands.heard import Listener
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.serving import raw_examples_of, state_of
from seqbench_tasks.speech_commands.stream import FrameFile, frames_of, scale, scaler

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_SCALE = 1e-3
"""A band that hardly varies in train (above the recordings' own bandwidth, say) is centred and not blown up."""


def task_data(recordings: Recordings, params: SpeechParams, cache: Path, workers: int | None = None) -> TaskData:
    """All splits as frames, each feature scaled by its mean and standard deviation over the frames of train.

    cache: where frames lie while they are made. workers: threads; as many as cores by default.
    Raises DataError when too many recordings turn out to be bad.
    """
    frames = Frames(recordings.sample_rate, params)
    file = FrameFile(cache, frames.count)
    recordings, lengths = _written(recordings, frames, file, workers)
    values = file.mapped()
    train = values[: sum(lengths["train"])]
    mean, deviation = scaler(train, MIN_SCALE)
    scale(values, mean, deviation)
    splits, first = {}, 0
    for name, clips in recordings.splits.items():
        rows = sum(lengths[name])
        splits[name] = _sequence_set(clips, values[first : first + rows], lengths[name], recordings.words)
        first += rows
    notes = {**recordings.notes, "sample_rate": recordings.sample_rate, **_facts(recordings, splits)}
    notes["features"] = {
        "kind": params.features,
        "deltas": params.deltas,
        "count": frames.count,
        "hop_seconds": frames.hop / recordings.sample_rate,
        "window_seconds": frames.size / recordings.sample_rate,
    }
    notes["scaler"] = {"mean": [float(value) for value in mean], "scale": [float(value) for value in deviation]}
    return TaskData(
        input=Dense(frames.count),
        output=Classes(recordings.words),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        notes=notes,
        state=state_of(recordings.sample_rate, params, mean, deviation),
        raw_examples=raw_examples_of(recordings, frames.longest),
    )


def _written(
    recordings: Recordings, frames: Frames, file: FrameFile, workers: int | None
) -> tuple[Recordings, dict[str, list[int]]]:
    """Write all frames, train's first; gives the recordings without those that turned out bad, and frames per clip."""
    total = sum(map(len, recordings.splits.values()))
    done = iter(track(range(total), "computing features", total))
    listener = Listener()
    bad: list[str] = []
    kept: dict[str, list[Clip]] = {}
    lengths: dict[str, list[int]] = {}
    for name in ("train", "validation", "test"):
        kept[name], lengths[name] = [], []
        remaining = iter(recordings.splits[name])
        clips = map(listener.beside, recordings.splits[name])
        for batch in frames_of(clips, recordings.sample_rate, frames, workers):
            for made in batch:
                clip = next(remaining)
                next(done)
                if isinstance(made, UnusableClipError):
                    bad.append(f"{clip.id} {made}")
                else:
                    file.append(made)
                    kept[name].append(clip)
                    lengths[name].append(len(made))
    next(done, None)
    odd = listener.warnings([*itertools.chain(*kept.values())], frames.size, recordings.sample_rate)
    if odd:
        warnings = [*recordings.notes.get("warnings", ()), *odd]
        recordings = replace(recordings, notes={**recordings.notes, "warnings": warnings})
    if bad:
        dropped = [*recordings.notes.get("dropped", ()), *bad]
        check_bad(dropped, max(recordings.total, total), recordings.where)
        recordings = replace(recordings, splits=kept, notes={**recordings.notes, "dropped": dropped})
    return recordings, lengths


def _sequence_set(
    clips: list[Clip], values: NDArray[np.float32], lengths: list[int], words: tuple[str, ...]
) -> SequenceSet:
    import numpy as np

    labels = {word: label for label, word in enumerate(words)}
    targets = np.array([labels[clip.word] for clip in clips], dtype=np.int64)
    counts = np.array(lengths, dtype=np.int64)
    starts = np.cumsum(counts) - counts
    return SequenceSet(values, starts, counts, targets, np.array([clip.id for clip in clips], dtype=np.str_))


def _facts(recordings: Recordings, splits: dict[str, SequenceSet]) -> dict[str, Any]:
    speakers = {name: {clip.speaker for clip in clips if clip.speaker} for name, clips in recordings.splits.items()}
    counts = {name: Counter(clip.word for clip in clips) for name, clips in recordings.splits.items()}
    return {
        "classes": {name: {word: found[word] for word in recordings.words} for name, found in counts.items()},
        "speakers": {name: len(found) for name, found in speakers.items()},
        "speakers_in_train_and_test": len(speakers["train"] & speakers["test"]),
        "frames": {name: int(split.lengths.sum()) for name, split in splits.items()},
    }
