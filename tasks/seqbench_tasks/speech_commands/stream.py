"""Recordings → frames in a file, by several threads, a few batches in memory at a time.

libsndfile and torch let go of the interpreter while they work, so threads keep all cores busy and share the memory
of one process.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import Clip, UnusableClipError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqbench_tasks.speech_commands.frames import Frames

BATCHES = {"cpu": 16, "cuda": 256}
"""Clips per transform. On a CPU the spectra of more fall out of its cache: 128 take half as long again."""
AHEAD = 2
"""Batches per thread that are begun before the first is written."""
BLOCK = 1 << 18
"""Frames at a time in passes over the file. Sums are of float32 within a block, where that is exact enough for frames,
and of float64 over the blocks."""

Made = list["NDArray[np.float32] | UnusableClipError"]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def frames_of(clips: Iterable[Clip], rate: int, frames: Frames, workers: int | None = None) -> Iterator[Made]:
    """Each batch's frames, or what is wrong with a clip, in the order of the clips.

    workers: threads; how many there are changes nothing but the time. Each computes by itself.
    """
    import torch

    before = torch.get_num_threads()
    remaining = iter(clips)
    pending: deque[Future[Made]] = deque()
    count = workers or cores()
    size = BATCHES[frames.device.type]
    with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            while True:
                while len(pending) < AHEAD * count and (batch := list(islice(remaining, size))):
                    pending.append(pool.submit(_batch, batch, rate, frames))
                if not pending:
                    break
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
            torch.set_num_threads(before)


def _batch(clips: list[Clip], rate: int, frames: Frames) -> Made:
    read: Made = []
    for clip in clips:
        try:
            read.append(clip.read(rate))
        except UnusableClipError as problem:
            read.append(problem)
    made = iter(frames.of([item for item in read if not isinstance(item, UnusableClipError)]))
    return [item if isinstance(item, UnusableClipError) else next(made) for item in read]


class FrameFile:
    """Frames `float32[rows, features]` in a file that is gone when nothing uses it any more."""

    def __init__(self, folder: Path, features: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.features = features
        self.rows = 0
        self._file = tempfile.TemporaryFile(dir=folder, prefix="speech-frames-")  # noqa: SIM115

    def append(self, frames: NDArray[np.float32]) -> None:
        """Write further rows. Raises DataError when there is no room."""
        import numpy as np

        try:
            self._file.write(np.ascontiguousarray(frames, dtype=np.float32).data)
        except OSError as error:
            raise DataError(
                f"the frames cannot be written to {self.folder} ({error.strerror}): make room, or name another folder "
                "in SEQBENCH_CACHE."
            ) from None
        self.rows += len(frames)

    def mapped(self) -> NDArray[np.float32]:
        """All rows, mapped into memory; the file goes when they do."""
        import numpy as np

        self._file.flush()
        if not self.rows:
            return np.zeros((0, self.features), dtype=np.float32)
        return np.memmap(self._file, dtype=np.float32, mode="r+", shape=(self.rows, self.features))


def scaler(rows: NDArray[np.float32], least: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation (`least` at least) of each column, in two passes block by block."""
    import numpy as np

    total = np.zeros(rows.shape[1], dtype=np.float64)
    for block in _blocks(rows):
        total += np.add.reduce(block, axis=0)
    mean = (total / len(rows)).astype(np.float32)
    total[:] = 0
    for block in _blocks(rows):
        centred = block - mean
        total += np.add.reduce(np.multiply(centred, centred, out=centred), axis=0)
    deviation = np.sqrt((total / len(rows)).astype(np.float32))
    return mean, np.maximum(deviation, np.float32(least))


def scale(rows: NDArray[np.float32], mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> None:
    """`(rows - mean) / deviation` in place, block by block."""
    import numpy as np

    for block in _blocks(rows):
        np.subtract(block, mean, out=block)
        np.divide(block, deviation, out=block)


def _blocks(rows: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    import numpy as np

    for first in range(0, len(rows), BLOCK):
        yield np.asarray(rows[first : first + BLOCK])
