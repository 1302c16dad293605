"""Make the generated parts of `docs/commands.md` and `docs/hooks.md`, between their `<!-- generated: ... -->` marks.

`python scripts/make_reference_pages.py`, with seqbench installed, writes both pages; the words around the marks are
written by hand. A test compares what is there with what this would write.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from seqbench import hookspecs

DOCS = Path(__file__).resolve().parent.parent / "docs"
MARK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every page with a generated part, as it should be."""
    parts = {"commands": commands, "hooks": hooks, "nouns": nouns}

    def part(found: re.Match[str]) -> str:
        return f"{found[1]}\n{parts[found[2]]().strip()}\n\n{found[3]}"

    return {
        file: MARK.sub(part, file.read_text(encoding="utf-8")) for file in (DOCS / "commands.md", DOCS / "hooks.md")
    }


# Commands


def commands() -> str:
    """A section per command: what it does, how it is called, its options."""
    import typer

    from seqbench.cli import app

    root = typer.main.get_command(app)
    sections = [_command(root, ("seqbench",))]
    sections += [_command(command, path) for path, command in _below(root, ("seqbench",))]
    return "\n\n".join(sections)


def _below(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _below(command, (*path, name))
        else:
            yield (*path, name), command


def _command(command: Any, path: tuple[str, ...]) -> str:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item not in arguments and not item.hidden]
    usage = " ".join([*path, *(_argument(item) for item in arguments), *(["[OPTIONS]"] if options else [])])
    title = " ".join(path[1:]) or "seqbench"
    if hasattr(command, "commands"):
        usage = f"{' '.join(path)} [OPTIONS] COMMAND"
    rows = [(f"`{_argument(item)}`", _meaning(item)) for item in arguments]
    rows += [(_option(item), _meaning(item)) for item in options]
    parts = [f"### {title}" if path[1:] else "### Without a command", f"```\n{usage}\n```", _prose(command.help)]
    if rows:
        parts.append(table(("option", "what it does"), rows))
    return "\n\n".join(part for part in parts if part)


def _argument(item: Any) -> str:
    name = item.metavar or item.name.upper()
    name = name if item.required or name.startswith("[") else f"[{name}]"
    return f"{name}..." if item.nargs == -1 and not name.endswith("...") else str(name)


def _option(item: Any) -> str:
    names = [*item.opts, *item.secondary_opts]
    values = f" {_value(item)}" if not item.is_flag else ""
    return ", ".join(f"`{name}{values}`" for name in names)


def _value(item: Any) -> str:
    return str(item.metavar or ("N" if type(item.default) is int else item.name.upper()))


def _meaning(item: Any) -> str:
    """What an option's help says, with its choices and its default."""
    default = item.default() if callable(item.default) else item.default
    choices = (
        f" One of {', '.join(str(choice.value) for choice in type(default))}." if isinstance(default, Enum) else ""
    )
    default = default.value if isinstance(default, Enum) else default
    is_said = isinstance(default, (int, float, str)) and not isinstance(default, bool) and default != ""
    return f"{item.help or ''}{choices}{f' Default: `{default}`.' if is_said else ''}".strip()


def _prose(text: str | None) -> str:
    """A docstring as paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n"))


# Hooks


SINCE = re.compile(r"\s*Since interface (\d+)\.$")


def hooks() -> str:
    """A section per hook: its signature, when it is called, and since which version of the interface."""
    found = [(name, getattr(hookspecs, name)) for name in vars(hookspecs) if name.startswith("seqbench_")]
    return "\n\n".join(_hook(name, function) for name, function in found)


def _hook(name: str, function: Any) -> str:
    text = _prose(function.__doc__)
    since = SINCE.search(text)
    if since is None:
        raise ValueError(f"the docstring of {name} does not end with 'Since interface N.'")
    signature = str(inspect.signature(function)).replace("'", "")
    linked = [noun for noun in NOUNS if re.search(rf"\b{noun}\b", signature)]
    links = ", ".join(f"[`{noun}`](#{noun.lower()})" for noun in linked)
    kind = "Gives" if not inspect.signature(function).parameters else "Is given"
    code = f"```python\n@hookimpl\ndef {name}{signature}: ...\n```"
    facts = [f"- {kind}: {links}"] if links else []
    return "\n\n".join([f"### {name}", code, SINCE.sub("", text), "\n".join([*facts, f"- Since interface {since[1]}"])])


NOUNS: Mapping[str, str] = {
    "ModelSpec": "seqbench.spec",
    "TaskSpec": "seqbench.spec",
    "Run": "seqbench.runs",
    "Cell": "seqbench.plan",
    "Advance": "seqbench.execution.jobs",
    "EpochRecord": "seqbench.records",
    "CellRecord": "seqbench.records",
    "Costs": "seqbench.records",
    "Failure": "seqbench.records",
}
"""What hooks are given or give, and what these are made of, with the module that each is defined in."""


def nouns() -> str:
    """A section per noun: what it is, and each of its fields."""
    from importlib import import_module

    return "\n\n".join(_noun(getattr(import_module(module), name)) for name, module in NOUNS.items())


PLAIN = {"name": "what it is called: lower-case letters, digits, `_` and `-`, a letter first"}
"""What no docstring need say again."""


def _noun(noun: Any) -> str:
    fields = dataclasses.fields(noun)
    about, said = "", dict(PLAIN)
    for kind in reversed(noun.__mro__[:-1]):
        text = inspect.cleandoc(kind.__doc__ or "")
        about, described = _described(text, {item.name for item in fields})
        said.update(described)
    missing = sorted({item.name for item in fields} - said.keys())
    if missing:
        raise ValueError(f"the docstring of {noun.__name__} says nothing of '{missing[0]}'")
    rows = [(f"`{item.name}`", _type(item.type), said[item.name]) for item in fields]
    return f"### {noun.__name__}\n\n{about}\n\n{table(('field', 'type', 'what it is'), rows)}"


def _described(text: str, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """What a class's docstring says of the whole, and of each field: `name: ...` or `one, other: ...`."""
    known = "|".join(sorted(names))
    start = re.compile(rf"(?:^|(?<=[.;?] )|(?<=\n))((?:(?:{known}), )*(?:{known})): ")
    body = re.split(r"\n\s*\nRaises ", text)[0]
    found = list(start.finditer(body))
    ends = [*(match.start() for match in found[1:]), len(body)]
    said = {}
    for match, end in zip(found, ends, strict=True):
        words = " ".join(body[match.end() : end].split()).rstrip(".;")
        said.update(dict.fromkeys(match[1].split(", "), words))
    return _prose(body[: found[0].start()] if found else body), said


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return " or ".join(f"`{part}`" for part in re.split(r" \| (?![^\[]*\])", text))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown. A bar in a cell is written as a word: readers of Markdown differ about bars in code."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(re.sub(r"\s*\|\s*", " or ", cell) for cell in line) + " |" for line in lines)


def main() -> None:
    """Write both pages."""
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
