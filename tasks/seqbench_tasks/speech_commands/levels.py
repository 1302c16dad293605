"""Telling whether two levels of folders are `word/speaker` or `speaker/word`, which people have alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
KNOWN_WORDS = frozenset(
    {
        *DIGITS,
        *("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "forward", "backward", "follow"),
        *("learn", "visual", "bed", "bird", "cat", "dog", "happy", "house", "marvin", "sheila", "tree", "wow"),
        *("start", "play", "pause", "next", "previous", "back", "open", "close", "hello", "help", "cancel", "okay"),
        *("ok", "louder", "quieter", "lights", "red", "green", "blue", "black", "white", "yellow"),
        *("_unknown_", "unknown", "_silence_", "silence"),
    }
)
"""Those of Speech Commands (Warden 2018), and others that people command with or record first."""
NUMBERED = re.compile(
    r"(s|spk|spkr|speaker|p|pers|person|subj|subject|sub|u|user|id|v|voice|m|f|male|female|man|woman|child|talker|"
    r"participant|part|actor)?[\s_\-.]*\d+[a-z]?|[fm]\d*"
)
"""How speakers are called where they have no names."""
MIN_DEEP_PART = 0.9
"""Of the recordings: two folders deep, that there are two levels at all."""
CLEAR = 0.5
"""By so much more of one level's names than of the other's must look like words."""
FULL = 0.8
"""Of all pairs of names: with so many there is a grid, and the folders alone do not say which level is which."""


def second_is_word(names: Sequence[tuple[str, Path]]) -> tuple[bool, str]:
    """Is the second folder the word, the first the speaker? And a sentence where that had to be guessed.

    names: each recording's split ("" where none is told) and path below the split. What decides, in this order: words
    that a test split has and train has not; names that are known words, or numbered as speakers are; which of the two
    the files' own names repeat; a level of few names that nearly all of the other have. Else the first is the word.
    """
    deep = [(split, path) for split, path in names if len(path.parts) > 2]
    pairs = {(path.parts[0], path.parts[1]) for _, path in deep}
    firsts, seconds = ({pair[level] for pair in pairs} for level in (0, 1))
    if len(deep) < MIN_DEEP_PART * len(names) or len(firsts) < 2 or len(seconds) < 2:
        return False, ""
    if sum(len({top for top, name in pairs if name == second}) > 1 for second in seconds) < CLEAR * len(seconds):
        return False, ""
    lead = _of_splits(deep) or _of_names(firsts, seconds) or _of_files(deep)
    # Digits may be words: against names that nobody knows they are taken for speakers, but not without a word.
    is_doubtful = abs(lead) == 1 and any(_are_digits(level) for level in (firsts, seconds)) and not _of_splits(deep)
    is_doubtful = is_doubtful and not any(name.casefold() in KNOWN_WORDS for name in firsts | seconds)
    if abs(lead) >= CLEAR and not is_doubtful:
        return lead > 0, ""
    is_grid = len(pairs) >= FULL * len(firsts) * len(seconds)
    is_second = lead > 0 if is_doubtful else _is_few(pairs, firsts, seconds)
    if not (is_grid or is_second or is_doubtful):
        return False, ""
    example = "/".join(min(pairs))
    read, other = ("speaker/word", "word/speaker") if is_second else ("word/speaker", "speaker/word")
    return is_second, (
        f"The folders were read as {read} ('{example}'), and could be {other} as well: if that is what they are, put "
        f"the {'first' if is_second else 'second'} level's folders above the other."
    )


def _of_splits(names: Sequence[tuple[str, Path]]) -> float:
    """1 where every second name that a later split has is in train and some first name is not; -1 the other way."""
    found: tuple[defaultdict[str, set[str]], defaultdict[str, set[str]]] = (defaultdict(set), defaultdict(set))
    for split, path in names:
        for level in (0, 1):
            found[level]["train" if split in {"train", ""} else "held out"].add(path.parts[level])
    first_fits, second_fits = (level["held out"] <= level["train"] for level in found)
    return float(second_fits) - float(first_fits)


def _of_names(firsts: set[str], seconds: set[str]) -> float:
    """How much more the second level's names look like words than the first's, -2 to 2."""
    lead = _wordiness(seconds) - _wordiness(firsts)
    return lead if abs(lead) >= CLEAR else 0.0


def _wordiness(names: set[str]) -> float:
    """Part of the names that are known words, less the part that are numbered; 0 for digits, which may be either."""
    plain = {name.casefold() for name in names}
    if "0" in plain and _are_digits(plain):
        return 0.0
    known = sum(name in KNOWN_WORDS for name in plain)
    return (known - sum(NUMBERED.fullmatch(name) is not None for name in plain)) / len(plain)


def _are_digits(names: set[str]) -> bool:
    return all(len(name) == 1 and name.isdigit() for name in names)


def _of_files(names: Sequence[tuple[str, Path]]) -> float:
    """How many more files repeat their second folder and not their first, as a part of all: `s01/hund/hund3.wav`."""
    total = 0
    for _, path in names:
        tokens = [re.sub(r"\d+$", "", token) or token for token in re.split(r"[_\-\s.]+", path.stem.casefold())]
        first, second = (part.casefold() in tokens for part in path.parts[:2])
        total += second - first
    return total / len(names)


def _is_few(pairs: set[tuple[str, str]], firsts: set[str], seconds: set[str]) -> bool:
    """Do nearly all first folders have all of a few names, which is not so the other way round?"""
    below: Mapping[str, set[str]] = {first: {name for top, name in pairs if top == first} for first in firsts}
    above: Mapping[str, set[str]] = {second: {top for top, name in pairs if name == second} for second in seconds}
    complete = sum(found == seconds for found in below.values()) / len(firsts)
    reverse = sum(found == firsts for found in above.values()) / len(seconds)
    return len(seconds) < len(firsts) and complete >= FULL and reverse <= 1 - CLEAR
