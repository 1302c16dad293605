"""A text as it comes → token numbers, by the tokenizer that train gave, where the corpus is no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from seqbench import DataError, Serving
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import Corpus, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

RAW_EXAMPLES = 3
LONGEST_EXAMPLE = 10_000
"""Characters: a longer text is no example that anybody reads."""
UNKNOWN = 1
"""The token that stands for a text without any."""


def state_of(tokenizer: Tokenizer, params: SentimentParams) -> dict[str, Any]:
    """What `encoder` needs: the tokenizer in the library's own JSON, and where texts are cut."""
    return {"tokenizer": tokenizer.to_str(), "max_length": params.max_length}


def raw_examples_of(corpus: Corpus) -> dict[str, str]:
    """The first texts of test by their place."""
    short = (item for item in corpus.splits["test"] if len(item.text) <= LONGEST_EXAMPLE)
    return {item.place: item.text for item in islice(short, RAW_EXAMPLES)}


def encoder(state: Mapping[str, Any]) -> Callable[[Any], NDArray[np.int64]]:
    """`encode(text) -> int64[tokens]`. A text without any token is one unknown token, as in training."""
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer, max_length = Tokenizer.from_str(state["tokenizer"]), int(state["max_length"])

    def encode(text: Any) -> NDArray[np.int64]:
        if not isinstance(text, str):
            raise DataError(f"'text' is {type(text).__name__} and no text: give a sentence.")
        if not text.strip():
            raise DataError("'text' is empty: give a sentence.")
        ids = tokenizer.encode(whole(text)).ids
        return np.array(ids[:max_length] or [UNKNOWN], dtype=np.int64)

    return encode


SERVING = Serving("text", encoder, about="a text in plain words; of a long one only the beginning is read")
