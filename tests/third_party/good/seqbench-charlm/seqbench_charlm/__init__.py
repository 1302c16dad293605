"""Next-character language modelling: which character follows a window of a text?"""

from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field

from seqbench import Classes, DataError, SequenceSet, TaskData, TaskSpec, Tokens, expand, hookimpl
from seqbench_charlm.scores import METRICS, bits, ngram, show


class Params(BaseModel, frozen=True, extra="forbid"):
    """window: characters read. stride: from one window to the next. held_out: of the text, for each of two splits."""

    window: int = Field(default=32, ge=1)
    stride: int = Field(default=2, ge=1)
    held_out: float = Field(default=0.1, gt=0, lt=0.5)


def prepare(source: str, params: Params, cache: Path) -> TaskData:
    """Tokens: 1 what train has not, from 2 on its characters. The splits are stretches of the text, in its order."""
    path = Path(__file__).with_name("text.txt") if source == "builtin" else expand(source)[0]
    text = path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else ""
    part, window = int(len(text) * params.held_out), params.window
    if "\ufffd" in text or part <= window:
        raise DataError(f"{path} has no {(window + 1) / params.held_out:.0f} characters of UTF-8 text: give more.")
    ends = (0, len(text) - 2 * part, len(text) - part, len(text))
    tokens = {character: token for token, character in enumerate(sorted(set(text[: ends[1]])), 2)}
    values = np.array([tokens.get(character, 1) for character in text], dtype=np.int64)

    def split(begin: int, end: int) -> SequenceSet:
        starts = np.arange(begin, end - window, params.stride)
        lengths, ids = np.full(len(starts), window), (starts + window).astype(np.str_)
        return SequenceSet(values, starts, lengths, values[starts + window] - 1, ids)

    train, validation, test = map(split, ends, ends[1:])
    return TaskData(Tokens(len(tokens) + 2), Classes(("unknown", *map(repr, tokens))), train, validation, test)


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the task."""
    spec = TaskSpec(
        name="charlm",
        prepare=prepare,
        input_kind="tokens",
        metrics=METRICS,
        primary="bits_per_character",
        higher_is_better=False,
        loss="cross_entropy",
        params=Params,
        baselines={"unigram": partial(ngram, 0), "trigram": partial(ngram, 2), "sixgram": partial(ngram, 5)},
        trainer={"max_epochs": 8, "learning_rate": 5e-3},
        model_defaults={"pooling": "last", "dropout": 0.1, "embedding_size": 32},
        example_scores=bits,
        show=show,
        about="the next character of a text, after a window of it",
    )
    return [spec]
