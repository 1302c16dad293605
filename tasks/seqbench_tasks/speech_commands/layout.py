"""Finding the words, their recordings and the background noise in a folder, however deep they lie."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seqbench import DataError, expand

SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
FOREIGN = (".m4a", ".aac", ".mp4", ".wma", ".webm", ".amr", ".3gp")
"""Recordings that libsndfile does not read."""
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing", "eval", "evaluation"),
}
SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}


@dataclass(frozen=True)
class Recording:
    """One file: its name below the root (its id), its word, the folders between word and file, and its split if told.

    split: what a folder above the word's says, else empty.
    """

    name: str
    word: str
    between: tuple[str, ...]
    split: str = ""

    @property
    def stem(self) -> str:
        """The file's name without its suffix."""
        return Path(self.name).stem


@dataclass(frozen=True)
class Layout:
    """A folder of recordings by word.

    root: what names are below of. recordings: sorted by word and name. noise: files of background noise.
    places: folders in which lists may lie, the nearest first. warnings: sentences.
    """

    root: Path
    recordings: tuple[Recording, ...]
    noise: tuple[Path, ...]
    places: tuple[Path, ...]
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Every word, sorted."""
        return tuple(sorted({recording.word for recording in self.recordings}))

    def only(self, words: tuple[str, ...]) -> Layout:
        """The recordings of these words. Raises DataError when one is not there, in whatever case it is written."""
        chosen = matching(words, self.words, str(self.root))
        return replace(self, recordings=tuple(item for item in self.recordings if item.word in chosen))


def matching(wanted: tuple[str, ...], found: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Those of the words found that are wanted, in the order wanted; upper and lower case are the same.

    Raises DataError naming the first that is not there.
    """
    known = {word.casefold(): word for word in found} | {word: word for word in found}
    missing = [word for word in wanted if word not in known and word.casefold() not in known]
    if missing:
        raise DataError(f"{where} has no word '{missing[0]}': there is {', '.join(found)}.")
    return tuple(known.get(word) or known[word.casefold()] for word in wanted)


def find(source: str) -> Layout:
    """Look through a folder, or through what matches a pattern.

    Raises DataError when there is no folder, or recordings of fewer than two words.
    """
    root, tops = _root(source)
    files: list[Path] = []
    noise: list[Path] = []
    foreign: Counter[str] = Counter()
    for path in _walk(tops):
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            folders = path.relative_to(root).parts[:-1]
            if any(_is_noise(part) for part in folders):
                noise.append(path)
            elif not any(part.startswith("_") for part in folders):
                files.append(path.relative_to(root))
        elif suffix in FOREIGN:
            foreign[suffix] += 1
    prefix = _wrapping(files)
    base = root.joinpath(*prefix)
    names = [path.relative_to(Path(*prefix)) for path in files if path.parts[: len(prefix)] == prefix]
    recordings = sorted(_recordings(names), key=lambda item: (item.word, Path(item.name).parts))
    if len({item.word for item in recordings}) < 2:
        raise DataError(_too_few(source, recordings, names, foreign))
    warnings = (f"{foreign.total()} {', '.join(sorted(foreign))} files were not read: convert them to WAV or FLAC.",)
    places = tuple(root.joinpath(*prefix[:depth]) for depth in range(len(prefix), -1, -1))
    return Layout(base, tuple(recordings), tuple(sorted(noise)), places, warnings if foreign else ())


def _root(source: str) -> tuple[Path, list[Path]]:
    """The folder that holds everything, and what to look through in it."""
    path = Path(source)
    if path.is_dir():
        return path, [path]
    if path.is_file():
        raise DataError(
            f"{source} is a file: give a folder that has a folder of recordings per word, and unpack an archive first."
        )
    if not any(sign in source for sign in "*?["):
        raise DataError(f"{source} is no folder: give one that has a folder of recordings per word.")
    found = expand(source)
    root = Path(os.path.commonpath([item if item.is_dir() and len(found) == 1 else item.parent for item in found]))
    return root, found


def _walk(tops: list[Path]) -> Iterator[Path]:
    """Every file, without those that systems leave about (`.DS_Store`, `__MACOSX`); links are followed once."""
    seen: set[str] = set()
    for top in tops:
        if top.is_file():
            yield top
        for folder, inner, files in os.walk(top, followlinks=True):
            inner[:] = sorted(name for name in inner if not name.startswith((".", "__")))
            real = os.path.realpath(folder)
            if real in seen:
                inner.clear()
                continue
            seen.add(real)
            yield from (Path(folder, name) for name in files if not name.startswith("."))


def _is_noise(folder: str) -> bool:
    return folder.casefold().replace("_", "").replace("-", "").replace(" ", "") == "backgroundnoise"


def _wrapping(files: list[Path]) -> tuple[str, ...]:
    """The folders around the words' folders: while all lies in one folder that has only folders, go into it."""
    prefix: tuple[str, ...] = ()
    while True:
        depth = len(prefix)
        tops = {path.parts[depth] for path in files if len(path.parts) > depth + 1}
        inside = [path for path in files if len(path.parts) > depth + 1]
        if len(tops) != 1 or any(len(path.parts) <= depth + 2 for path in inside):
            return prefix
        prefix = (*prefix, tops.pop())
        files = inside


def _recordings(names: list[Path]) -> Iterator[Recording]:
    """The recordings, with the split where the topmost folders are called train, validation and test."""
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    splits = {SPLIT_OF.get(top.casefold(), "") for top in tops}
    is_split = "train" in splits and "" not in splits and any(len(name.parts) > 2 for name in names)
    first = 1 if is_split else 0
    for name in names:
        if len(name.parts) > first + 1:
            split = SPLIT_OF[name.parts[0].casefold()] if is_split else ""
            yield Recording(name.as_posix(), name.parts[first], name.parts[first + 1 : -1], split)


def _too_few(source: str, recordings: list[Recording], names: list[Path], foreign: Counter[str]) -> str:
    """What to say of a folder that has no two words."""
    kinds = ", ".join(SUFFIXES)
    if recordings:
        return (
            f"{source} has recordings of fewer than two words (only of '{recordings[0].word}'): it should hold a "
            f"folder per word with {kinds} files."
        )
    if names:
        return (
            f"{source} has {len(names)} recordings and no folder per word (fewer than two words): put each into a "
            "folder named after what is said in it."
        )
    if foreign:
        return (
            f"{source} has only {', '.join(sorted(foreign))} files, which libsndfile cannot read, and so fewer than "
            "two words: convert them to WAV or FLAC."
        )
    return f"{source} has recordings of fewer than two words: it should hold a folder per word with {kinds} files."
