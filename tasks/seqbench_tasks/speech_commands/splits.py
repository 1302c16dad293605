"""Which recording is in which split: by lists, by folders, by the published hash rule, else by a split of our own.

P. Warden, Speech Commands: a dataset for limited-vocabulary speech recognition, arXiv 1804.03209 (2018).
"""

from __future__ import annotations

import hashlib
import itertools
import warnings as python_warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import counted
from seqbench_tasks.speech_commands.files import LISTS
from seqbench_tasks.speech_commands.layout import Layout, Recording
from seqbench_tasks.speech_commands.lists import read_lists
from seqbench_tasks.speech_commands.speakers import HASH_DIVIDER, hashed_speaker

MAX_FILES_PER_CLASS = 2**27 - 1
"""Of the published hash rule."""
VALIDATION_PERCENT = 10.0
TEST_PERCENT = 10.0
FOLDS = 10
"""One each for validation and test: a tenth."""
HELD_OUT = ("validation", "test")


@dataclass
class Splits:
    """Recordings by split, how they were split, whether it was the source that said so, and what to warn of."""

    members: dict[str, list[Recording]]
    rule: str
    by_source: bool
    warnings: list[str] = field(default_factory=list)


def split(layout: Layout, good: Sequence[Recording], speakers: Mapping[str, str], seed: int) -> Splits:
    """Every usable recording in a split. seed: of a split of our own.

    Raises DataError when a split is empty, or train lacks a word that another split has.
    """
    found = _by_source(layout, good, speakers, seed) or _by_hash(good) or own_split(good, speakers, seed, HELD_OUT)
    if not found.by_source and not all(speakers[item.name] for item in good):
        found.warnings.append(_untold(good, speakers, ("test",)))
    if not found.by_source and layout.is_pattern:
        found.warnings.append(
            f"Lists are read only where they lie beside what the pattern matches, and no {' or '.join(LISTS.values())} "
            f"does: recordings were split {found.rule}."
        )
    both = {speakers[item.name] for item in found.members["train"]} & {
        speakers[item.name] for item in found.members["test"]
    } - {""}
    if both:
        who = "as the source's own split says" if found.by_source else "since there are too few to keep them apart"
        found.warnings.append(
            f"{counted(len(both), 'speaker')} {'is' if len(both) == 1 else 'are'} in train and in test, {who}."
        )
    _check(found, layout.root)
    return found


def _by_source(layout: Layout, good: Sequence[Recording], speakers: Mapping[str, str], seed: int) -> Splits | None:
    """By lists or folders of splits, a part that they do not tell held out of train; None when there are neither."""
    lists = read_lists(layout)
    told = {item.split for item in layout.recordings} - {""}
    if lists.members:
        members = _by_rule(good, lambda item: lists.members.get(item.name, "train"))
        given, rule = set(lists.given), "by lists"
    elif told:
        members, given, rule = _by_rule(good, lambda item: item.split), told, "by folders"
    else:
        return None
    found = Splits(members, rule, by_source=True, warnings=list(lists.warnings))
    wanted = tuple(name for name in HELD_OUT if name not in given)
    if wanted:
        own = own_split(members["train"], speakers, seed, wanted)
        what = " and ".join(wanted)
        found.rule = f"{rule}, {what} held out of train {own.rule}"
        found.members |= own.members
        found.warnings += [f"The source tells no {what} split: it is held out of train.", *own.warnings]
        parted = [*itertools.chain(*own.members.values())]
        if not all(speakers[item.name] for item in parted):
            found.warnings.append(_untold(parted, speakers, wanted))
    return found


def _by_hash(good: Sequence[Recording]) -> Splits | None:
    """By the published rule, if all names have its form and there are speakers enough that each split gets some."""
    if any(HASH_DIVIDER not in item.stem for item in good):
        return None
    members = _by_rule(good, lambda item: which_set(item.name))
    lacking = {item.word for item in good} - {item.word for item in members["train"]}
    return None if lacking or not all(members.values()) else Splits(members, "by the hash of the speaker", False)


def own_split(good: Sequence[Recording], speakers: Mapping[str, str], seed: int, wanted: tuple[str, ...]) -> Splits:
    """About a tenth for each of the splits wanted, stratified by word; by speaker where they are known."""
    if any(speakers[item.name] for item in good):
        members = _by_speaker(good, speakers, seed, wanted)
        if members is not None:
            return Splits(members, f"by speaker (seed {seed})", by_source=False)
    return Splits(_by_word(good, seed, wanted), f"within each word (seed {seed})", by_source=False)


def _by_speaker(
    good: Sequence[Recording], speakers: Mapping[str, str], seed: int, wanted: tuple[str, ...]
) -> dict[str, list[Recording]] | None:
    """Folds of speakers with words as even as can be; those folds are held out that leave and have most words.

    None when there are too few speakers.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    words = np.array([item.word for item in good])
    groups = np.array([speakers[item.name] or item.name for item in good])
    largest = int(np.unique(words, return_counts=True)[1].max())
    folds = min(FOLDS, len(set(groups)), largest)
    if folds <= len(wanted):
        return None
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")  # that a word has fewer recordings than there are folds
        cut = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(words, words, groups)
        parts = [indices for _, indices in cut]
    found = [{str(word) for word in words[part]} for part in parts]

    def worth(chosen: tuple[int, ...]) -> tuple[int, int]:
        left = set().union(*(found[fold] for fold in range(folds) if fold not in chosen))
        return len(left), sum(len(found[fold]) for fold in chosen)

    best = max(itertools.permutations(range(folds), len(wanted)), key=worth)
    split_of = {int(index): name for name, fold in zip(wanted, best, strict=True) for index in parts[fold]}
    members: dict[str, list[Recording]] = {"train": [], **{name: [] for name in wanted}}
    for index, item in enumerate(good):
        members[split_of.get(index, "train")].append(item)
    return members


def _by_word(good: Sequence[Recording], seed: int, wanted: tuple[str, ...]) -> dict[str, list[Recording]]:
    """A tenth of each word's recordings, one at least, for each split; words with too few are in train only."""
    by_word: defaultdict[str, list[Recording]] = defaultdict(list)
    for item in good:
        by_word[item.word].append(item)
    split_of: dict[str, str] = {}
    for items in by_word.values():
        if len(items) > len(wanted):
            shuffled = iter(drawn(items, seed))
            for name in wanted:
                for item in itertools.islice(shuffled, max(1, round(len(items) / FOLDS))):
                    split_of[item.name] = name
    members: dict[str, list[Recording]] = {"train": [], **{name: [] for name in wanted}}
    for item in good:
        members[split_of.get(item.name, "train")].append(item)
    return members


def drawn(items: Sequence[Recording], seed: int) -> list[Recording]:
    """In an order that the seed and the names decide, so that a further recording leaves the others' places."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed}:{item.name}".encode()).digest())


def which_set(name: str) -> str:
    """The published rule: the speaker's hash decides, so that takes of one speaker stay together (Warden 2018)."""
    speaker = hashed_speaker(name)
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = (number % (MAX_FILES_PER_CLASS + 1)) * (100.0 / MAX_FILES_PER_CLASS)
    if percent < VALIDATION_PERCENT:
        return "validation"
    return "test" if percent < VALIDATION_PERCENT + TEST_PERCENT else "train"


def _by_rule(good: Sequence[Recording], rule: Callable[[Recording], str]) -> dict[str, list[Recording]]:
    splits: dict[str, list[Recording]] = {"train": [], "validation": [], "test": []}
    for item in good:
        splits[rule(item)].append(item)
    return splits


def _untold(good: Sequence[Recording], speakers: Mapping[str, str], wanted: tuple[str, ...]) -> str:
    unknown = [item.name for item in good if not speakers[item.name]]
    which = "" if len(unknown) == len(good) else f" of {counted(len(unknown), 'recording')}"
    return (
        f"Who speaks cannot be read from the names{which} ('{unknown[0]}'), so that one voice may be in train and in "
        f"{' or '.join(reversed(wanted))}: add testing_list.txt and validation_list.txt, or name files "
        "<speaker>_nohash_<n>."
    )


def _check(found: Splits, root: Path) -> None:
    for name in ("train", *HELD_OUT):
        if not found.members[name]:
            raise DataError(
                f"the {name} split of {root} is empty ({found.rule}): list its files in "
                f"{LISTS.get(name, 'no list')}, or give three recordings of each word at least."
            )
    known = {item.word for item in found.members["train"]}
    for name in HELD_OUT:
        for item in found.members[name]:
            if item.word not in known:
                raise DataError(
                    f"'{item.name}' of {root} is in the {name} split, but train has no '{item.word}': add some, or "
                    "leave the word out with the parameter words."
                )
