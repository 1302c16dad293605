"""Which files a source gives: those whose content is part of the data's key, and no others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqbench import DataError, expand, walk_files

LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
"""Also `TaskSpec.sidecars`: what counts, and may be read, directly beside what a pattern matches."""
FETCHED = "fetched.json"
"""Written by a fetcher beside the words: what to warn of, and labels that cannot be names of folders."""


@dataclass(frozen=True)
class Files:
    """All that may be read of a source.

    root: what lies above all of it. files: sorted, each folder once however many links lead to it. beside: lists and
    what a fetcher wrote. broken: links that lead nowhere.
    """

    root: Path
    files: tuple[Path, ...]
    beside: tuple[Path, ...]
    broken: tuple[Path, ...]
    is_pattern: bool

    def named(self, name: str, folders: tuple[Path, ...]) -> Path | None:
        """The first of these folders' files of that name (given in lower case, there in any), or None."""
        for folder in folders:
            for path in self.beside:
                if path.parent == folder and path.name.casefold() == name:
                    return path
        return None


def files_of(source: str) -> Files:
    """Look through a folder, or through what matches a pattern; what systems leave about is passed over.

    Raises DataError when there is no folder, or a name that is no Unicode text.
    """
    root, tops = _root(source)
    paths = sorted({path for top in tops for path in _below(top, root)})
    for path in paths:
        if not _is_text(str(path)):
            raise DataError(
                f"the name {str(path)!a} is no UTF-8 text, so that nothing can be listed or recorded by it: rename "
                "it, or unpack its archive with the encoding that it was made with."
            )
    real = {folder: os.path.realpath(folder) for folder in {path.parent for path in paths}}
    found: dict[tuple[str, str], Path] = {}
    for path in paths:
        found.setdefault((real[path.parent], path.name), path)
    is_pattern = not Path(source).is_dir()
    names = {*LISTS.values(), FETCHED}
    beside = {path for path in found.values() if path.name.casefold() in names}
    if is_pattern:
        around = {path for folder in {top.parent for top in tops} for path in folder.iterdir() if path.is_file()}
        beside |= {path for path in around if path.name.casefold() in LISTS.values()}
    broken = sorted({link for top in tops for link in _broken(top) if not _is_passed_over(link, top, root)})
    return Files(root, tuple(found.values()), tuple(sorted(beside)), tuple(broken), is_pattern)


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


def _below(top: Path, root: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    else:
        yield from (path for path in walk_files(top) if not _is_passed_over(path, top, root))


def _is_passed_over(path: Path, top: Path, root: Path) -> bool:
    """Is it one of those that systems leave about (`.DS_Store`, `__MACOSX`)?"""
    *folders, name = path.relative_to(top if top == root else top.parent).parts
    return name.startswith(".") or any(folder.startswith((".", "__")) for folder in folders)


def _is_text(name: str) -> bool:
    """Can the name be written down? Bytes that are no UTF-8 come as characters that nothing encodes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _broken(top: Path) -> Iterator[Path]:
    """Links to files that are not there, as archives without their content have them."""
    if top.is_symlink() and not top.exists():
        yield top
    for folder, _, names in os.walk(top):
        yield from (path for path in (Path(folder, name) for name in names) if not path.exists())
