"""The sentiment task: every format gives the same data, the vocabulary is train's, and word order decides."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from seqbench import DataError, SequenceSet, TaskData
from seqbench_tasks.sentiment.grammar import MAX_WORDS, MIN_WORDS, Clause, Writer, write_reviews
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.task import SPEC, augment, describe

ROWS = [
    (f'{"good" if label == "pos" else "bad"} thing number {number} , "quoted" !', label)
    for number in range(60)
    for label in ("pos", "neg")
]


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> TaskData:
    return SPEC.prepare("builtin", SentimentParams(), tmp_path_factory.mktemp("cache"))


def prepare(source: Path, **params: Any) -> TaskData:
    return SPEC.prepare(str(source), SentimentParams(**params), source.parent / "cache")


def write(path: Path, rows: list[tuple[str, str]], header: tuple[str, str] | None = ("text", "label")) -> Path:
    """Rows as the file's ending says; `header` None writes none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = header or ("text", "label")
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
            writer.writerows([header, *rows] if header else rows)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows) + "\n")
    else:
        pd.DataFrame(rows, columns=list(names)).to_parquet(path)
    return path


def same(one: SequenceSet, two: SequenceSet) -> bool:
    return np.array_equal(one.values, two.values) and np.array_equal(one.targets, two.targets)


def test_the_embedded_reviews_are_as_promised(builtin: TaskData) -> None:
    """Reviews have 5 to 60 words, both labels about as often, and no text is there twice in all splits."""
    splits = write_reviews((300, 50, 50), 0)
    texts = [text for part, _ in splits for text in part]
    assert 400 == len(set(texts))
    assert all(MIN_WORDS <= len(text.split()) <= MAX_WORDS for text in texts)
    assert (2400, 400, 800) == (len(builtin.train), len(builtin.validation), len(builtin.test))
    assert 0.4 < builtin.test.targets.mean() < 0.6
    assert ("negative", "positive") == builtin.output.labels  # type: ignore[union-attr]


def test_the_embedded_reviews_follow_the_seed(tmp_path: Path, builtin: TaskData) -> None:
    """The same seed writes the same reviews, another seed others."""
    again = SPEC.prepare("builtin", SentimentParams(), tmp_path)
    other = SPEC.prepare("builtin", SentimentParams(grammar_seed=1), tmp_path)
    assert same(builtin.train, again.train)
    assert not same(builtin.train, other.train)


def test_word_order_decides() -> None:
    """The same two clauses round the same "but" say the opposite when they change places."""
    praise, blame = Clause("the bed was good", 1.0), Clause("the soup was cold", -1.0)
    found: dict[tuple[str, ...], float] = {}
    for order in ((praise, blame), (blame, praise)):
        writer = Writer(np.random.default_rng(14))
        clauses = iter(order)
        writer.statement = lambda *_, clauses=clauses: next(clauses)  # type: ignore[method-assign]
        sentence = writer.sentence("hotel", ["a", "b"])
        assert any(word in sentence.words for word in ("but", "yet", "however", "still"))
        found[tuple(sorted(sentence.words.split()))] = (
            found.get(tuple(sorted(sentence.words.split())), 0) + sentence.value
        )
    assert [0.0] == list(found.values())


def test_a_bag_of_words_does_well_and_not_all(builtin: TaskData) -> None:
    """TF-IDF with logistic regression is far above chance and leaves a fifth to be understood."""
    predict = SPEC.baselines["tfidf_logistic_regression"](builtin.train, builtin.validation, builtin.output)
    score = SPEC.metrics["accuracy"](predict(builtin.test), builtin.test)
    assert 0.65 < score < 0.85


def test_formats_agree(tmp_path: Path) -> None:
    """CSV, TSV, JSON lines and parquet with the same rows give the same data, whatever the order of columns."""
    found = [prepare(write(tmp_path / f"reviews{suffix}", ROWS)) for suffix in (".csv", ".tsv", ".jsonl", ".parquet")]
    swapped = [(label, text) for text, label in ROWS]
    found.append(prepare(write(tmp_path / "swapped.csv", swapped, ("sentiment", "review"))))
    found.append(prepare(write(tmp_path / "bare.tsv", swapped, None)))
    assert ("neg", "pos") == found[0].output.labels  # type: ignore[union-attr]
    for other in found[1:]:
        assert all(same(getattr(found[0], name), getattr(other, name)) for name in ("train", "validation", "test"))


def test_one_file_is_split_by_label(tmp_path: Path) -> None:
    """A single file gives 80/10/10 with each label's share, by the split seed, sorted or not."""
    path = write(tmp_path / "sorted.csv", sorted(ROWS, key=lambda row: row[1]))
    data = prepare(path)
    assert (96, 12, 12) == (len(data.train), len(data.validation), len(data.test))
    assert [6, 6] == np.bincount(data.test.targets).tolist()
    assert set(data.test.ids) != set(prepare(path, split_seed=1).test.ids)
    assert set(data.train.ids).isdisjoint(data.test.ids)


def test_a_folder_has_its_own_splits(tmp_path: Path) -> None:
    """train, dev and test files are the splits; ids name file and row."""
    for name, part in (("train", ROWS[:80]), ("dev", ROWS[80:100]), ("test", ROWS[100:])):
        write(tmp_path / "data" / f"{name}.csv", part)
    data = prepare(tmp_path / "data")
    assert (80, 20, 20) == (len(data.train), len(data.validation), len(data.test))
    assert ("dev.csv:2", "by files") == (data.validation.ids[0], data.notes["split"])


def test_the_vocabulary_is_trains(tmp_path: Path) -> None:
    """Changing the test split changes neither the vocabulary nor train; its new words are unknown."""
    for folder, extra in (("a", "plain"), ("b", "zygomorphic")):
        write(tmp_path / folder / "train.csv", ROWS[:80])
        write(tmp_path / folder / "dev.csv", ROWS[80:100])
        write(tmp_path / folder / "test.csv", [(f"{extra} {text}", label) for text, label in ROWS[100:]])
    one, two = prepare(tmp_path / "a"), prepare(tmp_path / "b")
    assert one.input == two.input
    assert same(one.train, two.train)
    assert 1 == two.test.example(0)[0]
    assert not any(1 in one.train.example(index) for index in range(len(one.train)))


def test_texts_held_out_leave_train(tmp_path: Path) -> None:
    """A text of train that is in test too is counted and taken out of train, unless asked not to."""
    write(tmp_path / "data" / "train.csv", ROWS[:80] + ROWS[100:103])
    write(tmp_path / "data" / "dev.csv", ROWS[80:100])
    write(tmp_path / "data" / "test.csv", ROWS[100:])
    data = prepare(tmp_path / "data")
    assert (80, 3) == (len(data.train), data.notes["duplicates"]["train and test"])
    assert "duplicates of a later split's: 3 from train" in describe(data)
    assert 83 == len(prepare(tmp_path / "data", dedupe=False).train)


def test_vocabulary_and_length_have_limits(tmp_path: Path) -> None:
    """min_frequency, vocabulary_size and max_length are kept; a text without known words is one unknown token."""
    path = write(tmp_path / "reviews.csv", ROWS)
    assert 10 == prepare(path, vocabulary_size=10).input.vocabulary  # type: ignore[union-attr]
    assert prepare(path, min_frequency=50).input.vocabulary < 12  # type: ignore[union-attr]
    assert 3 == prepare(path, max_length=3).train.lengths.max()
    assert prepare(path, min_frequency=50).train.lengths.min() >= 1


def test_incomplete_rows_are_told(tmp_path: Path) -> None:
    """A few rows without text are dropped and named; more than 5 % are an error."""
    data = prepare(write(tmp_path / "few.csv", [*ROWS, ("", "pos"), ("  ", "neg")]))
    assert ["few.csv:122 has no text", "few.csv:123 has no text"] == data.notes["dropped"]
    with pytest.raises(DataError, match="10 incomplete rows of 130"):
        prepare(write(tmp_path / "many.csv", [*ROWS, *[("", "pos")] * 10]))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "x,y\n1,2\n3,4\n", "looks like a text"),
        ("a.csv", "text,label\na b c,1\nd e f,1\n", "one label only"),
        ("a.doc", "text,label\n", "is none of"),
        ("a.csv", b"text,label\n\xff\x00\xe4,1\n", "is no text file"),
        ("a.jsonl", "{'no': json", "cannot be read as json"),
        ("data/readme.md", "hello", "has no train file"),
    ],
)
def test_errors_are_sentences(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    """What cannot be used is one sentence that names the file and says what would do."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=expected) as caught:
        prepare(path.parent if "/" in name else path)
    assert "\n" not in str(caught.value)


def test_a_label_unknown_to_train_is_told(tmp_path: Path) -> None:
    """A label of test that train lacks names the row and the labels there are."""
    write(tmp_path / "data" / "train.csv", ROWS[:80])
    write(tmp_path / "data" / "test.csv", [*ROWS[100:], ("a b c", "meh")])
    with pytest.raises(DataError, match=r"test\.csv:22 has the label 'meh', which train does not have \(neg, pos\)"):
        prepare(tmp_path / "data")


def test_a_named_column_must_exist(tmp_path: Path) -> None:
    """`text_column` and `label_column` win, and are checked."""
    path = write(tmp_path / "a.csv", ROWS, ("one", "two"))
    assert len(prepare(path, text_column="one", label_column="two").train)
    with pytest.raises(DataError, match="no column 'three': it has one, two"):
        prepare(path, text_column="three")


def test_word_dropout_hides_words_only() -> None:
    """A part of the tokens becomes unknown, padding stays, and off it does nothing."""
    x = torch.randint(2, 50, (40, 30))
    x[:, 20:] = 0
    lengths = torch.full((40,), 20)
    hidden = augment(x, lengths, torch.Generator().manual_seed(0), SentimentParams(word_dropout=0.3))
    assert 0.25 < float((hidden[:, :20] == 1).float().mean()) < 0.35
    assert not hidden[:, 20:].any()
    assert torch.equal(x, augment(x, lengths, torch.Generator(), SentimentParams()))


def test_sst2(real_data: Path, tmp_path: Path) -> None:
    """Tab-separated, without header, label first, quotes as text: every sentence is read, two leave train."""
    data = SPEC.prepare(str(real_data / "sentiment" / "sst2"), SentimentParams(dedupe=False), tmp_path)
    assert (6920, 872, 1821) == (len(data.train), len(data.validation), len(data.test))
    assert ("0", "1") == data.output.labels  # type: ignore[union-attr]
    found = data.notes["duplicates"]
    assert (9, 2) == (found["train"], found["train and validation"] + found["train and test"])
