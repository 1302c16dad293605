"""The parameters of the speech task, and how a task's id names those that differ from their defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class SpeechParams(BaseModel):
    """How recordings become frames, which words, the embedded data's noise, and augmentation (off by default)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate: int | None = Field(
        default=None, ge=2000, description="Hz; by default the one that most recordings have, at most 16,000"
    )
    clip_seconds: float = Field(
        default=1.0, gt=0.05, description="longer recordings are cut, which is told; shorter ones are kept"
    )
    pad: bool = Field(default=False, description="fill shorter recordings up to clip_seconds with silence")
    features: Literal["log_mel", "mfcc"] = Field(default="log_mel", description="what a frame is")
    deltas: int = Field(
        default=0, ge=0, le=2, description="derivatives in time beside the features: none, first, second"
    )
    n_mels: int = Field(default=40, ge=4, le=256, description="mel bands")
    n_mfcc: int = Field(default=13, ge=2, le=256, description="cepstral coefficients of mfcc, the zeroth among them")
    window_seconds: float = Field(default=0.025, gt=0, le=0.2)
    hop_seconds: float = Field(default=0.010, gt=0, le=0.2)
    # Not "auto": features differ in the last digits between devices, and the data's key has to tell which it was.
    device: Literal["cpu", "cuda"] = Field(
        default="cpu",
        description="where features are computed, whatever --device says of training; data from cuda has its own key",
    )
    words: tuple[str, ...] = Field(default=(), description="only these words, two at least; all that are found")
    variant: Literal[35, 12, 10] | None = Field(
        default=None,
        description="of Speech Commands: 35 = all words, 10 = the ten commands, 12 = those, _unknown_ and _silence_",
    )
    split_seed: int = Field(default=0, ge=0, description="of a split, a held-out part, and what variant 12 draws")
    audio_column: str | None = Field(default=None, description="of an hf: source; by default found by its type or name")
    label_column: str | None = Field(default=None, description="of an hf: source; by default found by its type or name")
    noise_snr_db: tuple[float, ...] = Field(
        default=(0.0, -5.0, -10.0), description="of the embedded data: one of these per clip; none for clean clips"
    )
    noise_draws: int = Field(
        default=3, ge=1, description="of the embedded data: how often each clip of train comes, in other noise"
    )
    noise_seed: int = Field(default=0, ge=0, description="of the embedded data's noise")
    augment_draws: int = Field(
        default=0, ge=0, le=100, description="augmentation: further copies of each clip of train, shifted and in noise"
    )
    augment_snr_db: tuple[float, ...] = Field(
        default=(20.0, 10.0, 0.0), description="augmentation: signal-to-noise ratio, one of these per copy"
    )
    augment_shift_seconds: float = Field(
        default=0.0, ge=0, le=10, description="augmentation: largest shift in time of a copy, either way"
    )
    augment_seed: int = Field(default=0, ge=0, description="of the copies' noise and shifts")
    time_shift: int = Field(default=0, ge=0, description="augmentation: largest shift in frames")
    noise_std: float = Field(default=0.0, ge=0, description="augmentation: Gaussian noise on scaled features")
    frequency_masks: int = Field(default=0, ge=0, description="SpecAugment: masks of up to frequency_width bands")
    frequency_width: int = Field(default=8, ge=1)
    time_masks: int = Field(default=0, ge=0, description="SpecAugment: masks of up to time_width frames")
    time_width: int = Field(default=10, ge=1)

    @field_validator("variant", mode="before")
    @classmethod
    def _variant_from_text(cls, value: Any) -> Any:
        """A command line may give `12` as text, and `none`."""
        if isinstance(value, str):
            text = value.strip().lower()
            return None if text in {"", "none", "all"} else int(text) if text.isdigit() else value
        return value

    @field_validator("words", mode="before")
    @classmethod
    def _words_from_text(cls, value: Any) -> Any:
        """A command line may give `yes,no`."""
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_together(self) -> SpeechParams:
        if self.variant is not None and self.words:
            raise ValueError("give either variant or words, not both")
        if len(set(self.words)) == 1:
            raise ValueError(f"words has only '{self.words[0]}', which leaves nothing to tell apart: give two or more")
        if self.features == "mfcc" and self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc = {self.n_mfcc} is more than the {self.n_mels} mel bands (n_mels)")
        return self

    @property
    def feature_count(self) -> int:
        """Numbers per frame."""
        return (self.n_mels if self.features == "log_mel" else self.n_mfcc) * (1 + self.deltas)


def suffix(changed: Mapping[str, Any]) -> str:
    """`-12` for a variant, `[words=a,b,c]` for words, `[key=value,...]` for the rest, sorted; empty for none."""
    variant = changed.get("variant")
    parts = [f"{key}={_short(value)}" for key, value in sorted(changed.items()) if key != "variant"]
    return (f"-{variant}" if variant else "") + (f"[{','.join(parts)}]" if parts else "")


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(_short(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
