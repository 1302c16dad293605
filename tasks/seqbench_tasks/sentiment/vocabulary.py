"""Texts → token numbers: a vocabulary from train only, by the tokenizers library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqbench import Classes, SequenceSet, TaskData, Tokens
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import SPLITS, Corpus

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""Tokens 0 and 1."""
SHOWN_CHARACTERS = 200
"""Of a text beside its prediction: NumPy gives every string of an array the room of the longest."""


def make_tokenizer(texts: list[str], params: SentimentParams) -> Tokenizer:
    """A tokenizer of lower-cased words and punctuation marks whose vocabulary is what `texts` have.

    Ties in frequency are broken in alphabetical order, so the same texts give the same numbers.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        vocab_size=params.vocabulary_size,
        min_frequency=params.min_frequency,
        special_tokens=[PADDING, UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def task_data(corpus: Corpus, params: SentimentParams) -> TaskData:
    """All splits as token numbers; a text without any token is one unknown token."""
    tokenizer = make_tokenizer([item.text for item in corpus.splits["train"]], params)
    encoded = {name: tokenizer.encode_batch([item.text for item in corpus.splits[name]]) for name in SPLITS}
    splits = {name: _sequence_set(encoded[name], corpus, name, params) for name in SPLITS}
    cut = {name: sum(len(item.ids) > params.max_length for item in encoded[name]) for name in SPLITS}
    notes = {**corpus.notes, "vocabulary": tokenizer.get_vocab_size(), "cut": cut, **_facts(corpus, splits)}
    return TaskData(
        input=Tokens(tokenizer.get_vocab_size()),
        output=Classes(corpus.labels),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        notes=notes,
    )


def _sequence_set(encoded: list[Encoding], corpus: Corpus, name: str, params: SentimentParams) -> SequenceSet:
    """A split; test's examples keep their text, for whoever reads the predictions."""
    import numpy as np

    items = corpus.splits[name]
    numbers = {label: number for number, label in enumerate(corpus.labels)}
    sequences = [np.array(item.ids[: params.max_length] or [1], dtype=np.int32) for item in encoded]
    targets = np.array([numbers[item.label] for item in items], dtype=np.int64)
    texts = [" ".join(item.text.split())[:SHOWN_CHARACTERS] for item in items]
    extras = {"text": np.array(texts, dtype=np.str_)} if name == "test" else {}
    return SequenceSet.from_sequences(sequences, targets, [item.place for item in items], extras)


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
