"""The parameters of the sentiment task."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SentimentParams(BaseModel):
    """Columns and splits of local files, the vocabulary, augmentation, and the embedded reviews."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_column: str | None = Field(default=None, description="of local files; found by name or type")
    label_column: str | None = Field(default=None, description="of local files; found by name or type")
    split_seed: int = Field(default=0, ge=0, description="of the stratified split where files do not give one")
    dedupe: bool = Field(default=True, description="leave texts out of train that are in validation or test too")
    max_length: int = Field(default=256, ge=1, description="tokens; longer texts are cut at their end")
    min_frequency: int = Field(default=1, ge=1, description="tokens rarer than this in train are unknown")
    vocabulary_size: int = Field(
        default=30_000, ge=10, description="most frequent tokens kept, the two special ones too"
    )
    word_dropout: float = Field(default=0.0, ge=0, lt=1, description="augmentation: part of tokens made unknown")
    reviews: tuple[int, int, int] = Field(
        default=(2400, 400, 800), description="embedded data: reviews in train, validation and test"
    )
    grammar_seed: int = Field(default=0, ge=0, description="embedded data: of the reviews")
