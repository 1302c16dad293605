"""The sentiment task: the class of a text from its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import Output, SequenceSet, TaskData, TaskSpec
from seqbench_tasks.classification import accuracy, logistic_regression, macro_f1, majority
from seqbench_tasks.sentiment.params import SentimentParams

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from seqbench_tasks.classification import Predictor


def prepare(source: str, params: SentimentParams, cache: Path) -> TaskData:
    """Read or write the texts, and number their tokens by a vocabulary from train.

    source: `"builtin"` (reviews from a grammar), a file, or a folder with train, validation and test files.
    cache: a folder for the `datasets` library's own files. Raises DataError for a source that cannot be used.
    """
    from seqbench_tasks.sentiment.files import read_source
    from seqbench_tasks.sentiment.vocabulary import task_data

    corpus = _builtin(params) if source == "builtin" else read_source(Path(source), params, cache)
    return task_data(corpus, params)


def _builtin(params: SentimentParams) -> Any:
    from seqbench_tasks.sentiment.grammar import LABELS, write_reviews
    from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText

    written = write_reviews(params.reviews, params.grammar_seed)
    splits = {
        name: [
            LabelledText(text, LABELS[label], f"{name}:{row}")
            for row, (text, label) in enumerate(zip(*part, strict=True))
        ]
        for name, part in zip(SPLITS, written, strict=True)
    }
    return Corpus(splits, LABELS, {"split": "by the grammar", "dropped": []})


def tfidf_logistic_regression(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """Logistic regression on TF-IDF of single tokens and pairs: what is said, nearly without order."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    def words(tokens: Any) -> list[str]:
        numbers = [str(token) for token in tokens]
        return numbers + [f"{first} {second}" for first, second in pairwise(numbers)]

    def documents(split: SequenceSet) -> list[Any]:
        return [split.example(index) for index in range(len(split))]

    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit(documents(train))
    return logistic_regression(lambda split: vectorizer.transform(documents(split)), train, validation, output)


def augment(
    x: torch.Tensor, lengths: torch.Tensor, generator: torch.Generator, params: SentimentParams
) -> torch.Tensor:
    """Training tokens `x: long[batch, time]`, a part of them (word_dropout) made unknown; off, it does nothing."""
    import torch

    if not params.word_dropout:
        return x
    hidden = torch.rand(x.shape, generator=generator, device=x.device) < params.word_dropout
    return x.masked_fill(hidden & (x != 0), 1)


def predictions(outputs: NDArray[np.float64], split: SequenceSet) -> Mapping[str, NDArray[Any]]:
    """The beginning of each text, beside its prediction."""
    return {"text": split.extras["text"]}


def describe(data: TaskData) -> str:
    """One paragraph: classes, sizes, vocabulary, and what was left out."""
    sizes = f"train {len(data.train)}, validation {len(data.validation)}, test {len(data.test)}"
    notes = data.notes
    removed = notes.get("removed_from_train", 0)
    texts = f" {removed} texts of train that are held out too were removed." if removed else ""
    dropped = f" {len(notes['dropped'])} rows were left out: {notes['dropped'][0]}." if notes["dropped"] else ""
    return f"{data.output.size} classes, split {notes['split']}: {sizes}; {notes['vocabulary']} tokens.{texts}{dropped}"


SPEC = TaskSpec(
    name="sentiment",
    prepare=prepare,
    input_kind="tokens",
    metrics={"accuracy": accuracy, "macro_f1": macro_f1},
    primary="accuracy",
    higher_is_better=True,
    loss="cross_entropy",
    params=SentimentParams,
    baselines={"majority": majority, "tfidf_logistic_regression": tfidf_logistic_regression},
    # Without warm-up and a small bound on the gradient, the Elman network is thrown back to chance now and then at a
    # rate that serves the gated models.
    trainer={
        "max_epochs": 10,
        "min_epoch_steps": 60,
        "patience": 4,
        "batch_size": 32,
        "learning_rate": 3e-3,
        "warmup_steps": 400,
        "clip_norm": 0.25,
        "weight_decay": 0.1,
    },
    model_defaults={"parameter_budget": 60_000, "dropout": 0.3, "embedding_size": 64},
    augment=augment,
    predictions=predictions,
    describe=describe,
    distributions=("datasets", "tokenizers"),
    about="The class of a text from its tokens (reviews from a grammar, or your own CSV, TSV, JSON lines, parquet).",
)
