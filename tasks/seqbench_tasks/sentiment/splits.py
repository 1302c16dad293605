"""From rows to a corpus: what has no file is held out, no text stays in two splits, labels are checked."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText, counted

HELD_OUT = 0.1
"""Part of the texts that validation, and test, get where there is no file for them."""
MAX_DROPPED = 50
"""Rows left out that are named in the notes; of more, the number."""

MAX_FILES = 3
"""Named in an error."""

Splits = dict[str, list[LabelledText]]


def finish(splits: Splits, notes: dict[str, Any], params: SentimentParams, source: str) -> Corpus:
    """The corpus. Raises DataError for an empty split, fewer than two labels, and labels that train does not have."""
    splits = _one_spelling(splits, notes["warnings"])
    _check_labels(splits["train"], notes["label_column"] if notes["columns_are_named"] else None, source)
    splits = _held_out(splits, params.split_seed)
    for name in SPLITS:
        if not splits[name]:
            raise DataError(f"the {name} split of {source} is empty ({_files(splits['train'])}): give it more rows.")
    keys = {name: [text_key(item.text) for item in splits[name]] for name in SPLITS}
    notes["duplicates"] = _duplicates(keys)
    notes["contradictions"] = _contradictions(splits, keys, notes["warnings"])
    notes["dedupe"] = params.dedupe
    kept = _without_shared(splits, keys)
    removed = {name: len(splits[name]) - len(kept[name]) if params.dedupe else 0 for name in SPLITS}
    notes |= {"removed_from_train": removed["train"], "removed_from_validation": removed["validation"]}
    if params.dedupe:
        if len({item.label for item in kept["train"]}) < 2 or not kept["validation"]:
            raise DataError(
                f"without what validation or test have too ({counted(removed['train'], 'text')} of {source}), "
                "train has fewer than two labels: give it other texts, or set tasks.sentiment.dedupe=false."
            )
        splits = kept
    notes["dropped_rows"] = len(notes["dropped"])
    if len(notes["dropped"]) > MAX_DROPPED:
        rest = len(notes["dropped"]) - MAX_DROPPED
        notes["dropped"] = [*notes["dropped"][:MAX_DROPPED], f"and {counted(rest, 'row')} more"]
    return Corpus(splits, _labels(splits), notes)


def text_key(text: str) -> int:
    """What two texts have in common that read the same to the tokenizer: case and white space count for nothing."""
    return hash("".join(unicodedata.normalize("NFKC", text).lower().split()))


def _one_spelling(splits: Splits, warnings: list[str]) -> Splits:
    """Labels that differ in case only are one, spelled as most of train's are."""
    counts = Counter(item.label for name in SPLITS for item in splits.get(name, []))
    spelled: dict[str, str] = {}
    for label, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        spelled.setdefault(label.casefold(), label)
    if len(spelled) == len(counts):
        return splits
    groups: dict[str, list[str]] = {}
    for label in sorted(counts):
        groups.setdefault(spelled[label.casefold()], []).append(label)
    told = (f"{', '.join(group)} \N{RIGHTWARDS ARROW} {kept}" for kept, group in groups.items() if len(group) > 1)
    warnings.append(f"labels that differ only in case are one class: {'; '.join(told)}")
    return {
        name: [LabelledText(item.text, spelled[item.label.casefold()], item.place) for item in items]
        for name, items in splits.items()
    }


def _check_labels(train: list[LabelledText], column: str | None, source: str) -> None:
    """column: of the labels, where the source has a table."""
    counts = Counter(item.label for item in train)
    if not counts:
        raise DataError(f"train of {source} has no rows: give it a text and a label per row.")
    where = _files(train)
    among = "" if where == Path(source).name else f" ({where})"
    if len(counts) < 2:
        of_column = f" in column '{column}'" if column else ""
        other = "; tasks.sentiment.label_column names another column" if column else ""
        raise DataError(
            f"train of {source} has one label only ('{next(iter(counts))}'){of_column}{among}: two or more are "
            f"needed{other}."
        )
    if len(counts) > max(2, len(train) // 2):
        what = f"column '{column}' of {where}" if column else where
        raise DataError(
            f"{what} has {counted(len(counts), 'different label')} in {counted(len(train), 'row')}: "
            "name the column of classes by tasks.sentiment.label_column."
        )


def _files(items: list[LabelledText]) -> str:
    """The files that texts come from, the first of many."""
    if not items:
        return "no rows"
    names = list(dict.fromkeys(item.place.rpartition(":")[0] or item.place for item in items))
    if len(names) > MAX_FILES:
        names[MAX_FILES:] = [f"{len(names) - MAX_FILES} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _contradictions(splits: Splits, keys: dict[str, list[int]], warnings: list[str]) -> int:
    """How many texts have more than one label, in one split or in several; told with the first of them."""
    firsts: dict[int, LabelledText] = {}
    pairs: dict[int, tuple[LabelledText, LabelledText]] = {}
    for name in SPLITS:
        for item, key in zip(splits[name], keys[name], strict=True):
            first = firsts.setdefault(key, item)
            if first.label != item.label:
                pairs.setdefault(key, (first, item))
    if pairs:
        told = " and ".join(f"{item.place} ({item.label})" for item in next(iter(pairs.values())))
        warnings.append(f"{counted(len(pairs), 'text')} with more than one label (the first: {told})")
    return len(pairs)


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


def _duplicates(keys: dict[str, list[int]]) -> dict[str, int]:
    """Rows beyond the first of their text in each split, and different texts that two splits share."""
    sets = {name: set(found) for name, found in keys.items()}
    within = {name: len(found) - len(sets[name]) for name, found in keys.items()}
    across = {f"{one} and {other}": len(sets[one] & sets[other]) for one, other in combinations(SPLITS, 2)}
    return within | across


def _without_shared(splits: Splits, keys: dict[str, list[int]]) -> Splits:
    """A text stays in the last of the splits that have it: test before validation before train."""
    kept: Splits = {}
    taken: set[int] = set()
    for name in reversed(SPLITS):
        kept[name] = [item for item, key in zip(splits[name], keys[name], strict=True) if key not in taken]
        taken.update(keys[name])
    return {name: kept[name] for name in SPLITS}


def _labels(splits: Splits) -> tuple[str, ...]:
    known = {item.label for item in splits["train"]}
    for name in SPLITS[1:]:
        strange = next((item for item in splits[name] if item.label not in known), None)
        if strange is not None:
            shown = ", ".join(_in_order(known)[:10])
            other = ", or set tasks.sentiment.test_split=hold_out" if name == "test" else ""
            raise DataError(
                f"{strange.place} has the label '{strange.label}', which train does not have ({shown}): "
                f"correct it, or give train examples of it{other}."
            )
    return _in_order(known)


def _in_order(labels: set[str]) -> tuple[str, ...]:
    """Numbers by value, words by the alphabet."""
    try:
        return tuple(sorted(labels, key=float))
    except ValueError:
        return tuple(sorted(labels))
