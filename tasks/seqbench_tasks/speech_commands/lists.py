"""The lists of validation and test files that may lie beside the words, as people write them."""

from __future__ import annotations

import codecs
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seqbench_tasks.speech_commands.audio import counted
from seqbench_tasks.speech_commands.layout import SUFFIXES, Layout, plain


@dataclass(frozen=True)
class Lists:
    """Name → split for the files listed; which splits have a list; and what to warn of."""

    members: dict[str, str]
    given: tuple[str, ...]
    warnings: tuple[str, ...]


def read_lists(layout: Layout) -> Lists:
    """Read the lists. Entries may have backslashes, a leading `./` or folder, another case or another suffix."""
    exact = {item.name for item in layout.recordings}
    loose: defaultdict[str, set[str]] = defaultdict(set)
    for item in layout.recordings:
        parts = item.name.split("/")
        for key in (item.name, "/".join(parts[-2:]), f"{item.word}/{parts[-1]}"):
            loose[_key(key)].add(item.name)
    members: dict[str, str] = {}
    given: list[str] = []
    warnings: list[str] = []
    for split, path in layout.lists.items():
        given.append(split)
        missing = []
        for entry in _entries(path):
            name = entry if entry in exact else _only(loose, entry)
            if name is None:
                missing.append(entry)
            elif members.setdefault(name, split) != split:
                warnings.append(f"'{name}' is in both lists: it is in {members[name]}.")
        if missing:
            warnings.append(
                f"{counted(len(missing), 'entry')} of {path.name} {'names' if len(missing) == 1 else 'name'} no "
                f"recording that is there, '{missing[0]}' first."
            )
    if given and not members:
        members = dict.fromkeys(exact, "train")
    return Lists(members, tuple(given), tuple(warnings))


def _entries(path: Path) -> list[str]:
    content = path.read_bytes()
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    lines = (line.strip().strip("\"'").replace("\\", "/") for line in text.splitlines())
    return [str(PurePosixPath(line.lstrip("/"))) for line in lines if line]


def _only(loose: dict[str, set[str]], entry: str) -> str | None:
    """The one recording that an entry can mean, by all of it or by its last folder and name."""
    for key in (entry, "/".join(entry.split("/")[-2:])):
        names = loose.get(_key(key), set())
        if len(names) == 1:
            return next(iter(names))
    return None


def _key(name: str) -> str:
    """A name without what people change of it: its case, its Unicode form, and the suffix of the recording."""
    path = PurePosixPath(plain(name))
    return str(path.with_suffix("") if path.suffix in SUFFIXES else path)
