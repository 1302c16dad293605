"""What is asked for is the next character, n-grams are what they are said to be, and the task conforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seqbench_charlm import bits, load, ngram, seqbench_tasks

from seqbench import DataError, TaskData
from seqbench.testing import check_task

TEXT = "the cat sat on the mat. " * 20 + "zebras"


def prepared(text: str, folder: Path, **params: Any) -> TaskData:
    (folder / "text").write_text(text)
    (spec,) = seqbench_tasks()
    return spec.prepare(str(folder / "text"), spec.params(**params), folder)


def test_the_target_is_the_next_character(tmp_path: Path) -> None:
    """A window's target is the character after it, in its own split, and the splits are the text in its order."""
    (tmp_path / "text").write_text(TEXT)
    part = len(TEXT) // 10
    ends = (0, len(TEXT) - 2 * part, len(TEXT) - part, len(TEXT))
    for split, begin, end in zip(load(str(tmp_path / "text"), window=5, stride=1), ends, ends[1:], strict=False):
        expected = [(TEXT[place - 5 : place], TEXT[place]) for place in range(begin + 5, end)]
        assert expected == [("".join(window), target) for window, target in split]


def test_ngrams_are_those_of_witten_and_bell(tmp_path: Path) -> None:
    """After an `a` a bigram weighs what was seen by its count, and the unigram by how many kinds were seen."""
    data = prepared("abac" * 30, tmp_path, window=2, stride=1)
    train, size = data.train, data.output.size
    unigram = (np.bincount(train.targets, minlength=size) + 3 / size) / (len(train) + 3)
    lasts = np.array([train.example(place)[-1] for place in range(len(train))])
    after_a = lasts == np.bincount(lasts).argmax()
    counts = np.bincount(train.targets[after_a], minlength=size)
    expected = (counts + 2 * unigram) / (counts.sum() + 2)
    predicted = np.exp(ngram(1, train, data.validation, data.output)(train)[after_a][0])
    np.testing.assert_allclose(predicted, expected)


def test_bits_of_an_even_guess(tmp_path: Path) -> None:
    """Who gives each of the characters the same chance needs log2 of their number bits for each."""
    data = prepared(TEXT, tmp_path)
    even = np.zeros((len(data.test), data.output.size))
    np.testing.assert_allclose(np.log2(data.output.size), bits(even, data.test))


@pytest.mark.parametrize("content", [b"", b"too short", "sch\u00f6n".encode("latin-1") * 1000])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Too little of it, or another encoding, is told in one sentence."""
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(DataError, match=r"text has no 330 characters of UTF-8 text: give more"):
        load(str(tmp_path / "text"))


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [finding for finding in check_task("charlm").findings if finding.status == "failed"]
