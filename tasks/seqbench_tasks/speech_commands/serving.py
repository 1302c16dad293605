"""A recording as it comes (a WAV file's bytes) → scaled frames, by the features and the scaler of train."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seqbench import DataError, Serving
from seqbench_tasks.speech_commands.audio import Recordings, UnusableClipError, read_file
from seqbench_tasks.speech_commands.params import SpeechParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURE_PARAMS = (
    *("clip_seconds", "pad", "features", "deltas", "n_mels", "n_mfcc", "window_seconds", "hop_seconds", "device"),
)
"""The parameters that decide how samples become frames."""
LARGEST_FILTER = 1 << 24
"""Numbers in the filter between two rates that have no common divisor, 64 MB: more says that a header is wrong."""
DATA_URI = "base64,"
"""What the content follows in an address such as `data:audio/wav;base64,UklGR...`."""


def state_of(
    sample_rate: int, params: SpeechParams, mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> dict[str, Any]:
    """What `encoder` needs: the rate, how samples become frames, and the scaler `float32[features]` of train."""
    return {
        "sample_rate": sample_rate,
        "params": {name: getattr(params, name) for name in FEATURE_PARAMS},
        "mean": [float(value) for value in mean],
        "scale": [float(value) for value in scale],
    }


def raw_examples_of(recordings: Recordings, longest: int) -> dict[str, str]:
    """The first recording of test by its id, as WAV of 32-bit floats in base64, cut at `longest` samples."""
    from scipy.io import wavfile

    if not recordings.splits["test"]:
        return {}
    clip = recordings.splits["test"][0]
    file = io.BytesIO()
    wavfile.write(file, recordings.sample_rate, clip.read(recordings.sample_rate)[:longest])
    return {clip.id: base64.b64encode(file.getvalue()).decode()}


def encoder(state: Mapping[str, Any]) -> Callable[[Any], NDArray[np.float32]]:
    """`encode(wav) -> float32[frames, features]`; `wav` is a file's bytes, or these in base64."""
    import numpy as np
    import torch

    from seqbench_tasks.speech_commands.frames import Frames

    # Features made on a GPU differ in their last digits, which is better than no answer where there is none.
    on_cpu = {} if torch.cuda.is_available() else {"device": "cpu"}
    params = SpeechParams(**{**state["params"], **on_cpu})
    rate = int(state["sample_rate"])
    frames = Frames(rate, params)
    mean, scale = (np.array(state[name], dtype=np.float32) for name in ("mean", "scale"))

    def encode(wav: Any) -> NDArray[np.float32]:
        content = _content(wav)
        try:
            _check_rate(content, rate)
            samples = read_file(io.BytesIO(content), params.clip_seconds, rate)
        except UnusableClipError as problem:
            raise DataError(f"'wav' {problem}: give a WAV file, whole, in base64.") from None
        made: NDArray[np.float32] = (frames.of([samples])[0] - mean) / scale
        return made

    return encode


def _content(wav: Any) -> bytes:
    """The file. Raises DataError for what is neither bytes nor base64."""
    if isinstance(wav, bytes | bytearray | memoryview):
        content = bytes(wav)
    elif isinstance(wav, str):
        text = "".join(wav.rpartition(DATA_URI)[2].split())
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise DataError("'wav' is no base64: give a WAV file's bytes in base64 (base64 -w0 FILE).") from None
    else:
        raise DataError(f"'wav' is {type(wav).__name__} and no recording: give a WAV file's bytes in base64.")
    if not content:
        raise DataError("'wav' is empty: give a WAV file's bytes in base64.")
    return content


def _check_rate(content: bytes, rate: int) -> None:
    """Raises UnusableClipError for a header whose rate would need a filter beyond all measure."""
    import soundfile

    try:
        own_rate = soundfile.info(io.BytesIO(content)).samplerate
    except (soundfile.LibsndfileError, RuntimeError, OSError):
        return  # reading says what is wrong
    divisor = math.gcd(own_rate, rate) or 1
    if (own_rate // divisor) * (rate // divisor) > LARGEST_FILTER:
        raise UnusableClipError(f"has {own_rate} samples per second, which nothing records at")


SERVING = Serving(
    "wav", encoder, about="the bytes of a WAV file in base64, of any rate, width and number of channels; one word"
)
