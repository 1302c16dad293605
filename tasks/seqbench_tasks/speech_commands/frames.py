"""Samples → frames: log-mel bands or cepstra of Hann windows, with derivatives in time, in batches on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqbench import DataError
from seqbench_tasks.speech_commands.params import SpeechParams

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

FLOOR = 1e-6
"""Added to mel energies before the logarithm: about -60 dB of a loud band."""
DELTA_FRAMES = 5
"""Over which a derivative is estimated, as is usual."""


class Frames:
    """The transform for one rate. Threads may share it. Raises DataError for a device that is not there."""

    def __init__(self, rate: int, params: SpeechParams) -> None:
        import torch
        from torchaudio.functional import create_dct
        from torchaudio.transforms import MelSpectrogram

        window = round(params.window_seconds * rate)
        self.hop = max(1, round(params.hop_seconds * rate))
        # Fewer Fourier bins than this leave the lowest mel bands empty.
        self.size = max(512 if rate > 8000 else 256, 1 << (window - 1).bit_length())
        self.longest = max(self.size, round(params.clip_seconds * rate))
        self.shortest = self.longest if params.pad else self.size
        self.deltas = params.deltas
        self.count = params.feature_count
        if params.device == "cuda" and not torch.cuda.is_available():
            raise DataError(
                "features cannot be computed with device = cuda, since torch finds no CUDA device here (there is: cpu)"
                ": use --set tasks.speech_commands.device=cpu."
            )
        self.device = torch.device(params.device)
        self._mel = MelSpectrogram(
            rate, n_fft=self.size, win_length=window, hop_length=self.hop, n_mels=params.n_mels, center=False
        ).to(self.device)
        is_mfcc = params.features == "mfcc"
        self._dct = create_dct(params.n_mfcc, params.n_mels, norm="ortho").to(self.device) if is_mfcc else None

    def of(self, clips: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """`float32[frames, features]` of each clip `float32[samples]`; no padding at the ends of windows.

        A clip's frames do not depend on the others of the batch.
        """
        import numpy as np
        import torch

        cut = [samples[: self.longest] for samples in clips]
        lengths = [max(self.shortest, len(samples)) for samples in cut]
        batch = np.zeros((len(cut), max(lengths)), dtype=np.float32)
        for row, samples in enumerate(cut):
            batch[row, : len(samples)] = samples
        counts = [1 + (length - self.size) // self.hop for length in lengths]
        with torch.inference_mode():
            features = torch.log(self._mel(torch.from_numpy(batch).to(self.device)) + FLOOR).transpose(1, 2)
            if self._dct is not None:
                features = features @ self._dct
            if self.deltas:
                return [self._with_deltas(features[row, :count]).cpu().numpy() for row, count in enumerate(counts)]
            host = features.cpu().numpy()
        return [host[row, :count] for row, count in enumerate(counts)]

    def _with_deltas(self, frames: torch.Tensor) -> Any:
        """`[frames, features]` → `[frames, features * (1 + deltas)]`; beyond the ends the last frame goes on."""
        import torch
        from torchaudio.functional import compute_deltas

        parts = [frames]
        for _ in range(self.deltas):
            parts.append(compute_deltas(parts[-1].T.contiguous(), win_length=DELTA_FRAMES).T)
        return torch.cat(parts, 1)
