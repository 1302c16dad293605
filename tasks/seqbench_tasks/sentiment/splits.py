"""From rows to a corpus: what has no file is held out, texts that are held out leave train, labels are checked."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText

HELD_OUT = 0.1
"""Part of the texts that validation, and test, get where there is no file for them."""

Splits = dict[str, list[LabelledText]]


def finish(splits: Splits, notes: dict[str, Any], params: SentimentParams, source: Path) -> Corpus:
    """The corpus. Raises DataError for an empty split, fewer than two labels, and labels that train does not have."""
    _check_labels(splits["train"], notes["label_column"], source)
    splits = _held_out(splits, params.split_seed)
    for name in SPLITS:
        if not splits[name]:
            raise DataError(f"the {name} split of {source} is empty: give it more rows.")
    notes["duplicates"] = _duplicates(splits)
    held_out = {item.text for name in SPLITS[1:] for item in splits[name]}
    kept = [item for item in splits["train"] if item.text not in held_out]
    notes["removed_from_train"] = len(splits["train"]) - len(kept) if params.dedupe else 0
    if params.dedupe:
        if len({item.label for item in kept}) < 2:
            raise DataError(
                f"without the {len(splits['train']) - len(kept)} texts of {source} that validation or test have too, "
                "train has fewer than two labels: give it other texts, or set tasks.sentiment.dedupe=false."
            )
        splits = {**splits, "train": kept}
    return Corpus(splits, _labels(splits), notes)


def _check_labels(train: list[LabelledText], column: str, source: Path) -> None:
    counts = Counter(item.label for item in train)
    if not counts:
        raise DataError(f"train of {source} has no rows: give it a text and a label per row.")
    if len(counts) < 2:
        raise DataError(f"train of {source} has one label only ('{next(iter(counts))}'): two or more are needed.")
    if len(counts) > max(2, len(train) // 2):
        raise DataError(
            f"column '{column}' of {source} has {len(counts)} different labels in {len(train)} rows: "
            "name the column of classes by tasks.sentiment.label_column."
        )


def _held_out(splits: Splits, seed: int) -> Splits:
    """A tenth each out of train for the splits that have no file, the same part of every label."""
    import numpy as np

    random = np.random.default_rng(seed)
    found = dict(splits)
    whole = len(found["train"])
    for name in ("test", "validation"):
        if name in splits:
            continue
        pool = found["train"]
        part = HELD_OUT * whole / len(pool)
        by_label: dict[str, list[int]] = {}
        for index, item in enumerate(pool):
            by_label.setdefault(item.label, []).append(index)
        held: set[int] = set()
        for indices in by_label.values():
            held.update(random.permutation(indices)[: round(part * len(indices))].tolist())
        found[name] = [item for index, item in enumerate(pool) if index in held]
        found["train"] = [item for index, item in enumerate(pool) if index not in held]
    return found


def _duplicates(splits: Splits) -> dict[str, int]:
    """Rows beyond the first of their text in each split, and different texts that two splits share."""
    texts = {name: [item.text for item in splits[name]] for name in SPLITS}
    within = {name: len(found) - len(set(found)) for name, found in texts.items()}
    across = {f"{one} and {other}": len(set(texts[one]) & set(texts[other])) for one, other in combinations(SPLITS, 2)}
    return within | across


def _labels(splits: Splits) -> tuple[str, ...]:
    known = {item.label for item in splits["train"]}
    for name in SPLITS[1:]:
        strange = next((item for item in splits[name] if item.label not in known), None)
        if strange is not None:
            shown = ", ".join(_in_order(known)[:10])
            raise DataError(
                f"{strange.place} has the label '{strange.label}', which train does not have ({shown}): "
                "correct it, or give train examples of it."
            )
    return _in_order(known)


def _in_order(labels: set[str]) -> tuple[str, ...]:
    """Numbers by value, words by the alphabet."""
    try:
        return tuple(sorted(labels, key=float))
    except ValueError:
        return tuple(sorted(labels))
