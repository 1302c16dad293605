"""Recordings → scaled log-mel frames, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqbench import Classes, Dense, SequenceSet, TaskData
from seqbench_tasks.speech_commands.audio import Clip, Recordings
from seqbench_tasks.speech_commands.params import SpeechParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 128
"""Clips per transform: enough to be quick, few enough to stay small in memory."""
FLOOR = 1e-6
"""Added to mel energies before the logarithm: about -60 dB of a loud band."""
MIN_SCALE = 1e-3
"""A band that hardly varies in train (above the recordings' own bandwidth, say) is centred and not blown up."""


def task_data(recordings: Recordings, params: SpeechParams) -> TaskData:
    """All splits as frames, each band scaled by its mean and standard deviation over the frames of train."""
    import numpy as np

    frames = {name: _frames(clips, recordings.sample_rate, params) for name, clips in recordings.splits.items()}
    joined = np.concatenate(frames["train"])
    mean = joined.mean(0)
    scale = np.maximum(joined.std(0), MIN_SCALE)
    splits = {
        name: _sequence_set(recordings.splits[name], [(array - mean) / scale for array in arrays], recordings.words)
        for name, arrays in frames.items()
    }
    notes = {**recordings.notes, "sample_rate": recordings.sample_rate, **_facts(recordings, splits)}
    notes["scaler"] = {"mean": [float(value) for value in mean], "scale": [float(value) for value in scale]}
    return TaskData(
        input=Dense(params.n_mels),
        output=Classes(recordings.words),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        notes=notes,
    )


def _frames(clips: list[Clip], rate: int, params: SpeechParams) -> list[NDArray[np.float32]]:
    """`float32[frames, n_mels]` of each clip: log of mel energies of Hann windows, no padding at the ends."""
    import numpy as np
    import torch
    from torchaudio.transforms import MelSpectrogram

    window, hop = round(params.window_seconds * rate), max(1, round(params.hop_seconds * rate))
    # Fewer Fourier bins than this leave the lowest mel bands empty.
    size = max(512 if rate > 8000 else 256, 1 << (window - 1).bit_length())
    transform = MelSpectrogram(rate, n_fft=size, win_length=window, hop_length=hop, n_mels=params.n_mels, center=False)
    longest = max(size, round(params.clip_seconds * rate))
    found: list[NDArray[np.float32]] = []
    for first in range(0, len(clips), BATCH):
        cut = [clip.read(rate)[:longest] for clip in clips[first : first + BATCH]]
        batch = np.zeros((len(cut), max(size, *map(len, cut))), dtype=np.float32)
        for row, samples in enumerate(cut):
            batch[row, : len(samples)] = samples
        logs = torch.log(transform(torch.from_numpy(batch)) + FLOOR).transpose(1, 2).numpy()
        counts = [1 + max(0, len(samples) - size) // hop for samples in cut]
        found += [logs[row, :count].copy() for row, count in enumerate(counts)]
    return found


def _sequence_set(clips: list[Clip], frames: list[NDArray[np.float32]], words: tuple[str, ...]) -> SequenceSet:
    import numpy as np

    labels = {word: label for label, word in enumerate(words)}
    targets = np.array([labels[clip.word] for clip in clips], dtype=np.int64)
    arrays = [array.astype(np.float32) for array in frames]
    return SequenceSet.from_sequences(arrays, targets, [clip.id for clip in clips])


def _facts(recordings: Recordings, splits: dict[str, SequenceSet]) -> dict[str, Any]:
    speakers = {name: {clip.speaker for clip in clips if clip.speaker} for name, clips in recordings.splits.items()}
    return {
        "classes": {
            name: {word: sum(clip.word == word for clip in clips) for word in recordings.words}
            for name, clips in recordings.splits.items()
        },
        "speakers": {name: len(found) for name, found in speakers.items()},
        "speakers_in_train_and_test": len(speakers["train"] & speakers["test"]),
        "frames": {name: int(split.lengths.sum()) for name, split in splits.items()},
    }
