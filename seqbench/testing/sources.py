"""Checks of what a task says of a source that it cannot use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from seqbench.errors import SeqbenchError, one_line
from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.identity import differences
from seqbench.testing.subjects import TaskSubject

LONGEST = 600
"""Characters that one sentence may have, paths and all."""


def missing_source_is_a_sentence(subject: TaskSubject) -> str:
    """A path that leads nowhere, an empty file, an empty folder."""
    told = []
    with tempfile.TemporaryDirectory() as folder:
        for what, path in _sources(Path(folder)):
            try:
                data = subject.prepare(str(path))
            except SeqbenchError as error:
                text = str(error)
                if not text.strip() or "\n" in text.strip() or len(text) > LONGEST:
                    raise UnmetError(f"for {what} it says {text[:200]!r}, which is no sentence") from error
                told.append(one_line(error).replace(str(path), path.name))
            except (Exception, SystemExit) as error:
                raise UnmetError(f"{what} ends in {type(error).__name__}: {one_line(error)}") from error
            else:
                if told or differences(subject.data, data):
                    raise UnmetError(f"{what} is prepared as if it were data")
                raise InapplicableError("its data is its own, whatever source is given")
    return told[0]


def _sources(folder: Path) -> Iterator[tuple[str, Path]]:
    """By what they are; the first is not there."""
    empty, bare = folder / "empty.csv", folder / "bare"
    empty.touch()
    bare.mkdir()
    yield "a path that leads nowhere", folder / "missing.csv"
    yield "an empty file", empty
    yield "an empty folder", bare
