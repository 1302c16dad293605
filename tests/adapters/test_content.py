"""Data in memory, however it is given: read whole, and known by all of its content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench import DataError, SpecError, TaskData, TaskSpec, task_from_dataset, task_from_datasets
from seqbench.params import dump, validate

CACHE = Path()
SEQUENCES = [np.arange(4.0) + n for n in range(40)]
LABELS = [n % 2 for n in range(40)]
PAIRS = list(zip(SEQUENCES, LABELS, strict=True))


def load() -> list[Any]:
    return PAIRS


def prepared(task: TaskSpec, **params: Any) -> TaskData:
    return task.prepare("builtin", validate(task.params, params, f"tasks.{task.name}"), CACHE)


def content(task: TaskSpec) -> str:
    return str(dump(task.params, validate(task.params, {}, "tasks.t"))["content"])


def ids(data: TaskData) -> list[str]:
    return sorted(str(name) for split in (data.train, data.validation, data.test) for name in split.ids)


def generated() -> Iterator[Any]:
    yield from PAIRS


@pytest.mark.parametrize("make", [lambda: zip(SEQUENCES, LABELS, strict=True), lambda: iter(PAIRS), generated])
def test_what_is_read_once_is_read_whole(make: Any) -> None:
    """A zip, an iterator or a generator gives all of its examples, each time, and is known by them as a list is."""
    task = task_from_dataset("t", make())
    assert content(task_from_dataset("t", PAIRS)) == content(task)
    assert ids(prepared(task)) == ids(prepared(task)) == sorted(f"train-{n}" for n in range(40))
    given = task_from_dataset("t", PAIRS, make(), version="1")
    assert (40, 40) == (len(prepared(given).test), len(prepared(given).test))


def test_columns_that_are_read_once_are_read_whole() -> None:
    """Rows of a generator, as a split by name, too."""
    rows = ({"text": f"{'good' if label else 'bad'} film", "label": label} for label in LABELS)
    task = task_from_datasets("t", {"train": rows})
    assert ids(prepared(task)) == ids(prepared(task)) == sorted(f"train-{n}" for n in range(40))


def test_splits_by_name() -> None:
    """A mapping of data sets, or of functions, is the splits; validation and test may stand beside it, once each."""
    task = task_from_dataset("t", {"train": PAIRS, "val": PAIRS[:6], "test": zip(SEQUENCES[:4], LABELS, strict=False)})
    data = prepared(task)
    assert (40, 6, 4) == (len(data.train), len(data.validation), len(data.test))
    assert 5 == len(prepared(task_from_dataset("t", {"train": PAIRS}, PAIRS[:5])).test)
    functions = task_from_dataset("t", {"train": load, "test": load}, input="dense", output="classes")
    assert 40 == len(prepared(functions).test)
    with pytest.raises(SpecError, match="task 't' has two test splits"):
        task_from_dataset("t", {"train": PAIRS, "test": PAIRS}, PAIRS)
    with pytest.raises(SpecError, match="has no split 'train', only 'a', 'b'"):
        task_from_dataset("t", {"a": PAIRS, "b": PAIRS})
    with pytest.raises(SpecError, match="its test data is a mapping"):
        task_from_dataset("t", PAIRS, {"test": PAIRS})


def test_a_change_in_place_is_seen_wherever_it_is() -> None:
    """Whichever example is replaced, or written to, the content is another one, and the data is used as it is now."""
    alive = [(sequence.copy(), label) for sequence, label in PAIRS]
    task = task_from_dataset("t", alive)
    seen = [content(task)]
    for place in range(40):
        alive[place] = (alive[place][0] * 3 + 1, alive[place][1])
        seen.append(content(task))
        alive[place][0][2] += 1e-9
        seen.append(content(task))
    assert 81 == len(set(seen))
    assert 40 == len(ids(prepared(task)))


def test_data_in_memory_counts_beside_a_function(tmp_path: Path) -> None:
    """A test split in memory is known by its content, whatever gives train, and so are the files that are named."""
    file = tmp_path / "notes.txt"
    file.write_text("one")

    def task(test: Any, *files: str) -> TaskSpec:
        return task_from_dataset("t", load, test, input="dense", output="classes", files=files)

    other = [(PAIRS[0][0] + 1, 0), *PAIRS[1:]]
    assert content(task(PAIRS)) == content(task(PAIRS[:])) != content(task(other))
    first = content(task(PAIRS, str(file)))
    assert 3 == len({content(task(PAIRS)), first, content(task(other, str(file)))})
    file.write_text("two!")
    assert first != content(task(PAIRS, str(file)))
    assert 40 == len(prepared(task(PAIRS, str(file))).test)
    turned = task_from_dataset("t", PAIRS, load, input="dense", output="classes")
    assert content(turned) != content(task_from_dataset("t", other, load, input="dense", output="classes"))
    with pytest.raises(DataError, match="not what the run was planned with"):
        prepared(turned, content="another")
