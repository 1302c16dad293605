"""What prepared data holds, as plain values: sizes, classes or dates, lengths, duplicates, samples. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench.spec import Classes, TaskData, TaskSpec

if TYPE_CHECKING:
    from seqbench.sequences import SequenceSet

SAMPLES = 5
SHOWN_VALUES = 6
FEWEST = 5
"""Examples of a class below which a score on them says nothing."""
SPLITS = ("train", "validation", "test")


def splits_of(data: TaskData) -> dict[str, SequenceSet]:
    """The splits by name."""
    return {name: getattr(data, name) for name in SPLITS}


def describe(spec: TaskSpec, data: TaskData) -> dict[str, Any]:
    """Facts of prepared data, JSON-able.

    `splits`: by name `examples`, `steps`, `lengths` (min, median, p95, max) and `classes` (label → count) or
    `targets` (min, mean, sd, max). `dropped`, `warnings`: what preparation said. `duplicates`: examples beyond the
    first of the same content `within` each split, and contents that two splits share (`across`). `samples`: five of
    train.
    """
    notes = dict(data.notes)
    return {
        "task": spec.name,
        "about": spec.describe(data) if spec.describe else "",
        "input": {"kind": data.input.kind, **_plain(data.input)},
        "output": {"kind": data.output.kind, **_plain(data.output)},
        "fingerprint": data.fingerprint,
        "splits": {name: _split(data, split, notes, name) for name, split in splits_of(data).items()},
        "dropped": list(notes.pop("dropped", ())),
        "warnings": [*notes.pop("warnings", ()), *rare_classes(data)],
        "duplicates": duplicates(splits_of(data)),
        "samples": samples(spec, data),
        "notes": notes,
    }


def _plain(noun: Any) -> dict[str, Any]:
    values = {name: getattr(noun, name) for name in noun.__dataclass_fields__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
            if isinstance(value, (int, str, tuple))}  # fmt: skip


def _split(data: TaskData, split: SequenceSet, notes: Mapping[str, Any], name: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"examples": len(split), "steps": int(split.lengths.sum())}
    if not len(split):
        return facts
    places = np.percentile(split.lengths, [0, 50, 95, 100])
    facts["lengths"] = dict(zip(("min", "median", "p95", "max"), map(float, places), strict=True))
    if isinstance(data.output, Classes):
        counts = np.bincount(split.targets, minlength=data.output.size)
        facts["classes"] = {label: int(count) for label, count in zip(data.output.labels, counts, strict=True)}
    else:
        targets = np.asarray(split.targets, dtype=np.float64)
        values = (targets.min(), targets.mean(), targets.std(), targets.max())
        facts["targets"] = dict(zip(("min", "mean", "sd", "max"), map(float, values), strict=True))
    dates = (notes.get("date_ranges") or {}).get(name)
    if dates:
        facts["dates"] = list(dates)
    return facts


def rare_classes(data: TaskData) -> list[str]:
    """A sentence for each split by which some classes cannot be judged: they have fewer than FEWEST examples there."""
    if not isinstance(data.output, Classes):
        return []
    sentences = []
    for name, split in splits_of(data).items():
        counts = np.bincount(split.targets, minlength=data.output.size) if len(split) else ()
        rare = [
            f"'{label}' {count}" for label, count in zip(data.output.labels, counts, strict=False) if count < FEWEST
        ]
        if rare:
            shown = ", ".join(rare[:SAMPLES]) + (" ..." if len(rare) > SAMPLES else "")
            sentences.append(f"{name} has fewer than {FEWEST} examples of {len(rare)} of its classes ({shown})")
    return sentences


def contents(split: SequenceSet) -> Iterator[bytes]:
    """A digest of each example's sequence, equal for equal content, and of its text where the task keeps it.

    Texts with many unknown words may be different and yet the same sequence.
    """
    values = split.values
    texts = split.extras.get("text")
    for index, (start, length) in enumerate(zip(split.starts.tolist(), split.lengths.tolist(), strict=True)):
        digest = hashlib.blake2b(np.ascontiguousarray(values[start : start + length]).tobytes(), digest_size=16)
        if texts is not None:
            digest.update(str(texts[index]).encode(errors="replace"))
        yield digest.digest()


def duplicates(splits: Mapping[str, SequenceSet]) -> dict[str, dict[str, int]]:
    """How many examples repeat one of their split (`within`), and how many contents two splits share (`across`)."""
    counts = {name: Counter(contents(split)) for name, split in splits.items()}
    return {
        "within": {name: found.total() - len(found) for name, found in counts.items()},
        "across": {
            f"{one} and {other}": len(counts[one].keys() & counts[other].keys())
            for one, other in combinations(counts, 2)
        },
    }


def samples(spec: TaskSpec, data: TaskData) -> list[str]:
    """Five examples of train, spread over it, as the task shows them to a person."""
    count = len(data.train)
    places = np.unique(np.linspace(0, count - 1, min(SAMPLES, count)).round().astype(int)) if count else ()
    show = spec.show or _shown
    return [show(data, data.train, int(index)) for index in places]


def _shown(data: TaskData, split: SequenceSet, index: int) -> str:
    values = split.example(index)
    flat = ", ".join(f"{value:.4g}" for value in np.asarray(values).reshape(-1)[:SHOWN_VALUES])
    target = split.targets[index]
    label = data.output.labels[int(target)] if isinstance(data.output, Classes) else np.asarray(target).tolist()
    return f"{split.ids[index]}: {len(values)} steps ({flat}, ...) → {label}"
