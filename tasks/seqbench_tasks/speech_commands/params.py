"""The parameters of the speech task."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SpeechParams(BaseModel):
    """How recordings become frames, what noise the embedded data has, and augmentation (off by default)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate: int | None = Field(
        default=None, ge=2000, description="Hz; by default the one that most recordings have, at most 16,000"
    )
    clip_seconds: float = Field(default=1.0, gt=0.05, description="longer recordings are cut; shorter ones are kept")
    n_mels: int = Field(default=40, ge=4, le=256, description="mel bands")
    window_seconds: float = Field(default=0.025, gt=0, le=0.2)
    hop_seconds: float = Field(default=0.010, gt=0, le=0.2)
    words: tuple[str, ...] = Field(default=(), description="only these words; all that are found")
    noise_snr_db: tuple[float, ...] = Field(
        default=(0.0, -5.0, -10.0), description="of the embedded data: one of these per clip; none for clean clips"
    )
    noise_draws: int = Field(
        default=3, ge=1, description="of the embedded data: how often each clip of train comes, in other noise"
    )
    noise_seed: int = Field(default=0, ge=0, description="of the embedded data's noise")
    time_shift: int = Field(default=0, ge=0, description="augmentation: largest shift in frames")
    noise_std: float = Field(default=0.0, ge=0, description="augmentation: Gaussian noise on scaled features")
    frequency_masks: int = Field(default=0, ge=0, description="SpecAugment: masks of up to frequency_width bands")
    frequency_width: int = Field(default=8, ge=1)
    time_masks: int = Field(default=0, ge=0, description="SpecAugment: masks of up to time_width frames")
    time_width: int = Field(default=10, ge=1)
