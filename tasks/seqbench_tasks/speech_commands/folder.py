"""A folder in Speech Commands layout: `<word>/<speaker>_nohash_<n>.wav` with lists of validation and test files.

P. Warden, Speech Commands: a dataset for limited-vocabulary speech recognition, arXiv 1804.03209 (2018).
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from pathlib import Path

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import Clip, FileInfo, Recordings, check_bad, common_rate, inspect, read_file
from seqbench_tasks.speech_commands.params import SpeechParams

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
MAX_FILES_PER_CLASS = 2**27 - 1
"""Of the published hash rule."""
VALIDATION_PERCENT = 10.0
TEST_PERCENT = 10.0


def read_folder(folder: Path, params: SpeechParams) -> Recordings:
    """Find the words and their recordings, look at every header, and split.

    Raises DataError with one sentence when the folder is missing, has no words, an empty split or too many bad files.
    """
    files = _find(folder, params)
    infos = {name: inspect(folder / name) for name in files}
    bad = [f"{name} {info.problem}" for name, info in infos.items() if info.problem]
    check_bad(bad, len(files), str(folder))
    good = [name for name in files if not infos[name].problem]
    splits, rule = _split(folder, good)
    for split, names in splits.items():
        if not names:
            raise DataError(
                f"the {split} split of {folder} is empty ({rule}): list its files in {LISTS.get(split, 'no list')}."
            )
    words = tuple(sorted({_word(name) for name in splits["train"]}))
    _check_known(splits, words, folder)
    rate = params.sample_rate or common_rate([infos[name].rate for name in splits["train"]])
    clips = {split: [_clip(folder, name) for name in names] for split, names in splits.items()}
    return Recordings(clips, words, rate, _notes(infos, bad, rule))


def _find(folder: Path, params: SpeechParams) -> list[str]:
    """Names `word/file` of every recording, sorted; folders that begin with `_` or `.` are no words."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: give one that has a folder of recordings per word.")
    words = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))
    if params.words:
        missing = sorted(set(params.words) - set(words))
        if missing:
            raise DataError(f"{folder} has no word '{missing[0]}': there is {', '.join(words)}.")
        words = [word for word in words if word in params.words]
    files = [
        f"{word}/{path.name}"
        for word in words
        for path in sorted((folder / word).iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if len({_word(name) for name in files}) < 2:
        raise DataError(
            f"{folder} has recordings of fewer than two words: it should hold a folder per word with "
            f"{', '.join(SUFFIXES)} files."
        )
    return files


def _split(folder: Path, names: list[str]) -> tuple[dict[str, list[str]], str]:
    """By the lists where there are any, else by the published hash rule."""
    lists = {split: folder / file for split, file in LISTS.items()}
    if any(path.is_file() for path in lists.values()):
        members = {split: _listed(path) for split, path in lists.items()}
        return _by_rule(
            names, lambda name: next((split for split in members if name in members[split]), "train")
        ), "by lists"
    unhashed = [name for name in names if "_nohash_" not in name]
    if unhashed:
        raise DataError(
            f"{folder} has neither validation_list.txt nor testing_list.txt, and '{unhashed[0]}' is not named "
            "<speaker>_nohash_<n>, so it cannot be split: add the lists."
        )
    return _by_rule(names, which_set), "by the hash of the speaker"


def _by_rule(names: list[str], rule: object) -> dict[str, list[str]]:
    assert callable(rule)
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name in names:
        splits[rule(name)].append(name)
    return splits


def _listed(path: Path) -> frozenset[str]:
    """The names in a list; one that is not there lists nothing."""
    if not path.is_file():
        return frozenset()
    return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def which_set(name: str) -> str:
    """The published rule: the speaker's hash decides, so that takes of one speaker stay together (Warden 2018)."""
    speaker = re.sub(r"_nohash_.*$", "", Path(name).name)
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = (number % (MAX_FILES_PER_CLASS + 1)) * (100.0 / MAX_FILES_PER_CLASS)
    if percent < VALIDATION_PERCENT:
        return "validation"
    return "test" if percent < VALIDATION_PERCENT + TEST_PERCENT else "train"


def _check_known(splits: dict[str, list[str]], words: tuple[str, ...], folder: Path) -> None:
    for split in ("validation", "test"):
        for name in splits[split]:
            if _word(name) not in words:
                raise DataError(f"'{name}' of {folder} is in the {split} split, but train has no '{_word(name)}'.")


def _word(name: str) -> str:
    return name.partition("/")[0]


def _clip(folder: Path, name: str) -> Clip:
    speaker = re.sub(r"_nohash_.*$", "", Path(name).stem) if "_nohash_" in name else ""
    return Clip(name, _word(name), speaker, partial(read_file, folder / name))


def _notes(infos: dict[str, FileInfo], bad: list[str], rule: str) -> dict[str, object]:
    good = [info for info in infos.values() if not info.problem]
    rates: dict[str, int] = {}
    for info in good:
        rates[str(info.rate)] = rates.get(str(info.rate), 0) + 1
    return {"split": rule, "dropped": bad, "file_rates": rates, "file_seconds": sum(info.seconds for info in good)}
