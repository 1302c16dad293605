"""A plugin package of one's own, written from the templates in `seqbench/templates`."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench.errors import ConfigError
from seqbench.spec import NAME_PATTERN
from seqbench.version import __version__

if TYPE_CHECKING:
    from seqbench.registry import Registry

TEMPLATES = Path(__file__).parent / "templates"
PREFIX = "seqbench"
ABOUT = {
    ("model", "dense"): "A minimal gated unit: one gate that both forgets and writes (Zhou et al. 2016).",
    ("task", "dense"): "Which comes first in a noisy series, a bump or a dip?",
    ("task", "tokens"): "Who did it first, the animal or the person, in a sentence about both?",
}
"""By what it is and its input: what is true of a package as it is written."""
LONGEST_ABOUT = 100
"""Letters: it stands on one line of code."""
RESERVED = {
    "all": "it means every one in --models and --tasks",
    "builtin": "it means a task's own data",
    "models": "seqbench_models is the package of the built-in models",
    "tasks": "seqbench_tasks is the package of the built-in tasks",
}
"""Names that no plugin can have, and why."""


@dataclass(frozen=True)
class Package:
    """A package that is to be written.

    kind: `model` or `task`. name: what it is called on the command line and on boards. about: one sentence; a true one
    about what is written, by default. author: `NAME`, or `NAME <ADDRESS>`. input: what a task gives to models, `dense`
    or `tokens`.

    Raises ConfigError, with one sentence, for what cannot be used.
    """

    kind: str
    name: str
    about: str = ""
    author: str = ""
    input: str = "dense"

    def __post_init__(self) -> None:
        _check_name(self.kind, self.name)
        for option, value in (("--about", self.about), ("--author", self.author)):
            if not value.isprintable():
                raise ConfigError(f"{option} has a line break or another control character: give one line of text.")
        if len(self.about) > LONGEST_ABOUT:
            raise ConfigError(f"--about has {len(self.about)} letters: give one sentence of at most {LONGEST_ABOUT}.")
        if (self.kind, self.input) not in ABOUT:
            raise ConfigError(f"'{self.input}' is no kind of input of a {self.kind}: give dense or tokens.")

    @property
    def stem(self) -> str:
        """The name as part of a file's name."""
        return re.sub(r"[-_]+", "_", self.name)

    @property
    def module(self) -> str:
        """What Python imports."""
        return f"{PREFIX}_{self.stem}"

    @property
    def distribution(self) -> str:
        """What is installed, as package indexes write it."""
        return self.module.replace("_", "-")

    def answers(self) -> dict[str, str]:
        """What the template asks: see `templates/copier.yml`."""
        about = self.about.strip() or ABOUT[self.kind, self.input]
        name, address = _author(self.author.strip() or f"The {self.distribution} authors")
        table = {"name": name, "email": address} if address else {"name": name}
        return {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "module": self.module,
            "stem": self.stem,
            "input": self.input,
            "about": about,
            "about_in_python": _in_python(about),
            "about_in_toml": _in_toml(about),
            "author": "{ " + ", ".join(f"{key} = {_in_toml(value)}" for key, value in table.items()) + " }",
            "holder": name,
            "year": str(dt.datetime.now(tz=dt.UTC).year),
            "requirement": f"seqbench>={__version__}",
        }


def check_is_free(package: Package, registry: Registry) -> None:
    """Raises ConfigError when the name of a package, or of what it offers, is taken by what is installed."""
    offered = registry.models if package.kind == "model" else registry.tasks
    if package.name in offered:
        taker = registry.info(package.kind, package.name).distribution
        raise ConfigError(f"there is a {package.kind} '{package.name}' already, in {taker}: give another name.")
    for task, spec in registry.tasks.items():
        if package.kind == "model" and package.name in spec.baselines:
            raise ConfigError(f"'{package.name}' is a baseline of the task '{task}', on its boards: give another name.")
    try:
        found = f"{package.distribution} {version(package.distribution)} is installed"
    except PackageNotFoundError:
        found = f"Python finds a module {package.module}" if importlib.util.find_spec(package.module) else ""
    if found:
        raise ConfigError(f"{found} already: give another name, or take it away first.")


def write(package: Package, folder: Path) -> list[Path]:
    """Write the package into `folder`, which is made, or is empty; the files, relative to it and sorted.

    Raises ConfigError when there is something in the folder, or it cannot be written.
    """
    from copier import Settings, run_copy

    answers = package.answers()
    with _filling(folder):
        # Settings that are the user's are for templates of the user's.
        run_copy(str(TEMPLATES), folder, answers, settings=Settings(), defaults=True, quiet=True)
        return sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())


@contextmanager
def _filling(folder: Path) -> Iterator[None]:
    """Make a folder, or take an empty one; if what is done inside fails, nothing is left of it.

    Raises ConfigError for a folder that is not empty, and for what the system does not allow.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty: choose another folder with --output.")
        try:
            yield
        except BaseException:
            _clear(folder, is_new)
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{folder} cannot be written ({reason}): choose another folder with --output.") from None


def _clear(folder: Path, is_new: bool) -> None:
    """Take away what is in a folder, and the folder itself where it is new."""
    for found in tuple(folder.iterdir()):
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink()
    if is_new:
        folder.rmdir()


def _check_name(kind: str, name: str) -> None:
    """Raises ConfigError, with a name that would do, for one that cannot be a plugin's."""
    if not NAME_PATTERN.fullmatch(name) or not name[-1].isalnum():
        raise ConfigError(
            f"'{name}' cannot be a {kind}'s name: use lower-case letters, digits, '-' and '_', 64 at most, "
            f"beginning with a letter and ending with a letter or digit{_proposal(name)}."
        )
    begun = re.match(rf"{PREFIX}[-_]", name)
    if begun:
        raise ConfigError(f"leave '{begun[0]}' out of the name: the package of '{name[begun.end() :]}' is called so.")
    if name in RESERVED:
        raise ConfigError(f"'{name}' cannot be a {kind}'s name, because {RESERVED[name]}: give another.")


def _proposal(name: str) -> str:
    """The end of a sentence: a name like it that would do, if one is left of it."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    plain = re.sub(r"[^a-z0-9]+", "-", parted).lstrip("-0123456789").rstrip("-")
    return f", '{plain}' say" if NAME_PATTERN.fullmatch(plain) and plain not in RESERVED else ""


def _author(text: str) -> tuple[str, str]:
    """Name and address of `NAME <ADDRESS>`; the address is empty where there is none."""
    found = re.fullmatch(r"(.+?)\s*<([^<>@\s]+@[^<>@\s]+)>", text)
    return (found[1], found[2]) if found else (text, "")


def _in_toml(text: str) -> str:
    """A string of TOML: of printable text JSON's is one."""
    return json.dumps(text, ensure_ascii=False)


def _in_python(text: str) -> str:
    """A string of Python as its formatters write it: in double quotes, unless that takes more backslashes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote
