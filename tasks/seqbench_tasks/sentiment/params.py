"""The parameters of the sentiment task."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class SentimentParams(BaseModel):
    """Columns and splits of local files, the vocabulary, augmentation, and the embedded reviews."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_column: str | None = Field(default=None, description="of local files; found by name or type")
    label_column: str | None = Field(default=None, description="of local files; found by name or type")
    encoding: str | None = Field(
        default=None, description="of local text files (cp1252, cp1250, ...); UTF-8, else detected"
    )
    test_split: Literal["file", "hold_out"] = Field(
        default="file", description="file: the source's own test split; hold_out: a tenth of train in its place"
    )
    split_seed: int = Field(default=0, ge=0, description="of the stratified split where files do not give one")
    dedupe: bool = Field(
        default=True, description="no text in two splits: those of test leave train and validation, and so on"
    )
    tokenizer: Literal["word", "bpe"] = Field(
        default="word", description="words and punctuation marks, or byte-pair encoding; learned from train only"
    )
    max_length: int = Field(default=256, ge=1, description="tokens; longer texts are cut at their end")
    min_frequency: int = Field(default=1, ge=1, description="tokens rarer than this in train are unknown")
    vocabulary_size: int = Field(
        default=30_000, ge=10, description="most frequent tokens kept, the two special ones too"
    )
    embeddings: str | None = Field(
        default=None, description="a file of vectors to begin with (GloVe or word2vec text, also .gz)"
    )
    word_dropout: float = Field(default=0.0, ge=0, lt=1, description="augmentation: part of tokens made unknown")
    reviews: tuple[int, int, int] = Field(
        default=(2400, 400, 800), description="embedded data: reviews in train, validation and test"
    )
    grammar_seed: int = Field(default=0, ge=0, description="embedded data: of the reviews")

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        """One that decodes bytes to text."""
        if not encoding:
            return None
        try:
            b"  ".decode(encoding, errors="replace")
        except LookupError:
            raise ValueError(f"'{encoding}' is no encoding of text: name one such as utf-8 or cp1252") from None
        return encoding

    @field_validator("embeddings")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        """The same file whatever folder a command is run in."""
        return str(Path(path).expanduser().absolute()) if path else None

    @model_validator(mode="after")
    def _vectors_are_of_words(self) -> SentimentParams:
        if self.embeddings and self.tokenizer != "word":
            raise ValueError("embeddings are vectors of words: they need tasks.sentiment.tokenizer=word")
        return self
