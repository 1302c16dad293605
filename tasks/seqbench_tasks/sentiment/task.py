"""The sentiment task: the class of a text from its tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import Classes, Output, TaskData, TaskSpec
from seqbench_tasks.classification import METRICS, correct, logistic_regression, majority
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.serving import SERVING
from seqbench_tasks.sentiment.texts import counted

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from seqbench import SequenceSet
    from seqbench_tasks.classification import Predictor


def prepare(source: str, params: SentimentParams, cache: Path) -> TaskData:
    """Read or write the texts, and number their tokens by a vocabulary from train.

    source: `"builtin"` (reviews from a grammar), a file, a folder, or a glob pattern. Raises DataError for a
    source that cannot be used.
    """
    from seqbench_tasks.sentiment.corpus import read_corpus
    from seqbench_tasks.sentiment.vocabulary import task_data

    return task_data(read_corpus(source, params), params)


def fetch_from_hub(rest: str, params: SentimentParams, folder: Path) -> Path:
    """`hf:OWNER/NAME[:CONFIG]`: see `seqbench_tasks.sentiment.hub.fetch`."""
    from seqbench_tasks.sentiment.hub import fetch

    return fetch(rest, params, folder)


def vocabulary_is_trains(source: str, params: SentimentParams, cache: Path) -> str:
    """The vocabulary does not depend on validation and test."""
    from seqbench_tasks.sentiment import sentinels

    return sentinels.vocabulary_is_trains(source, params, cache)


def no_text_in_two_splits(source: str, params: SentimentParams, cache: Path) -> str:
    """No text is in two splits."""
    from seqbench_tasks.sentiment import sentinels

    return sentinels.no_text_in_two_splits(source, params, cache)


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


def show(data: TaskData, split: SequenceSet, index: int) -> str:
    """An example's label and the beginning of its text."""
    assert isinstance(data.output, Classes)
    return f"[{data.output.labels[int(split.targets[index])]}] {split.extras['text'][index]}"


def suffix(changed: Mapping[str, Any]) -> str:
    """`[key=value,...]`, a file of vectors by its name alone."""
    parts = (
        f"{key}={Path(value).name if key == 'embeddings' else _short(value)}" for key, value in sorted(changed.items())
    )
    return f"[{','.join(parts)}]" if changed else ""


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def describe(data: TaskData) -> str:
    """One paragraph: classes, sizes, vocabulary, and what was left out."""
    sizes = f"train {len(data.train)}, validation {len(data.validation)}, test {len(data.test)}"
    notes = data.notes
    told = [f"{data.output.size} classes, split {notes['split']}: {sizes}; {notes['vocabulary']} tokens."]
    if found := notes.get("embeddings"):
        told.append(
            f"{found['coverage']:.1%} of them have a vector of {found['file']} ({found['dimensions']} numbers)."
        )
    if notes.get("columns_are_named"):
        columns = f"column '{notes['text_column']}', the label column '{notes['label_column']}'"
        told.append(f"The text is {columns}, of {counted(notes['rows'], 'row')}.")
    if notes.get("dedupe"):
        removed = [(notes[f"removed_from_{name}"], name) for name in ("train", "validation")]
        parts = ", ".join(f"{number} from {name}" for number, name in removed if number) or "none"
        told.append(f"Texts removed as duplicates of a later split's: {parts}.")
    if notes["dropped"]:
        told.append(f"Left out: {counted(notes['dropped_rows'], 'row')} ({notes['dropped'][0]}).")
    # Not with a capital: some begin with the name of a file.
    told += [f"Note: {warning}." for warning in notes.get("warnings", ())]
    return " ".join(told)


SPEC = TaskSpec(
    name="sentiment",
    prepare=prepare,
    input_kind="tokens",
    metrics=METRICS,
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
    example_scores=correct,
    predictions=predictions,
    describe=describe,
    show=show,
    fetchers={"hf": fetch_from_hub},
    file_params=("embeddings",),
    training_params=("word_dropout",),
    sidecars=("mapping.txt", "*labels.txt"),
    suffix=suffix,
    sentinels={"vocabulary_is_trains": vocabulary_is_trains, "no_text_in_two_splits": no_text_in_two_splits},
    distributions=("charset-normalizer", "datasets", "tokenizers"),
    serving=SERVING,
    about="The class of a text from its tokens (reviews from a grammar, your own files, or data sets of the hub).",
)
