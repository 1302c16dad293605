"""What a row is called where there is little room: a label, or its model's name and a letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from string import ascii_lowercase

ROOM = 26
"""Characters of a label that stands in a figure as it is."""


def short_names(labels: Iterable[str]) -> dict[str, str]:
    """By label, what figures and matrices call it: unique, and at most about ROOM characters."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        names[label] = _unique(_plain(label), taken)
        taken.add(names[label])
    return names


def _unique(label: str, taken: set[str]) -> str:
    if len(label) <= ROOM and label not in taken:
        return label
    base = label.partition("[")[0]
    base = base if 0 < len(base) <= ROOM - 4 else f"{label[: ROOM - 5]}…"
    tries = (f"{base} ({_letters(number)})" for number in range(len(taken) + 1))
    return next(name for name in tries if name not in taken)


def _letters(number: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    first, last = divmod(number, len(ascii_lowercase))
    return (_letters(first - 1) if first else "") + ascii_lowercase[last]


def _plain(label: str) -> str:
    """The label without characters that control a terminal or turn the direction of what follows."""
    return "".join("\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in label)


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis where it has more characters than that."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def settings(label: str) -> str:
    """What stands in the brackets of a label: the parameters that differ from the defaults, for a line of its own."""
    base, bracket, rest = label.partition("[")
    return rest.removesuffix("]").replace(",", ", ") if base and bracket else ""


def base_name(label: str) -> str:
    """The label without its settings."""
    base, bracket, _ = label.partition("[")
    return base if base and bracket else label
