"""Tokens of the sentiment task: learned from train only, words or parts of them, with vectors of one's own."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from seqbench import Classes, DataError, TaskData, Tokens
from seqbench.nn import parameter_count
from seqbench.prepare import load
from seqbench.prepare import prepare as prepare_on_disk
from seqbench_models.lstm import SPEC as LSTM
from seqbench_tasks.sentiment import vocabulary
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.sentinels import vocabulary_is_trains
from seqbench_tasks.sentiment.task import SPEC, describe
from seqbench_tasks.sentiment.texts import Corpus

SMALL: dict[str, Any] = {"reviews": (200, 40, 40)}


def prepare(**params: Any) -> TaskData:
    return SPEC.prepare("builtin", SentimentParams(**{**SMALL, **params}), Path())


def glove(path: Path, words: dict[str, list[float]], head: str = "") -> Path:
    text = head + "".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in words.items())
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_parts_of_words(tmp_path: Path) -> None:
    """Byte-pair encoding keeps its vocabulary's size, knows words that train lacks, and is the same every time."""
    data, again = (prepare(tokenizer="bpe", vocabulary_size=120) for _ in range(2))
    assert (120, "bpe") == (data.input.vocabulary, data.notes["tokenizer"])  # type: ignore[union-attr]
    assert np.array_equal(data.train.values, again.train.values)
    assert data.train.lengths.sum() > prepare().train.lengths.sum()
    params = SentimentParams(tokenizer="bpe", vocabulary_size=18)
    tokenizer = vocabulary.make_tokenizer(["low lower lowest new newer newest"] * 3, params)
    assert 1 not in tokenizer.encode("Ewer sow").ids
    assert ["\N{LOWER ONE EIGHTH BLOCK}lo", "we", "st"] == tokenizer.encode("lowest").tokens


def test_parts_of_words_are_the_same_in_every_process() -> None:
    """The library's hashing begins anew in each process; the merges do not depend on it, nor do few letters."""
    program = (
        "from seqbench_tasks.sentiment.params import SentimentParams as P; "
        "from seqbench_tasks.sentiment.vocabulary import make_tokenizer as m; "
        "t = [f'{a}{b}{c} {c}{a}{b}' for a in 'abcdefgh' for b in 'stuvxyz' for c in 'ijkl']; "
        "print([m(t, P(tokenizer='bpe', vocabulary_size=n)).to_str() for n in (20, 200)])"
    )
    found = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(3)}
    assert 1 == len(found)


@pytest.mark.parametrize("tokenizer", ["word", "bpe"])
def test_the_vocabulary_is_trains(tokenizer: Literal["word", "bpe"]) -> None:
    """The sentinel finds nothing for words and for parts of them, with a real vocabulary or a cut one."""
    for size in (30_000, 60):
        params = SentimentParams(tokenizer=tokenizer, vocabulary_size=size, **SMALL)
        assert not vocabulary_is_trains("builtin", params, Path())


@pytest.mark.parametrize("tokenizer", ["word", "bpe"])
def test_a_leak_is_found(monkeypatch: pytest.MonkeyPatch, tokenizer: Literal["word", "bpe"]) -> None:
    """A vocabulary learned from test too is told by the sentinel in a sentence."""
    honest = vocabulary.task_data_of

    def leaky(corpus: Corpus, params: SentimentParams) -> Any:
        both = [*corpus.splits["train"], *corpus.splits["test"]]
        return honest(replace(corpus, splits={**corpus.splits, "train": both}), params)

    monkeypatch.setattr(vocabulary, "task_data_of", leaky)
    found = vocabulary_is_trains("builtin", SentimentParams(tokenizer=tokenizer, **SMALL), Path())
    assert "learned from train only" in found


def test_vectors_are_those_of_the_file(tmp_path: Path) -> None:
    """GloVe and word2vec files, packed or not, give each word its vector up to one scale, and padding none."""
    words = {"the": [3.0, 4.0, 0.0], "good": [0.0, 0.0, 5.0], "Bad": [5.0, 0.0, 0.0], "zygomorphic": [1.0, 1.0, 1.0]}
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"the good thing {i},1\nthe bad thing {i},0\n" for i in range(30)))
    for name, head in (("glove.txt", ""), ("glove.txt.gz", ""), ("word2vec.txt", "4 3\n")):
        file = glove(tmp_path / name, words, head)
        data = SPEC.prepare(str(path), SentimentParams(embeddings=str(file)), tmp_path)
        assert isinstance(data.input, Tokens)
        assert data.input.vectors is not None
        assert (data.input.vocabulary, 3) == data.input.vectors.shape
        tokens = {str(text): data.train.example(row) for row, text in enumerate(data.train.extras["text"])}
        good, bad = (next(ids for text, ids in tokens.items() if word in text) for word in ("good", "bad"))
        assert data.input.vectors[good[0]] == pytest.approx([0.6, 0.8, 0.0])
        assert data.input.vectors[good[1]] == pytest.approx([0.0, 0.0, 1.0])
        assert data.input.vectors[bad[1]] == pytest.approx([1.0, 0.0, 0.0])
        assert not data.input.vectors[0].any()
        assert data.input.vectors[good[2]].any()
        found = data.notes["embeddings"]
        assert (3, 3, name) == (found["found"], found["dimensions"], found["file"])
        assert found["coverage"] == pytest.approx(3 / (data.input.vocabulary - 2))
        assert name in describe(data)


def test_vectors_change_the_model_and_no_budget(tmp_path: Path) -> None:
    """Prepared data keeps the vectors; a model begins with them, in their size; the budget leaves the table out."""
    random = np.random.default_rng(0)
    file = glove(tmp_path / "g.txt", {word: random.normal(size=20).tolist() for word in ("the", "was", "good", "bad")})
    prepared = prepare_on_disk(SPEC, "builtin", {**SMALL, "embeddings": str(file)}, "vectors-test")
    data = load(Path(prepared.folder))
    plain = prepare_on_disk(SPEC, "builtin", SMALL, "vectors-test-plain")
    assert prepared.fingerprint != plain.fingerprint
    assert isinstance(data.input, Tokens)
    assert data.input.vectors is not None
    models: list[Any] = []
    for given in (data.input, Tokens(data.input.vocabulary)):
        for init in ("default", "normal"):
            torch.manual_seed(0)
            params = LSTM.params(parameter_budget=5000, embedding_size=20, init=init)
            models.append(LSTM.build(given, Classes(("a", "b")), params))
    tables = [model.embedding.weight.detach().numpy() for model in models]
    assert np.array_equal(tables[0], data.input.vectors)
    assert np.array_equal(tables[1], data.input.vectors)
    assert not np.array_equal(tables[0], tables[2])
    counts = [parameter_count(model) for model in models]
    assert counts[0] == counts[2]
    wide = LSTM.build(data.input, Classes(("a", "b")), LSTM.params(parameter_budget=5000, embedding_size=64))
    assert parameter_count(wide) == counts[0]
    x = torch.from_numpy(np.array(data.train.example(0), dtype=np.int64))[None]
    assert not torch.equal(
        models[0].eval()(x, torch.tensor([x.shape[1]])), models[2].eval()(x, torch.tensor([x.shape[1]]))
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("the 1 2\nbad 1\n", "line 2 of .* has 1 numbers where the first has 2"),
        ("the 1 x\n", "line 1 of .* has something other than numbers behind 'the'"),
        ("the nan 1\n", "line 1 of .* not finite"),
        ("qqq 1 2\n", "a vector for no token"),
        (None, "there is no file of vectors"),
    ],
)
def test_vectors_that_cannot_be_used(tmp_path: Path, content: str | None, expected: str) -> None:
    """A file of vectors that is missing, malformed or of another language is told, with its line."""
    path = tmp_path / "v.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=expected):
        prepare(embeddings=str(path))


def test_vectors_are_of_words() -> None:
    """Vectors with tokenizer = bpe is refused; a relative path means the same in every folder."""
    with pytest.raises(ValidationError, match=r"tasks\.sentiment\.tokenizer=word"):
        SentimentParams(embeddings="a.txt", tokenizer="bpe")
    assert Path(SentimentParams(embeddings="a.txt").embeddings or "").is_absolute()


def test_examples_can_be_read() -> None:
    """Every split shows an example as its label and the beginning of its text, at most 200 characters."""
    data = prepare()
    assert SPEC.show is not None
    for split in (data.train, data.validation, data.test):
        assert SPEC.show(data, split, 3).startswith(("[negative] ", "[positive] "))
        assert max(map(len, split.extras["text"])) <= 200


def test_a_tasks_name_is_short() -> None:
    """In a task's id a file of vectors is its name, and other parameters are what they are."""
    assert SPEC.suffix is not None
    assert "[embeddings=g.txt,max_length=9]" == SPEC.suffix({"max_length": 9, "embeddings": "/a/b/g.txt"})
    assert "" == SPEC.suffix({})
