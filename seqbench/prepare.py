"""Prepared task data on disk: made once per content, checksummed, memory-mapped by every worker."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from seqbench.cache import PARTIAL, downloads_folder, file_hash, is_whole, made, prepared_folder
from seqbench.errors import DataError
from seqbench.params import validate
from seqbench.sequences import SequenceSet
from seqbench.spec import Classes, Dense, Forecast, Input, Output, TaskData, TaskSpec, Tokens

SPLITS = ("train", "validation", "test")
META = "meta.json"
CHECKED_ROWS = 1 << 18
VECTORS = "input.vectors"
STATE = "state.json"
"""What a served model needs of the data; the file is no part of the fingerprint."""


@dataclass(frozen=True)
class Prepared:
    """Prepared data on disk: its folder, its fingerprint, the seconds it took to make, and what was found.

    sizes: examples in train, validation and test. steps: time steps of all training examples together.
    """

    folder: str
    fingerprint: str
    seconds: float
    sizes: tuple[int, int, int]
    steps: int
    notes: Mapping[str, Any]


def prepare(spec: TaskSpec, location: str, params: Mapping[str, Any], key: str) -> Prepared:
    """Prepare the task's data, or find it prepared under `key` (Cell.data_key).

    Two processes that ask at once prepare once; a damaged cache is made again. Raises DataError as the task does.
    """
    folder = made(prepared_folder()) / key
    with FileLock(folder.with_name(f"{key}.lock")):
        if not is_whole(folder):
            begin = time.perf_counter()
            parsed = validate(spec.params, params, f"tasks.{spec.name}")
            data = spec.prepare(location, parsed, downloads_folder())
            _check(spec, location, data)
            _save(data, folder, time.perf_counter() - begin, {"task": spec.name, "source": location})
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    train, validation, test = meta["sizes"]
    sizes = (train, validation, test)
    return Prepared(str(folder), meta["fingerprint"], meta["seconds"], sizes, meta["steps"], meta["notes"])


def _check(spec: TaskSpec, location: str, data: TaskData) -> None:
    """What the core relies on, told as the task's fault or the source's."""
    wanted = Dense if spec.input_kind == Dense.kind else Tokens
    if not isinstance(data.input, wanted):
        raise DataError(f"task '{spec.name}' promised {spec.input_kind} input but prepared {data.input!r}.")
    for name, split in (("train", data.train), ("test", data.test)):
        if not len(split):
            raise DataError(f"task '{spec.name}' found no example for its {name} split in {location}.")
    try:
        json.dumps([dict(data.state), dict(data.raw_examples)])
    except (TypeError, ValueError) as error:
        raise DataError(f"task '{spec.name}' prepared a state or raw examples that are no JSON ({error}).") from None
    for name in SPLITS:
        split = getattr(data, name)
        if split.values.dtype.kind == "f" and not _is_finite(split.values):
            raise DataError(f"task '{spec.name}' prepared values that are not finite for {name} from {location}.")
        if isinstance(data.output, Classes) and len(split):
            low, high = int(split.targets.min()), int(split.targets.max())
            if low < 0 or high >= data.output.size:
                raise DataError(
                    f"task '{spec.name}' prepared the label {high if low >= 0 else low} in {name}, "
                    f"outside its {data.output.size} classes."
                )


def _is_finite(values: NDArray[Any]) -> bool:
    """By blocks: a mask of the whole could be as large as what is left of the memory."""
    blocks = range(0, len(values), CHECKED_ROWS)
    return all(bool(np.isfinite(values[begin : begin + CHECKED_ROWS]).all()) for begin in blocks)


def _arrays(data: TaskData) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Every array by file name, and for splits that share one (`test.values` → `train.values`) where it lies."""
    arrays: dict[str, NDArray[Any]] = {}
    shared: dict[str, str] = {}
    seen: dict[int, str] = {}
    if isinstance(data.input, Tokens) and data.input.vectors is not None:
        arrays[VECTORS] = np.ascontiguousarray(data.input.vectors, dtype=np.float32)
    for split_name in SPLITS:
        split = getattr(data, split_name)
        named = {name: getattr(split, name) for name in ("values", "starts", "lengths", "targets", "ids")}
        named |= {f"extras.{name}": array for name, array in split.extras.items()}
        for name, array in named.items():
            full = f"{split_name}.{name}"
            if id(array) in seen:
                shared[full] = seen[id(array)]
            else:
                seen[id(array)] = full
                arrays[full] = np.ascontiguousarray(array)
    return arrays, shared


def _save(data: TaskData, folder: Path, seconds: float, origin: Mapping[str, str]) -> None:
    """Write everything beside, then rename: a reader sees all of it or nothing. origin: the task and its source."""
    arrays, shared = _arrays(data)
    beside = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(beside / f"{name}.npy", array, allow_pickle=False)
        checksums = {path.name: file_hash(path) for path in sorted(beside.glob("*.npy"))}
        state = {"state": dict(data.state), "raw_examples": dict(data.raw_examples)}
        (beside / STATE).write_text(json.dumps(state), encoding="utf-8")
        kinds = {"input": noun_to_json(data.input), "output": noun_to_json(data.output)}
        meta = {
            **origin,
            **kinds,
            "notes": dict(data.notes),
            "shared": shared,
            "checksums": {**checksums, STATE: file_hash(beside / STATE)},
            "fingerprint": data.fingerprint or _digest(json.dumps([kinds, shared, checksums], sort_keys=True)),
            "sizes": [len(getattr(data, name)) for name in SPLITS],
            "steps": int(data.train.lengths.sum()),
            "extras": {name: list(getattr(data, name).extras) for name in SPLITS},
            "seconds": seconds,
        }
        (beside / META).write_text(json.dumps(meta), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def load(folder: Path) -> TaskData:
    """Prepared data, its arrays memory-mapped."""
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    mapped: dict[str, NDArray[Any]] = {}

    def array(name: str) -> NDArray[Any]:
        home = meta["shared"].get(name, name)
        if home not in mapped:
            mapped[home] = np.load(folder / f"{home}.npy", mmap_mode="r", allow_pickle=False)
        return mapped[home]

    def split(name: str) -> SequenceSet:
        extras = {extra: array(f"{name}.extras.{extra}") for extra in meta["extras"][name]}
        values, starts, lengths, targets, ids = (
            array(f"{name}.{part}") for part in ("values", "starts", "lengths", "targets", "ids")
        )
        return SequenceSet(values, starts, lengths, targets, ids, extras)

    kept = json.loads((folder / STATE).read_text(encoding="utf-8")) if STATE in meta["checksums"] else {}
    data = TaskData(
        input=input_of(meta["input"], array(VECTORS) if f"{VECTORS}.npy" in meta["checksums"] else None),
        output=output_of(meta["output"]),
        train=split("train"),
        validation=split("validation"),
        test=split("test"),
        notes=meta["notes"],
        **kept,
    )
    return replace(data, fingerprint=meta["fingerprint"])


def noun_to_json(noun: Input | Output) -> dict[str, Any]:
    """A noun's fields, but for arrays: those are files of their own."""
    if isinstance(noun, Tokens):
        return {"kind": noun.kind, "vocabulary": noun.vocabulary}
    return {"kind": noun.kind, **asdict(noun)}


def input_of(values: Mapping[str, Any], vectors: NDArray[np.float32] | None) -> Input:
    """The input that `noun_to_json` gave, with the vectors of its tokens."""
    return Dense(values["features"]) if values["kind"] == Dense.kind else Tokens(values["vocabulary"], vectors)


def output_of(values: Mapping[str, Any]) -> Output:
    """The output that `noun_to_json` gave."""
    return Classes(tuple(values["labels"])) if values["kind"] == Classes.kind else Forecast(values["values"])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
