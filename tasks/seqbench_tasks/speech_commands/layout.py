"""Finding the words, their recordings and the background noise in a folder, however deep they lie."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import check_bad, counted
from seqbench_tasks.speech_commands.files import FETCHED, LISTS, Files, files_of
from seqbench_tasks.speech_commands.levels import second_is_word

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
    lists: split → its list, where there is one. is_pattern: was the source one? warnings: sentences.
    """

    root: Path
    recordings: tuple[Recording, ...]
    noise: tuple[Path, ...]
    lists: Mapping[str, Path]
    is_pattern: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Every word, sorted."""
        return tuple(sorted({recording.word for recording in self.recordings}))

    def only(self, words: tuple[str, ...]) -> Layout:
        """The recordings of these words. Raises DataError as `matching` does."""
        chosen = matching(words, self.words, str(self.root))
        return replace(self, recordings=tuple(item for item in self.recordings if item.word in chosen))


def matching(wanted: tuple[str, ...], found: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Those of the words found that are wanted, in the order wanted, in whatever case and Unicode form.

    Raises DataError naming the first that is not there, and when those wanted are one word only.
    """
    known = {plain(word): word for word in found} | {word: word for word in found}
    missing = [word for word in wanted if word not in known and plain(word) not in known]
    if missing:
        raise DataError(f"{where} has no word '{missing[0]}': there is {', '.join(found)}.")
    chosen = tuple(known.get(word) or known[plain(word)] for word in wanted)
    if len(set(chosen)) == 1:
        raise DataError(
            f"only the word '{chosen[0]}' of {where} is asked for, and one word leaves nothing to tell apart: give two "
            f"or more out of {', '.join(found)}."
        )
    return chosen


def plain(text: str) -> str:
    """Text as it compares: macOS writes an accented letter as two characters, people as one, in either case."""
    return unicodedata.normalize("NFC", text).casefold()


def find(source: str) -> Layout:
    """Look through a folder, or through what matches a pattern.

    Raises DataError when there is no folder, recordings of fewer than two words, or too many links lead nowhere.
    """
    given = files_of(source)
    root = given.root
    files: list[Path] = []
    noise: list[Path] = []
    foreign: Counter[str] = Counter()
    for path in given.files:
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            folders = path.relative_to(root).parts[:-1]
            if any(_is_noise(part) for part in folders):
                noise.append(path)
            elif not any(part.startswith("_") for part in folders):
                files.append(path.relative_to(root))
        elif suffix in FOREIGN:
            foreign[suffix] += 1
    warnings = [*_lost(given, len(files), source)]
    if foreign:
        warnings.append(
            f"{counted(foreign.total(), 'recording')} of a kind that cannot be read ({', '.join(sorted(foreign))}) "
            "must be converted to WAV or FLAC to be used."
        )
    prefix = _wrapping(files)
    base = root.joinpath(*prefix)
    told, labels = _of_fetcher(given.named(FETCHED, (base,)))
    names = [path.relative_to(Path(*prefix)) for path in files if path.parts[: len(prefix)] == prefix]
    recordings, read = _recordings(names, labels)
    if len({item.word for item in recordings}) < 2:
        raise DataError(_too_few(source, base, recordings, names, foreign))
    places = tuple(root.joinpath(*prefix[:depth]) for depth in range(len(prefix), -1, -1))
    places += (root.parent,) if given.is_pattern else ()
    lists = {split: place for split, name in LISTS.items() if (place := given.named(name, places))}
    return Layout(base, tuple(recordings), tuple(noise), lists, given.is_pattern, (*told, *read, *warnings))


def _lost(given: Files, read: int, source: str) -> Iterator[str]:
    """What to warn of where links to recordings lead nowhere. Raises DataError when these are too many."""
    lost = [link.relative_to(given.root).as_posix() for link in given.broken if link.suffix.lower() in SUFFIXES]
    check_bad([f"{name} is a link to a file that is not there" for name in lost], read + len(lost), source)
    if lost:
        are = "is a link to a file that is" if len(lost) == 1 else "are links to files that are"
        yield f"{counted(len(lost), 'recording')} {are} not there, '{lost[0]}' first: left out."


def _of_fetcher(path: Path | None) -> tuple[list[str], dict[str, str]]:
    """What a fetcher warned of, and label by folder where that differs; nothing when it is somebody else's file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path else {}
        return [str(text) for text in content.get("warnings", [])], dict(content.get("labels", {}))
    except (ValueError, TypeError, AttributeError):
        return [], {}


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


def _recordings(names: list[Path], labels: Mapping[str, str]) -> tuple[list[Recording], list[str]]:
    """The recordings, with the split where the topmost folders are called train, validation and test; and warnings."""
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    splits = {SPLIT_OF.get(top.casefold(), "") for top in tops}
    is_split = "train" in splits and "" not in splits and any(len(name.parts) > 2 for name in names)
    first = 1 if is_split else 0
    inside = [name for name in names if len(name.parts) > first + 1]
    split_of = {name: SPLIT_OF[name.parts[0].casefold()] if is_split else "" for name in inside}
    is_second, told = second_is_word([(split_of[name], Path(*name.parts[first:])) for name in inside])
    found = []
    for name in inside:
        folders = name.parts[first:-1]
        word, between = folders[0], folders[1:]
        if is_second and between:
            word, between = between[0], (word, *between[1:])
        found.append(Recording(name.as_posix(), labels.get(word, word), between, split_of[name]))
    return sorted(found, key=lambda item: (item.word, Path(item.name).parts)), [told] if told else []


def _too_few(source: str, base: Path, recordings: list[Recording], names: list[Path], foreign: Counter[str]) -> str:
    """What to say of a folder that has no two words."""
    kinds = ", ".join(SUFFIXES)
    if recordings:
        word, count = recordings[0].word, counted(len(recordings), "recording")
        found = (
            f"{source} has recordings of fewer than two words (only of '{word}': {count}, '{recordings[0].name}' first)"
        )
        if inner := _readable(recordings):
            return f"{found}, and words one folder deeper: give {base / inner}."
        return (
            f"{found}: it should hold a folder per word with {kinds} files, so if what is said stands in the names of "
            "the files or in a table, sort them into folders first, WORD/FILE."
        )
    if names:
        return (
            f"{source} has {counted(len(names), 'recording')} ('{names[0].as_posix()}' first) and no folder per word "
            "(fewer than two words): put each into a folder named after what is said in it, WORD/FILE, which may stand "
            "in the names of the files or in a table."
        )
    if foreign:
        return (
            f"{source} has only {', '.join(sorted(foreign))} files, which libsndfile cannot read, and so fewer than "
            "two words: convert them to WAV or FLAC."
        )
    return f"{source} has recordings of fewer than two words: it should hold a folder per word with {kinds} files."


def _readable(recordings: list[Recording]) -> str:
    """The folder taken for the one word, if there are folders of two words or more in it; else empty."""
    deeper = {item.between[0] for item in recordings if item.between}
    return Path(recordings[0].name).parts[0] if len(deeper) > 1 and not recordings[0].split else ""
