"""What pages say is so: the commands, options, messages, variables and hooks on them are those of the code."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from documents import DOCS, REPOSITORY, blocks
from seqbench import hookspecs
from seqbench.cli import app

PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]
SOURCES = [*(REPOSITORY / "seqbench").rglob("*.py"), *(REPOSITORY / "tasks").rglob("*.py")]


def generator() -> ModuleType:
    """`scripts/make_reference_pages.py`."""
    spec = importlib.util.spec_from_file_location(
        "make_reference_pages", REPOSITORY / "scripts" / "make_reference_pages.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["commands.md", "hooks.md"])
def test_generated_parts_are_up_to_date(page: str) -> None:
    """The references of commands and of hooks are what `scripts/make_reference_pages.py` makes of the code."""
    assert generator().pages()[DOCS / page] == (DOCS / page).read_text(encoding="utf-8")


def test_every_page_is_in_the_nav() -> None:
    """The site's nav leads to every page, and to none that there is not; a folder stands for what is in it."""
    nav = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    listed = set(re.findall(r": (\S+(?:\.md|/))(?:\s+#.*)?$", nav, re.MULTILINE))
    folders = {target for target in listed if target.endswith("/")}
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert {page for page in pages if not page.startswith(tuple(folders))} == listed - folders
    assert all((DOCS / folder).is_dir() for folder in folders)


# Commands


@cache
def options() -> dict[tuple[str, ...], frozenset[str]]:
    """The options of each command, and of each group of commands."""
    found: dict[tuple[str, ...], frozenset[str]] = {}

    def collect(command: Any, path: tuple[str, ...]) -> None:
        names = {name for item in command.params for name in (*item.opts, *item.secondary_opts)}
        found[path] = frozenset(names | {"-h", "--help"})
        for name, child in getattr(command, "commands", {}).items():
            collect(child, (*path, name))

    collect(typer.main.get_command(app), ())
    return found


def typed(page: Path) -> Iterator[list[str]]:
    """The words of every `seqbench ...` that the page shows, in blocks and in running text."""
    for block in blocks(page):
        if block.language not in ("python", "toml", "text"):
            text = re.sub(r"\\\n\s*", " ", block.text)
            for found in re.finditer(r"(?:^|[\s;(])seqbench ([a-z-].*)$", text, re.MULTILINE):
                yield shlex.split(re.split(r" [|<>]", found[1])[0], comments=True)
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for found in re.finditer(r"`seqbench ([^`]+)`", prose):
        yield " ".join(found[1].split()).replace("|", " ").split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_is_there(page: Path) -> None:
    """No page shows a command, or an option of one, that there is not."""
    for words in typed(page):
        path: tuple[str, ...] = ()
        for word in words:
            if (*path, word) not in options():
                break
            path = (*path, word)
        shown = " ".join(words)
        assert path or words[0].startswith("-"), f"seqbench {shown}"
        given = {word.split("=")[0] for word in words if re.match(r"-{1,2}[a-z]", word)}
        assert given <= options()[path], f"seqbench {shown}"


def test_commands_are_looked_for() -> None:
    """The pages show at least fifty commands: whoever changes how they are found sees it here."""
    assert 50 < sum(1 for page in PAGES for _ in typed(page))


# Messages and variables


@cache
def texts() -> str:
    """Every string of the code, a line each, with a gap where a value is put in."""
    found = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            words = [part.value if isinstance(part, ast.Constant) else "\0" for part in parts]
            if all(isinstance(word, str) for word in words):
                found.append(" ".join("".join(map(str, words)).split()))
    return "\n".join(found)


def messages() -> Iterator[str]:
    """The messages that the page on troubleshooting quotes, without what the command line puts before them."""
    page = DOCS / "troubleshooting.md"
    for block in blocks(page):
        if block.language == "text":
            yield from (re.sub(r"^(error|warning|WARNING): ", "", line) for line in block.text.splitlines())
    table = re.findall(r"^\| `([^`]* [^`]*)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    yield from (message for message in table if not message.startswith("ModuleNotFoundError"))


@pytest.mark.parametrize("message", list(messages()))
def test_every_message_quoted_is_one_of_the_code(message: str) -> None:
    """Whoever looks for a message in the guide finds it as it is printed."""
    # A sentence may be put together of parts, where a value is or after a colon.
    for piece in re.split(r"\.\.\.|: ", message):
        words = piece.strip(" '")
        assert len(words) < 5 or words in texts(), words


def test_every_variable_is_documented() -> None:
    """No variable of the environment that seqbench looks at is missing from its page."""
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    used = {name for file in SOURCES for name in re.findall(r"\bSEQBENCH_[A-Z_]+", file.read_text(encoding="utf-8"))}
    assert [] == [name for name in sorted(used - {"SEQBENCH_INTERFACE"}) if f"`{name}`" not in page]


# Hooks


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith("seqbench_")])
def test_every_hook_is_in_the_reference(hook: str) -> None:
    """Each hook has its section, with its signature and the version of the interface that it came with."""
    section = (DOCS / "hooks.md").read_text(encoding="utf-8").partition(f"### {hook}\n")[2].partition("\n### ")[0]
    assert f"def {hook}(" in section
    assert re.search(r"Since interface \d+", section)
