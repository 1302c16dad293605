"""A source's texts: those from the grammar, or those that a file or folder has."""

from __future__ import annotations

from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText


def read_corpus(source: str, params: SentimentParams) -> Corpus:
    """The texts of `builtin`, a file, a folder or a pattern. Raises DataError for a source that cannot be used."""
    from seqbench_tasks.sentiment.files import read_source

    return _written(params) if source == "builtin" else read_source(source, params)


def _written(params: SentimentParams) -> Corpus:
    from seqbench_tasks.sentiment.grammar import LABELS, write_reviews

    written = write_reviews(params.reviews, params.grammar_seed)
    splits = {
        name: [
            LabelledText(text, LABELS[label], f"{name}:{row}")
            for row, (text, label) in enumerate(zip(*part, strict=True))
        ]
        for name, part in zip(SPLITS, written, strict=True)
    }
    return Corpus(splits, LABELS, {"split": "by the grammar", "dropped": []})
