"""Checks for leaks between the splits, on the very code that prepares them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from seqbench_tasks.sentiment.corpus import read_corpus
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.splits import text_key
from seqbench_tasks.sentiment.texts import SPLITS

STRANGE = "zyxwvut"
"""A word that no text has."""


def vocabulary_is_trains(source: str, params: SentimentParams, cache: Path) -> str:
    """Preparing with every text of validation and test changed must change neither the tokenizer nor train."""
    import numpy as np

    from seqbench_tasks.sentiment.vocabulary import task_data_of

    corpus = read_corpus(source, params)
    strange = {
        name: [replace(item, text=f"{STRANGE} {item.text} {STRANGE}") for item in corpus.splits[name]]
        for name in SPLITS[1:]
    }
    (one, first), (two, second) = (
        task_data_of(replace(corpus, splits={**corpus.splits, **changed}), params) for changed in ({}, strange)
    )
    if first.to_str() != second.to_str():
        return (
            "the vocabulary changes when the texts of validation and test change: it must be learned from train only."
        )
    if not np.array_equal(one.train.values, two.train.values):
        return "the tokens of train change when the texts of validation and test change: they must not."
    return ""


def no_text_in_two_splits(source: str, params: SentimentParams, cache: Path) -> str:
    """No text of one split may be in another, case and white space aside, unless dedupe = false says so."""
    corpus = read_corpus(source, params)
    homes: dict[int, tuple[str, str]] = {}
    for name in SPLITS if params.dedupe else ():
        for item in corpus.splits[name]:
            home, place = homes.setdefault(text_key(item.text), (name, item.place))
            if home != name:
                return f"the text of {item.place} in {name} is that of {place} in {home}: it must be in one split only."
    return ""
