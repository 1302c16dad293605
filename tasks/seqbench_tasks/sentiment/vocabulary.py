"""Texts → token numbers: a vocabulary from train only, by the tokenizers library."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

from seqbench import Classes, SequenceSet, TaskData, Tokens, track
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.serving import UNKNOWN as UNKNOWN_TOKEN
from seqbench_tasks.sentiment.serving import raw_examples_of, state_of
from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""Tokens 0 and 1."""
BEGIN_OF_WORD = "\N{LOWER ONE EIGHTH BLOCK}"
"""Before each word, as a letter of it. The library's own suffix is numbered in an order that differs between runs."""
SHOWN_CHARACTERS = 200
"""Of a text beside its prediction: NumPy gives every string of an array the room of the longest."""
SHOWN_IN_ALL = 20_000_000
"""Characters of all the texts of a split that are kept (80 MB): larger splits keep less of each."""
CHUNK = 1000
"""Texts encoded at a time: the library's own results are many times the size of the numbers."""


def make_tokenizer(texts: list[str], params: SentimentParams) -> Tokenizer:
    """A tokenizer of lower-cased words and punctuation marks, or of parts of them, learned from `texts`.

    `word`: the vocabulary is what the texts have. `bpe`: byte-pair encoding within words (Sennrich et al. 2016), whose
    letters are those of the texts. Ties in frequency are broken in alphabetical order, so the same texts give the same
    numbers.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    settings: dict[str, Any] = {
        "vocab_size": params.vocabulary_size,
        "min_frequency": params.min_frequency,
        "special_tokens": [PADDING, UNKNOWN],
        "show_progress": False,
    }
    trainer: Any
    if params.tokenizer == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        trainer = trainers.BpeTrainer(**settings, **_alphabet(texts, params.vocabulary_size // 2))
    else:
        tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        trainer = trainers.WordLevelTrainer(**settings)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if params.tokenizer == "bpe":
        begin = pre_tokenizers.Metaspace(replacement=BEGIN_OF_WORD, prepend_scheme="always", split=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), begin])
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _alphabet(texts: list[str], size: int) -> dict[str, Any]:
    """For more letters than `size`: the most frequent, ties by the alphabet (the library's own choice is by chance)."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(unicodedata.normalize("NFKC", text).lower()))
    if len(counts) < size:
        return {}
    letters = sorted((letter for letter in counts if not letter.isspace()), key=lambda item: (-counts[item], item))
    kept = [BEGIN_OF_WORD, *letters[: max(1, size - 1)]]
    return {"initial_alphabet": kept, "limit_alphabet": len(kept)}


def task_data(corpus: Corpus, params: SentimentParams) -> TaskData:
    """All splits as token numbers; a text without any token is one unknown token."""
    return task_data_of(corpus, params)[0]


def task_data_of(corpus: Corpus, params: SentimentParams) -> tuple[TaskData, Tokenizer]:
    """The same, and the tokenizer that train gave."""
    from seqbench_tasks.sentiment.vectors import read_vectors

    tokenizer = make_tokenizer([item.text for item in corpus.splits["train"]], params)
    size = tokenizer.get_vocab_size()
    notes: dict[str, Any] = {**corpus.notes, "vocabulary": size, "tokenizer": params.tokenizer, "cut": {}}
    splits = {}
    for name in SPLITS:
        encoded, notes["cut"][name] = _encoded(tokenizer, corpus.splits[name], name, params.max_length)
        splits[name] = _sequence_set(encoded, corpus, name)
    vectors = None
    if params.embeddings is not None:
        vectors, notes["embeddings"] = read_vectors(params.embeddings, tokenizer.get_vocab())
    data = TaskData(
        input=Tokens(size, vectors),
        output=Classes(corpus.labels),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        notes={**notes, **_facts(corpus, splits)},
        state=state_of(tokenizer, params),
        raw_examples=raw_examples_of(corpus),
    )
    return data, tokenizer


def _encoded(
    tokenizer: Tokenizer, items: list[LabelledText], name: str, max_length: int
) -> tuple[list[NDArray[np.int32]], int]:
    """The numbers of each text, at most `max_length`, and how many texts were cut."""
    import numpy as np

    found: list[NDArray[np.int32]] = []
    cut = 0
    begins = range(0, len(items), CHUNK)
    for begin in track(begins, f"numbering the tokens of {name}", len(begins)):
        for item in tokenizer.encode_batch_fast([item.text for item in items[begin : begin + CHUNK]]):
            ids = item.ids
            cut += len(ids) > max_length
            found.append(np.array(ids[:max_length] or [UNKNOWN_TOKEN], dtype=np.int32))
    return found, cut


def _sequence_set(encoded: list[NDArray[np.int32]], corpus: Corpus, name: str) -> SequenceSet:
    """A split; its examples keep the beginning of their text, for whoever reads them."""
    import numpy as np

    items = corpus.splits[name]
    numbers = {label: number for number, label in enumerate(corpus.labels)}
    targets = np.array([numbers[item.label] for item in items], dtype=np.int64)
    shown = max(1, min(SHOWN_CHARACTERS, SHOWN_IN_ALL // max(1, len(items))))
    texts = [" ".join(item.text[: 4 * shown].split())[:shown] for item in items]
    extras = {"text": np.array(texts, dtype=np.str_)}
    return SequenceSet.from_sequences(encoded, targets, [item.place for item in items], extras)


def _facts(corpus: Corpus, splits: dict[str, SequenceSet]) -> dict[str, Any]:
    import numpy as np

    facts: dict[str, Any] = {"classes": {}, "lengths": {}, "unknown_part": {}}
    for name, split in splits.items():
        if not len(split):
            continue
        counts = np.bincount(split.targets, minlength=len(corpus.labels))
        facts["classes"][name] = dict(zip(corpus.labels, map(int, counts), strict=True))
        places = np.percentile(split.lengths, [0, 50, 95, 100])
        facts["lengths"][name] = dict(zip(("min", "median", "p95", "max"), map(float, places), strict=True))
        facts["unknown_part"][name] = float((split.values == 1).mean())
    return facts
