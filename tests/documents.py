"""Documents as their readers use them: fenced blocks are files and commands, done in order in a folder of one's own.

A block of any language with a `title="my_cell.py"` is that file. A block of `sh` is typed in a shell, and one of `text`
below it holds lines that the shell must have shown, in this order: numbers in them may be others, and a line `...`
stands for any, as `...` in a line does for the rest of it. Blocks of other languages are for reading.
"""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"

FENCE = re.compile(r'^```(\w*)(?: +title="([^"]+)")?[^\n]*\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PROGRAMS = {"seqbench": "seqbench.cli", "pip": "pip", "pytest": "pytest"}
"""What a reader types, and the module that it is."""
QUIET = {
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "SEQBENCH_DISABLE_PLUGINS": "mlflow",
    # What a package needs is here, and a test asks no index for it.
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_NO_DEPS": "1",
    "PIP_NO_INDEX": "1",
}


@dataclass(frozen=True)
class Block:
    """A fenced block. line: of its fence, from 1."""

    language: str
    title: str
    text: str
    line: int


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2] or "", found[3], text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]


@dataclass
class Reader:
    """Somebody who does what documents say: with a folder and an environment of Python's of their own.

    Packages that they install are not there for others. files, words: files (by title) and pieces of commands that are
    otherwise than they are shown, so that the same is done in less time.
    """

    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place = self.folder / "work"
        self.place.mkdir()
        self.python = self.folder / "venv" / "bin" / "python"
        venv.EnvBuilder(symlinks=True).create(self.folder / "venv")
        packages = next((self.folder / "venv" / "lib").iterdir()) / "site-packages"
        lines = [f"import site; site.addsitedir({folder!r})" for folder in site.getsitepackages()]
        (packages / "ours.pth").write_text("\n".join(lines) + "\n")
        for name, module in PROGRAMS.items():
            program = self.python.with_name(name)
            program.write_text(f'#!/bin/sh\nexec "{self.python}" -m {module} "$@"\n')
            program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Of the shell."""
        found = {**os.environ, **QUIET}
        found["PATH"] = f"{self.python.parent}{os.pathsep}{found['PATH']}"
        found.pop("PYTHONSAFEPATH", None)
        return found

    def follow(self, document: Path) -> None:
        """Do everything that the document says. Raises AssertionError where something goes otherwise than it says."""
        shown = ""
        for block in blocks(document):
            where = f"{document.name}, line {block.line}"
            if block.title:
                file = self.place / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self.files.get(block.title, block.text), encoding="utf-8")
            elif block.language == "sh":
                shown = self.type(block.text, where)
            elif block.language == "text":
                missing = next(missing_lines(block.text, shown), None)
                assert missing is None, f"{where}: {missing!r} is not in\n{shown}"

    def type(self, commands: str, where: str) -> str:
        """What a shell shows for these commands; the folder that they end in is where the reader goes on."""
        there = self.folder / "place"
        for shown, typed in self.words.items():
            commands = commands.replace(shown, typed)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'{commands}\npwd > "{there}"'],
            cwd=self.place,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert 0 == done.returncode, f"{where}: exit code {done.returncode}\n{commands}\n{done.stdout}"
        self.place = Path(there.read_text().strip())
        return done.stdout


def missing_lines(expected: str, shown: str) -> Iterator[str]:
    """The expected lines that are not shown, one after the other; numbers, spaces and rules of tables may differ."""
    lines = iter(map(_plain, shown.splitlines()))
    for line in filter(str.strip, expected.splitlines()):
        beginning, more, _ = _plain(line).partition("...")
        if beginning and not any(there.startswith(beginning) and (more or there == beginning) for there in lines):
            yield line


def _plain(line: str) -> str:
    return " ".join(re.sub(r"\d[\d.,]*", "#", re.sub(r"[─━│┃╭╮╰╯┏┓┗┛┡┩├┤┼]+", " ", line)).split())


if __name__ == "__main__":
    Reader(Path(sys.argv[2])).follow(Path(sys.argv[1]))
