"""Checks of what makes two preparations the same data: bytes, fingerprint, parameters, the cache."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqbench.describe import splits_of
from seqbench.errors import SeqbenchError
from seqbench.params import validate
from seqbench.spec import TaskData
from seqbench.testing.findings import UnmetError
from seqbench.testing.subjects import TaskSubject

PATIENCE_SECONDS = 5.0
"""What varying parameters may take, when one of them has been varied."""


def deterministic(subject: TaskSubject) -> str:
    """Arrays, notes, state and raw examples of a second preparation."""
    one, other = subject.data, subject.prepare()
    different = differences(one, other)
    if different:
        raise UnmetError(f"a second preparation differs in {different}")
    return "arrays, notes and state of two preparations"


def differences(one: TaskData, other: TaskData) -> str:
    """The first thing in which two preparations differ; empty when they are the same."""
    for name in ("input", "output"):
        if getattr(one, name) != getattr(other, name):
            return f"its {name}: {getattr(one, name)!r} and {getattr(other, name)!r}"
    for name, split in splits_of(one).items():
        found = differing(split, getattr(other, name))
        if found:
            return f"{found} of {name}"
    if not _is_same(*(getattr(item.input, "vectors", None) for item in (one, other))):
        return "its vectors"
    for name in ("notes", "state", "raw_examples"):
        if json.dumps(getattr(one, name), default=repr) != json.dumps(getattr(other, name), default=repr):
            return f"its {name}"
    return ""


def differing(one: Any, other: Any) -> str:
    """The first array in which two splits differ; empty when they are the same."""
    for name in ("values", "starts", "lengths", "targets", "ids"):
        if not _is_same(getattr(one, name), getattr(other, name)):
            return name
    if one.extras.keys() != other.extras.keys():
        return "extras"
    return next((f"extras['{name}']" for name in one.extras if not _is_same(one.extras[name], other.extras[name])), "")


def _is_same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    is_number = one.dtype.kind in "fc" and other.dtype.kind in "fc"
    return bool(np.array_equal(one, other, equal_nan=is_number))


def digest_of(subject: TaskSubject, data: TaskData) -> str:
    """The fingerprint that the core gives the data, whatever the task says."""
    with stored(subject, replace(data, fingerprint="")) as (fingerprint, _):
        return fingerprint


@contextlib.contextmanager
def stored(subject: TaskSubject, data: TaskData) -> Iterator[tuple[str, TaskData]]:
    """While inside, `(fingerprint, data as it is loaded)` of a cache of its own."""
    from seqbench.prepare import load, prepare

    spec = replace(subject.spec, prepare=lambda source, params, cache: data)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        before = os.environ.get("SEQBENCH_CACHE")
        os.environ["SEQBENCH_CACHE"] = folder
        try:
            prepared = prepare(spec, subject.source, subject.params, "checked")
        finally:
            if before is None:
                del os.environ["SEQBENCH_CACHE"]
            else:
                os.environ["SEQBENCH_CACHE"] = before
        yield prepared.fingerprint, load(Path(prepared.folder))


def survives_the_cache(subject: TaskSubject) -> str:
    """Written and read as a run would."""
    data = subject.data
    with stored(subject, data) as (fingerprint, loaded):
        different = differences(data, loaded)
        if different:
            raise UnmetError(f"what is loaded differs in {different}")
    return f"fingerprint {fingerprint[:12]}"


def fingerprint_changes(subject: TaskSubject) -> str:
    """Other targets; then each parameter in turn, those of training first, while there is time."""
    for name in subject.spec.file_params:
        if name not in subject.values:
            raise UnmetError(f"file_params names '{name}', which is no parameter")
    for name, value in subject.values.items():
        is_file = isinstance(value, str) and len(value) > 1 and os.sep in value and Path(value).is_file()
        if is_file and name not in subject.spec.file_params:
            raise UnmetError(
                f"the parameter '{name}' is a file, and not among file_params: its content is not looked at"
            )
    _check_other_targets(subject)
    varied = list(_varied(subject))
    return f"other targets; varied: {', '.join(varied) or 'no parameter changes the data'}"


def _check_other_targets(subject: TaskSubject) -> None:
    data = subject.data
    changed = replace(data, test=replace(data.test, targets=np.roll(data.test.targets, 1, axis=0)))
    if differing(data.test, changed.test) and digest_of(subject, data) == digest_of(subject, changed):
        raise UnmetError("other targets in test give the same fingerprint")


def _varied(subject: TaskSubject) -> Iterator[str]:
    import time

    begin = time.perf_counter()
    training = subject.spec.training_params
    names = sorted(subject.values, key=lambda name: name not in training)
    for name in names:
        if time.perf_counter() - begin + subject.seconds > PATIENCE_SECONDS:
            return
        for value in _others(subject, name):
            other = _prepared_with(subject, name, value)
            if other is None:
                continue
            yield from _judged(subject, name, value, other)
            break


def _prepared_with(subject: TaskSubject, name: str, value: Any) -> TaskData | None:
    """The data with another value of one parameter; None where that value is not possible."""
    try:
        params = validate(subject.spec.params, {**subject.params, name: value}, "params")
        return subject.prepare(params=params)
    except SeqbenchError:
        return None


def _judged(subject: TaskSubject, name: str, value: Any, other: TaskData) -> Iterator[str]:
    """The parameter's name where it changes the data, and the fingerprint with it."""
    data = subject.data
    bare = [replace(item, notes={}, state={}, raw_examples={}) for item in (data, other)]
    if not differences(bare[0], bare[1]):
        return
    change = f"{name}={value!r}"
    if name in subject.spec.training_params:
        raise UnmetError(f"{change} changes the data, and is named in training_params: what is cached would be taken")
    if data.fingerprint and data.fingerprint == other.fingerprint:
        raise UnmetError(f"{change} changes the data, and the fingerprint '{data.fingerprint}' is the same")
    yield name


def _others(subject: TaskSubject, name: str) -> Iterator[Any]:
    """Other values that a parameter may have, near to its own."""
    value = subject.values[name]
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    elif isinstance(value, float):
        yield from (value + 0.1, value * 0.5, value * 2)
    elif isinstance(value, str):
        yield from (choice for choice in _choices(subject.spec.params, name) if choice != value)
    elif isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        yield [value[0] + 1, *value[1:]]


def _choices(schema: type, name: str) -> tuple[Any, ...]:
    """The strings that a parameter may be, where its type lists them."""
    hints: Mapping[str, Any] = {}
    with contextlib.suppress(Exception):
        hints = typing.get_type_hints(schema)
    if not hints and is_dataclass(schema):
        hints = {item.name: item.type for item in fields(schema)}
    hint = hints.get(name)
    return typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
