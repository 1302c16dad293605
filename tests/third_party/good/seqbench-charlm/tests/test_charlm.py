"""What is asked for is the next character, n-grams are what they are said to be, and the task conforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seqbench_charlm import Params, prepare, seqbench_tasks
from seqbench_charlm.scores import METRICS, ngram

from seqbench import DataError
from seqbench.testing import check_task

TEXT = "the cat sat on the mat. " * 20 + "zebras"


def test_the_target_is_the_next_character(tmp_path: Path) -> None:
    """A window's target is the character after it, in its own split; one that train has not is unknown."""
    (tmp_path / "text").write_text(TEXT)
    data = prepare(str(tmp_path / "text"), Params(window=5, stride=1), tmp_path)
    part = len(TEXT) // 10
    for split, begin, end in (
        (data.train, 0, len(TEXT) - 2 * part),
        (data.validation, len(TEXT) - 2 * part, len(TEXT) - part),
        (data.test, len(TEXT) - part, len(TEXT)),
    ):
        assert [str(place) for place in range(begin + 5, end)] == split.ids.tolist()
        labels = [data.output.labels[target] for target in split.targets]  # type: ignore[union-attr]
        known = set(TEXT[: len(TEXT) - 2 * part])
        assert [repr(TEXT[i]) if TEXT[i] in known else "unknown" for i in range(begin + 5, end)] == labels


def test_ngrams_are_those_of_witten_and_bell(tmp_path: Path) -> None:
    """After an `a` a bigram weighs what was seen by its count, and the unigram by how many kinds were seen."""
    (tmp_path / "text").write_text("abac" * 30)
    data = prepare(str(tmp_path / "text"), Params(window=2, stride=1), tmp_path)
    train, size = data.train, data.output.size
    unigram = (np.bincount(train.targets, minlength=size) + 3 / size) / (len(train) + 3)
    after_a = train.values[train.starts + 1] == 2
    counts = np.bincount(train.targets[after_a], minlength=size)
    expected = (counts + 2 * unigram) / (counts.sum() + 2)
    predicted = np.exp(ngram(1, train, data.validation, data.output)(train)[after_a][0])
    np.testing.assert_allclose(predicted, expected)


def test_an_example_is_shown_as_text() -> None:
    """Whoever looks at an example reads the window and what follows it."""
    (spec,) = seqbench_tasks()
    data = prepare("builtin", Params(window=20), Path())
    assert spec.show is not None
    assert "20: 'Which sequence model' \u2192 ' '" == spec.show(data, data.train, 0)


def test_bits_of_an_even_guess() -> None:
    """Who gives each of the characters the same chance needs log2 of their number bits for each."""
    data = prepare("builtin", Params(), Path())
    even = np.zeros((len(data.test), data.output.size))
    assert np.log2(data.output.size) == pytest.approx(METRICS["bits_per_character"](even, data.test))


@pytest.mark.parametrize("content", [b"", b"too short", "sch\u00f6n".encode("latin-1") * 1000])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Too little of it, or another encoding, is told in one sentence."""
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(DataError, match=r"text has no 330 characters of UTF-8 text: give more"):
        prepare(str(tmp_path / "text"), Params(), tmp_path)


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [finding for finding in check_task("charlm").findings if finding.status == "failed"]
