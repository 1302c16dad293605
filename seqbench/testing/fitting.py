"""The check that a task fits scalers and vocabularies on train alone.

From a source of files the task prepares again, with what only the test split holds changed: train must stay as it is to
the last byte. From its own data it cannot, but a scaler that was fitted on all of it gives itself away: all examples
together have mean 0 and standard deviation 1 (or reach from 0 to 1), and those of train alone have not.
"""

from __future__ import annotations

import contextlib
import math
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqbench.describe import splits_of
from seqbench.errors import SeqbenchError
from seqbench.sources import BUILTIN, is_there, walk_files
from seqbench.spec import Forecast, TaskData, Tokens
from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.identity import differing
from seqbench.testing.subjects import TaskSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.sequences import SequenceSet

NEAR_AND_OFF = ((1e-4, 1e-3), (1e-2, 1e-1))
"""How near to 0 and 1 all examples are where a scaler made them so, and how far off train is then.

A scaler is often fitted on a few more steps than are inputs: then all are less near, and train must be far off.
"""
REACHED, SHORT = 1e-6, 1e-4
"""The same of a smallest and largest value."""
FACTOR = 1.37
"""By which numbers of a changed row are multiplied."""
CHANCE = 1e-3
"""That all rows which were changed are train's, where a row is of train by chance."""
ENOUGH_OF_TEST = 4
"""Rows of test's own files: some may be duplicates of rows that train has lost to them."""
PATIENCE_SECONDS = 10.0
LARGEST_BYTES = 1 << 24
NUMBER = re.compile(r"-?\d+\.\d+")
WORD = re.compile(r"[^\W\d_]{4,}")
FIELD = re.compile(r"[^\t,;|]+")


def fitted_on_train_only(subject: TaskSubject) -> str:
    """By a changed source where there is one that can be changed, else by what the prepared values are."""
    told = _by_changes(subject) if _can_be_changed(subject) else ""
    if told:
        return told
    data = subject.data
    if isinstance(data.input, Tokens):
        outside = _only_outside(data)
        if outside <= 1:  # the one may be that of unknown words
            return f"all but {outside} tokens are in train" if outside else "every token is in train"
        raise InapplicableError(
            f"{outside} of {data.input.vocabulary} tokens are not in train: whether by a vocabulary of all splits "
            "cannot be told from the task's own data (try --data, or give the task a sentinel)"
        )
    problem = _by_statistics(data)
    if problem:
        raise UnmetError(problem)
    return "values of train, and of all splits"


def _only_outside(data: TaskData) -> int:
    seen = {name: np.unique(split.values) for name, split in splits_of(data).items() if len(split)}
    others = np.concatenate([tokens for name, tokens in seen.items() if name != "train"])
    return len(np.setdiff1d(others, seen["train"]))


def _by_statistics(data: TaskData) -> str:
    splits = [split for split in splits_of(data).values() if len(split)]
    for counted in ("once", "as often as it is used"):
        train, every = (_columns(parts, counted) for parts in (splits[:1], splits))
        problem = _scaled_by_all(train, every, "feature")
        if problem:
            return f"{problem} (each step counted {counted})"
    if isinstance(data.output, Forecast):
        targets = [np.asarray(split.targets, dtype=np.float64) for split in splits]
        ones = [np.ones(len(part)) for part in targets]
        return _scaled_by_all((targets[0], ones[0]), (np.concatenate(targets), np.concatenate(ones)), "target")
    return ""


def _columns(splits: list[SequenceSet], counted: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`(values: [steps, features], weights: [steps])` of the steps of examples; a buffer that splits share is one."""
    buffers: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for split in splits:
        values = np.asarray(split.values, dtype=np.float64)
        edges = np.zeros(len(values) + 1)
        np.add.at(edges, np.asarray(split.starts), 1)
        np.add.at(edges, np.asarray(split.starts + split.lengths), -1)
        uses = edges[:-1].cumsum()
        before = buffers.get(id(split.values))
        buffers[id(split.values)] = (values, uses if before is None else before[1] + uses)
    values = np.concatenate([values for values, _ in buffers.values()])
    uses = np.concatenate([uses for _, uses in buffers.values()])
    return values, np.minimum(uses, 1.0) if counted == "once" else uses


def _scaled_by_all(
    train: tuple[NDArray[np.float64], NDArray[np.float64]],
    every: tuple[NDArray[np.float64], NDArray[np.float64]],
    what: str,
) -> str:
    """The problem, if a column was scaled by the statistics of all splits and not by those of train."""
    (train_mean, train_sd), (mean, sd) = _moments(*train), _moments(*every)
    off, train_off = (np.maximum(np.abs(m), np.abs(s - 1)) for m, s in ((mean, sd), (train_mean, train_sd)))
    for place in np.flatnonzero(np.any([(off < near) & (train_off > far) for near, far in NEAR_AND_OFF], axis=0)):
        return (
            f"{what} {place} has mean {mean[place]:.3f} and standard deviation {sd[place]:.3f} over all splits, and "
            f"{train_mean[place]:.3f} and {train_sd[place]:.3f} over train: its scaler was fitted on all of them"
        )
    (train_low, train_high), (low, high) = _range(*train), _range(*every)
    for smallest in (0.0, -1.0):
        is_scaled = (np.abs(low - smallest) < REACHED) & (np.abs(high - 1) < REACHED)
        is_off = (train_low - low > SHORT) | (high - train_high > SHORT)
        for place in np.flatnonzero(is_scaled & is_off):
            return (
                f"{what} {place} reaches from {smallest:g} to 1 over all splits, and from {train_low[place]:.3g} to "
                f"{train_high[place]:.3g} over train: its scaler was fitted on all of them"
            )
    return ""


def _moments(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    mean = np.average(values, axis=0, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))


def _range(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    used = values[weights > 0]
    return used.min(0), used.max(0)


def _can_be_changed(subject: TaskSubject) -> bool:
    """Is its source of files that are quickly copied and prepared?"""
    source = Path(subject.source)
    if subject.source == BUILTIN or not is_there(source) or 2 * subject.seconds > PATIENCE_SECONDS:
        return False
    files = walk_files(source) if source.is_dir() else [source]
    return sum(file.stat().st_size for file in files) <= LARGEST_BYTES


def _by_changes(subject: TaskSubject) -> str:
    """Change one row after the other, of test's own files where it has some, until one leaves train as it is.

    Empty where no row could be found whose change tells anything.
    """
    begin, tried, data = time.perf_counter(), 0, subject.data
    for what, needed, other in _prepared_again(subject):
        change = "the vocabulary" if data.input != other.input else differing(data.train, other.train)
        if not change and differing(data.test, other.test):
            return f"train is the same with {what} changed"
        tried += bool(change)
        if tried >= needed:
            raise UnmetError(f"{change} of train changes with each of {tried} rows of the source, {what} for one")
        if time.perf_counter() - begin > PATIENCE_SECONDS:
            break
    return ""


def _probes_needed(data: TaskData) -> int:
    """So many rows of train or test that one is of test, but for chance."""
    part = min(0.99, max(0.01, len(data.train) / (len(data.train) + len(data.test))))
    return math.ceil(math.log(CHANCE) / math.log(part))


def _prepared_again(subject: TaskSubject) -> Iterator[tuple[str, int, TaskData]]:
    """What was changed, how many such changes are needed, and what is prepared then."""
    source = Path(subject.source)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        for file in walk_files(source) if source.is_dir() else [source]:
            place = copy / file.relative_to(source)  # of a file itself: the copy
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        files = walk_files(copy) if copy.is_dir() else [copy]
        texts = {file: text for file in files if (text := _text_of(file)) is not None}
        own = {file: text for file, text in texts.items() if "test" in file.relative_to(copy).as_posix().lower()}
        needed = ENOUGH_OF_TEST if own and len(own) < len(texts) else _probes_needed(subject.data)
        for file, lines, row in _rows(own if len(own) < len(texts) and own else texts):
            file.write_text("".join([*lines[:row], _changed(lines[row]), *lines[row + 1 :]]), encoding="utf-8")
            with contextlib.suppress(SeqbenchError):
                yield f"row {row + 1} of {file.name}", needed, subject.prepare(str(copy))
            file.write_text("".join(lines), encoding="utf-8")


def _rows(texts: dict[Path, str]) -> Iterator[tuple[Path, list[str], int]]:
    """Rows that can be changed: the last of each file, then any."""
    random = np.random.default_rng(0)
    split = {file: text.splitlines(keepends=True) for file, text in texts.items()}
    rows = {
        file: [place for place, line in enumerate(lines) if place and _changed(line) != line]
        for file, lines in split.items()
    }
    for file, places in rows.items():
        if places:
            yield file, split[file], places[-1]
    every = [(file, place) for file, places in rows.items() for place in places]
    for number in random.permutation(len(every)):
        file, place = every[number]
        yield file, split[file], place


def _text_of(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None


def _changed(line: str) -> str:
    """A row with its decimal numbers multiplied, or else the longest word of its longest field another one."""
    if NUMBER.search(line):
        return NUMBER.sub(lambda found: f"{float(found[0]) * FACTOR:.6f}", line)
    field = max(FIELD.findall(line), key=len, default="")
    word = max(WORD.findall(field), key=len, default="")
    return line.replace(word, f"{word[::-1]}q", 1) if word else line
