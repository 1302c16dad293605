"""Prepared data is made once per content, read back equal, and made again when damaged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench.cache import prepared_folder
from seqbench.errors import DataError
from seqbench.prepare import load, prepare
from seqbench.registry import discover
from seqbench.sequences import SequenceSet
from seqbench.spec import Classes, Dense, Forecast, TaskData, TaskSpec


@pytest.fixture
def spec(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))
    return discover([toy]).tasks["toy"]


def counting(spec: TaskSpec) -> tuple[TaskSpec, list[int]]:
    calls: list[int] = []

    def counted(source: str, params: Any, cache: Path) -> TaskData:
        calls.append(1)
        return spec.prepare(source, params, cache)

    return replace(spec, prepare=counted), calls


def test_the_second_time_it_is_read(spec: TaskSpec) -> None:
    """The same key prepares once; what is read back equals what was prepared."""
    counted, calls = counting(spec)
    first = prepare(counted, "builtin", {"examples": 50}, "k" * 64)
    assert first == prepare(counted, "builtin", {"examples": 50}, "k" * 64)
    assert 1 == len(calls)
    data = load(Path(first.folder))
    expected = spec.prepare("builtin", spec.params(examples=50), Path())
    assert (Dense(3), Classes(("low", "high")), 50) == (data.input, data.output, len(data.train))
    for name in ("values", "starts", "lengths", "targets", "ids"):
        assert np.array_equal(getattr(expected.train, name), getattr(data.train, name))
    assert isinstance(data.train.values, np.memmap)


def test_a_damaged_cache_is_made_again(spec: TaskSpec) -> None:
    """A flipped byte is noticed by its checksum, and the data prepared anew."""
    counted, calls = counting(spec)
    first = prepare(counted, "builtin", {}, "k")
    file = Path(first.folder) / "train.values.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert first.fingerprint == prepare(counted, "builtin", {}, "k").fingerprint
    assert 2 == len(calls)
    file.unlink()
    prepare(counted, "builtin", {}, "k")
    assert 3 == len(calls)


def test_two_at_once_prepare_once(spec: TaskSpec) -> None:
    """Eight callers at the same moment: one prepares, the others wait and read."""
    counted, calls = counting(spec)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: prepare(counted, "builtin", {}, "k"), range(8)))
    assert (1, 1) == (len(calls), len({item.fingerprint for item in found}))
    assert [] == list(prepared_folder().glob(".partial-*"))


def test_the_fingerprint_follows_the_data(spec: TaskSpec) -> None:
    """Other parameters give other data and another fingerprint."""
    fingerprints = {prepare(spec, "builtin", {"shift": shift}, f"k{shift}").fingerprint for shift in (1.0, 2.0)}
    assert 2 == len(fingerprints)


def test_shared_series_are_stored_once(spec: TaskSpec) -> None:
    """Splits that are windows of the same array share one file."""
    series = np.arange(30, dtype=np.float32)[:, None]

    def windows(first: int, last: int) -> SequenceSet:
        starts = np.arange(first, last)
        targets = series[starts + 3]
        return SequenceSet(series, starts, np.full(len(starts), 3), targets, starts.astype(str), {"close": targets})

    def prepared(source: str, params: Any, cache: Path) -> TaskData:
        return TaskData(Dense(1), Forecast(1), windows(0, 10), windows(10, 15), windows(15, 20), {"rows": 30})

    found = prepare(replace(spec, prepare=prepared), "builtin", {}, "k")
    data = load(Path(found.folder))
    assert data.train.values is data.test.values
    assert (5, {"rows": 30}) == (len(data.test), data.notes)
    assert not (Path(found.folder) / "test.values.npy").exists()
    assert np.array_equal(series[18:23], data.test.extras["close"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"test": []}, "no example for its test split"),
        ({"targets": 7}, "outside its 2 classes"),
        ({"values": np.nan}, "not finite"),
        ({"input_kind": "tokens"}, "promised tokens input"),
    ],
)
def test_nonsense_from_a_task_is_told(spec: TaskSpec, changes: dict[str, Any], expected: str) -> None:
    """An empty split, labels out of range, NaN and the wrong kind of input are errors that name the task."""

    def prepared(source: str, params: Any, cache: Path) -> TaskData:
        data = spec.prepare(source, params, cache)
        if "test" in changes:
            return replace(data, test=SequenceSet.from_sequences([], np.zeros(0, dtype=np.int64)))
        if "targets" in changes:
            return replace(data, train=replace(data.train, targets=data.train.targets + changes["targets"]))
        if "values" in changes:
            return replace(data, train=replace(data.train, values=data.train.values * np.float32(changes["values"])))
        return data

    broken = replace(spec, prepare=prepared, input_kind=changes.get("input_kind", "dense"))
    with pytest.raises(DataError, match=expected):
        prepare(broken, "builtin", {}, "k")
