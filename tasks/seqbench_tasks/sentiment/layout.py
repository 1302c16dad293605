"""What lies where in a source: which files are which split, and what they are read as."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from seqbench import DataError, expand, walk_files
from seqbench_tasks.sentiment.columns import SENTIMENT_WORDS, SPLIT_NAMES, UNLABELLED, split_of
from seqbench_tasks.sentiment.encoding import content_suffix

FORMATS = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".txt", ".text", "", ".label", ".data", ".train", ".dev", ".valid", ".test"), "lines"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
NAMED_FORMATS = ".csv, .tsv, .txt, .json, .jsonl, .parquet (.gz, .bz2 or .xz behind it)"
IGNORED = {"readme", "license", "licence", "classes", "mapping", "labels", "vocab", "citation", "source"} | {
    "dataset_info", "dataset_infos", "state", "gitattributes", "changelog", "makefile", "samplesubmission",
    "sample_submission",
}  # fmt: skip
POLARITIES = {"pos": "pos", "positive": "pos", "neg": "neg", "negative": "neg"}
NO_CLASS = UNLABELLED | {"doc", "docs"}
"""Folders beside those of classes whose texts are none of a class."""
TEXT_SUFFIXES = (".txt", ".text", ".md", "")
ABOUT = {"readme", "license", "licence"}
NUMBERED_SPLIT = re.compile(r"(train|training|test|testing|valid|validation|val|dev)(set|data)?\d*")
MAX_DEPTH = 4


@dataclass(frozen=True)
class Piece:
    """A part of a split.

    kind: what to read it as: `csv`, `lines`, `json`, `parquet`, `label` (a text of this label per line), `texts` (a
    folder of a text per file), or `pair` (a file of texts, and one of labels, line by line).
    """

    path: Path
    kind: str
    label: str = ""
    labels: Path | None = None


@dataclass
class Layout:
    """The pieces of each split that a source has.

    unused: files and folders beside the pieces that are none, but for those about the data (README). joined: a split
    and the files of several names that were put together for it.
    """

    splits: dict[str, list[Piece]]
    unused: list[Path] = field(default_factory=list)
    joined: list[tuple[str, list[Path]]] = field(default_factory=list)

    def leaving(self, entries: Iterable[Path]) -> Layout:
        """The same, those of the entries unused that are in no piece and have none in them."""
        used = {path for pieces in self.splits.values() for piece in pieces for path in (piece.path, piece.labels)}
        taken = used.union(*(path.parents for path in used if path))
        free = [path for path in entries if path not in taken and used.isdisjoint(path.parents)]
        self.unused += [path for path in free if not _is_about(path)]
        return self


def find_layout(source: str) -> Layout:
    """The layout of a file, a folder or a glob pattern; what has one part only is all of train.

    Raises DataError for what is none that can be read.
    """
    try:
        return _found(source)
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}): check its permissions.") from None


def _found(source: str) -> Layout:
    paths = [path for path in expand(source) if not path.name.startswith(".")]
    if len(paths) == 1 and paths[0].is_file():
        if content_suffix(paths[0]) in (".pos", ".neg"):
            both = f"{paths[0].with_suffix('')}.*"
            raise DataError(f"{paths[0]} has texts of one label only: give its folder, or both files by '{both}'.")
        if not _is_data(paths[0], strict=False):
            raise DataError(f"{paths[0]} is none of {NAMED_FORMATS}: give a file in one of these formats.")
        return Layout({"train": [_piece(paths[0])]})
    if len(paths) == 1:
        found = _folder(paths[0], 0)
        if found is None:
            raise DataError(_nothing(paths[0]))
        return found
    files = [path for path in paths if path.is_file() and _is_data(path)]
    folders = [path for path in paths if path.is_dir()]
    layout = _layout(files, folders)
    if layout is None and files:
        layout = Layout({"train": [_piece(path) for path in files]})
    if layout is None:
        raise DataError(f"{source} matches no file that is one of {NAMED_FORMATS}: correct the pattern.")
    return layout.leaving(paths)


def _folder(folder: Path, depth: int) -> Layout | None:
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))
    files = [path for path in entries if path.is_file() and _is_data(path)]
    folders = [path for path in entries if path.is_dir()]
    attempts: tuple[Callable[[], Layout | None], ...] = (
        lambda: _layout(files, folders),
        lambda: Layout({"train": [_piece(files[0])]}) if len(files) == 1 else None,
        lambda: _only([_folder(inner, depth + 1) for inner in folders]) if not files and depth < MAX_DEPTH else None,
        lambda: _folder(folder / "data", depth + 1) if folder / "data" in folders and depth < MAX_DEPTH else None,
    )
    layout = next((found for found in (attempt() for attempt in attempts) if found is not None), None)
    return layout and layout.leaving(entries)


def _only(found: list[Layout | None]) -> Layout | None:
    """What the only folder with data has; None if several have."""
    layouts = [layout for layout in found if layout]
    return layouts[0] if len(layouts) == 1 else None


def _layout(files: list[Path], folders: list[Path]) -> Layout | None:
    """What files and folders side by side are, if their names say so."""
    attempts: tuple[Callable[[], Layout | None], ...] = (
        lambda: _by_pairs(files),
        lambda: _by_splits(files, folders) if any(map(split_in, folders)) else None,
        lambda: _by_classes(folders),
        lambda: _by_polarity(files),
        lambda: _by_splits(files, folders),
    )
    return next((found for found in (attempt() for attempt in attempts) if found is not None), None)


def _is_data(path: Path, *, strict: bool = True) -> bool:
    """strict: among the other files of a folder, where some are known to be about the data."""
    suffix = content_suffix(path)
    if suffix in (".pos", ".neg"):
        return strict
    return suffix in FORMATS and not (strict and _is_about(path))


def _is_about(path: Path) -> bool:
    """`README`, `rt-polaritydata.README.1.0.txt`, `labels.txt`: of the data, not data."""
    is_prose = FORMATS.get(path.suffix.lower(), "lines") == "lines"
    return path.name.partition(".")[0].lower() in IGNORED or (is_prose and "readme" in _words(path))


def _piece(path: Path) -> Piece:
    return Piece(path, FORMATS[content_suffix(path)])


def _words(path: Path) -> list[str]:
    """The words of a file's or folder's name, but for the ending that names its format."""
    name = path.name.lower()
    suffix = content_suffix(path)
    if suffix in (".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".pq"):
        name = name.rpartition(suffix)[0]
    return [word for word in re.split(r"[^a-z0-9]+", name) if word]


def split_in(path: Path) -> tuple[str, bool] | None:
    """The split that a name is of, and whether it says nothing else."""
    words = _words(path)
    if len(words) == 1 and (exact := split_of(words[0])):
        return exact, True
    for word in words:
        match = NUMBERED_SPLIT.fullmatch(word)
        if match and (split := split_of(match[1])):
            return split, False
    return None


def _by_splits(files: list[Path], folders: list[Path]) -> Layout | None:
    """Files or folders named after the splits; None unless there is one for train."""
    by_split: dict[str, list[tuple[bool, Path]]] = {}
    for path in [*files, *folders]:
        if not UNLABELLED & set(_words(path)) and (found := split_in(path)):
            by_split.setdefault(found[0], []).append((found[1], path))
    if "train" not in by_split:
        return None
    chosen: dict[str, list[Path]] = {}
    for split, candidates in by_split.items():
        exact = [path for is_exact, path in candidates if is_exact]
        chosen[split] = _shards(split, exact or [path for _, path in candidates])
    layout = Layout({})
    for split, paths in chosen.items():
        parts = [_pieces(path, split) for path in paths]
        layout.splits[split] = [piece for part in parts for piece in part.splits["train"]]
        layout.unused += [path for part in parts for path in part.unused]
        layout.joined += [joined for part in parts for joined in part.joined]
    return layout


def _shards(split: str, paths: list[Path]) -> list[Path]:
    """The files of a split, which differ in their numbers only. Raises DataError for files of different names."""
    files = [path for path in paths if path.is_file()]
    chosen = files or paths
    if not _are_shards(chosen):
        first, second = chosen[:2]
        raise DataError(f"{first.parent} has two files for {split}: {first.name} and {second.name}; keep one.")
    return chosen


def _are_shards(files: Iterable[Path]) -> bool:
    return len({re.sub(r"\d+(-of-\d+(-[0-9a-f]+)?)?", "", path.name) for path in files}) == 1


def _pieces(path: Path, split: str) -> Layout:
    """What a split's file or folder is made of, as train. Raises DataError for a folder with no text."""
    if path.is_file():
        return Layout({"train": [_piece(path)]})
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in entries if entry.is_file() and _is_data(entry)]
    for found in (
        _by_classes([entry for entry in entries if entry.is_dir()]),
        _by_polarity(files),
        Layout({"train": [_piece(entry) for entry in files]}, [], [] if _are_shards(files) else [(split, files)])
        if files
        else None,
    ):
        if found is not None:
            return found.leaving(entries)
    raise DataError(f"{path} has neither a file of labelled texts nor a folder of .txt files per class: add them.")


def _by_classes(folders: Iterable[Path]) -> Layout | None:
    """Folders of texts, one per class; of those of a pattern in several folders, these name the splits."""
    classes = [folder for folder in folders if folder.name.lower() not in NO_CLASS and _has_texts(folder)]
    if len(classes) < 2:
        return None
    splits: dict[str, list[Piece]] = {}
    named = {folder.parent: split_in(folder.parent) for folder in classes}
    has_splits = len(named) > 1 and "train" in {found[0] for found in named.values() if found}
    for folder in classes:
        found = named[folder.parent] if has_splits else ("train", True)
        if found:
            splits.setdefault(found[0], []).append(Piece(folder, "texts", folder.name))
    return Layout(splits)


def _has_texts(folder: Path) -> bool:
    """Directly, or anywhere below where the folder's name is a class's."""
    files = walk_files(folder) if folder.name.lower() in SENTIMENT_WORDS else filter(Path.is_file, folder.iterdir())
    return any(map(_is_text, files))


def texts_of(folder: Path) -> tuple[list[Path], list[Path]]:
    """The texts of a class's folder, at any depth, and its other files; those hidden or about the data are neither."""
    found = [path for path in walk_files(folder) if not any(part[0] == "." for part in path.relative_to(folder).parts)]
    home = folder.resolve()
    # A link back to where the classes lie would give the texts of the others.
    strange = {parent for parent in {path.parent for path in found} if _leads_above(parent, folder, home)}
    files = [path for path in found if path.parent not in strange]
    others = [path for path in files if not _is_text(path) and path.stem.lower() not in ABOUT]
    return list(filter(_is_text, files)), others


def _leads_above(path: Path, folder: Path, home: Path) -> bool:
    """Does a link between the folder (really `home`) and a path below it lead to the folder, or to what it lies in?"""
    between = [step for step in (path, *path.parents) if step != folder and step.is_relative_to(folder)]
    return any(home.is_relative_to(step.resolve()) for step in between)


def _is_text(path: Path) -> bool:
    """`1.txt`, `1.md`, `1`, `sci.space.1`."""
    is_about = path.name.startswith(".") or path.stem.lower() in ABOUT or "readme" in _words(path)
    return not is_about and (path.suffix.lower() in TEXT_SUFFIXES or path.suffix[1:].isdigit())


def _by_polarity(files: list[Path]) -> Layout | None:
    """`rt-polarity.pos` and `.neg`, `train_pos.txt` and `train_neg.txt`: a text per line."""
    splits: dict[str, dict[str, Path]] = {}
    for path in files:
        found = [POLARITIES[word] for word in _words(path) if word in POLARITIES and "urls" not in _words(path)]
        if len(set(found)) == 1 and content_suffix(path) in (".pos", ".neg", ".txt", ""):
            named = split_in(path)
            splits.setdefault(named[0] if named else "train", {})[found[0]] = path
    whole = {split: both for split, both in splits.items() if len(both) == 2}
    if "train" not in whole:
        return None
    pieces = {split: [Piece(path, "label", label) for label, path in both.items()] for split, both in whole.items()}
    return Layout(pieces)


def _by_pairs(files: list[Path]) -> Layout | None:
    """`train_text.txt` and `train_labels.txt` beside it (tweet_eval), which a pattern need not match."""
    pairs: dict[str, dict[Path, Path]] = {}
    for path in files:
        labels = path.with_name(re.sub(r"text(?=\.txt$)", "labels", path.name))
        if labels != path and labels.is_file() and (found := split_in(path)):
            pairs.setdefault(found[0], {})[path] = labels
    if "train" not in pairs:
        return None
    chosen = {split: _shards(split, list(both)) for split, both in pairs.items()}
    return Layout(
        {split: [Piece(path, "pair", labels=pairs[split][path]) for path in paths] for split, paths in chosen.items()}
    )


def _nothing(folder: Path) -> str:
    found = ", ".join(path.name for path in sorted(folder.iterdir())[:10]) or "nothing"
    splits = ", ".join(SPLIT_NAMES)
    return (
        f"{folder} has no train file (train.csv, .tsv, .txt, .jsonl or .parquet, for {splits}), no folder of texts per "
        f"class, and not just one file of data: it has {found}; name the file, or files by a pattern such as '*.csv'."
    )
