"""Reading who speaks from the names of recordings, and telling whether what was read can be believed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from seqbench_tasks.speech_commands.layout import Recording
from seqbench_tasks.speech_commands.levels import DIGITS

HASH_DIVIDER = "_nohash_"
MIN_SHARED_PART = 0.5
"""Of the recordings: whoever is read from their names must be heard saying two words or more."""
TAKE_PART = 0.9
"""Of the recordings whose names differ by one number only: with so many alone in their word, it numbers takes."""
SPEAKER_NAMES = ("speaker", "spkr", "spk", "talker", "voice", "subject", "subj", "person", "participant", "user")
"""What says of itself that its number is a speaker's."""


def read_speakers(recordings: Iterable[Recording]) -> dict[str, str]:
    """Name → speaker, empty where none can be read.

    `<speaker>_nohash_<n>` is the layout's own form. Else a folder between the word's and the file is taken for the
    speaker, or what a name has beside the word and a number (`7_jackson_32`, `s01-yes-3`), if most of those so found
    say several words: what names takes of one word only is no speaker, nor is a number that every word has once
    (`Recording (3)`, `p3`).
    """
    found: dict[str, str] = {}
    guesses: dict[Recording, str] = {}
    for recording in recordings:
        if HASH_DIVIDER in recording.stem:
            found[recording.name] = hashed_speaker(recording.name)
        else:
            guesses[recording] = "/".join(recording.between) or _guess(recording)
            found[recording.name] = ""
    guesses |= dict.fromkeys(_takes(guesses), "")
    if _is_believable(guesses):
        found |= {recording.name: speaker for recording, speaker in guesses.items()}
    return found


def hashed_speaker(name: str) -> str:
    """What stands before `_nohash_` in a file's name."""
    return re.sub(rf"{HASH_DIVIDER}.*$", "", name.rpartition("/")[2])


def _guess(recording: Recording) -> str:
    """What a name has beside the word and a trailing number; empty when that is nothing, or a number alone."""
    word = re.escape(recording.word.casefold())
    if recording.word.casefold() in DIGITS:
        word = f"{word}|{DIGITS.index(recording.word.casefold())}"
    tokens = [token for token in re.split(r"[_\-\s.]+", recording.stem.casefold()) if token]
    is_word = [re.fullmatch(rf"({word})", token) is not None for token in tokens]
    if any(is_word):
        del tokens[is_word.index(True)]
    elif tokens and re.fullmatch(rf"({word})\d+", tokens[0]):
        del tokens[0]
    if tokens and tokens[-1].isdigit():
        tokens.pop()
    return "_".join(tokens)


def _takes(guesses: Mapping[Recording, str]) -> list[Recording]:
    """Those whose guessed speaker is no more than a number that each word has once: the same takes of every word."""
    alike: defaultdict[str, list[Recording]] = defaultdict(list)
    for recording, guess in guesses.items():
        is_only_number = len(re.findall(r"\d+", recording.stem)) == 1
        if guess and not recording.between and is_only_number and _is_numbered(guess):
            alike[re.sub(r"\d+", "#", guess)].append(recording)
    takes: list[Recording] = []
    for group in alike.values():
        places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for recording in group:
            places[recording.word, recording.split].append(guesses[recording])
        most = set(max(places.values(), key=lambda found: len(set(found))))
        once = sum(found.count(guess) == 1 and guess in most for found in places.values() for guess in found)
        if once >= TAKE_PART * len(group):
            takes += group
    return takes


def _is_numbered(guess: str) -> bool:
    """Is there one number in it, at its end or by itself, and nothing that says that it is a speaker's?"""
    if guess.startswith(SPEAKER_NAMES) or len(re.findall(r"\d+", guess)) != 1:
        return False
    return any(re.fullmatch(r"\W*\d+\W*", token) for token in guess.split("_")) or bool(re.search(r"\d\W*$", guess))


def _is_believable(guesses: Mapping[Recording, str]) -> bool:
    words: defaultdict[str, set[str]] = defaultdict(set)
    for recording, speaker in guesses.items():
        if speaker:
            words[speaker].add(recording.word)
    shared = sum(len(words[speaker]) > 1 for speaker in guesses.values() if speaker)
    return len(words) > 1 and shared >= MIN_SHARED_PART * len(guesses)
