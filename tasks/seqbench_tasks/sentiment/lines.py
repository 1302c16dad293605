"""Text files with a labelled text per line: fastText, `0 text`, `text@label`, SST's trees, or tables after all."""

from __future__ import annotations

import re
from collections.abc import Callable

from seqbench import DataError
from seqbench_tasks.sentiment.columns import MAX_LABEL_WORDS, MAX_LABELS, NUMBER, find_columns
from seqbench_tasks.sentiment.delimited import REGULAR_PART, has_usual_name, is_regular, read_delimited
from seqbench_tasks.sentiment.texts import Table, counted

FASTTEXT = "__label__"
TREE = re.compile(r"\((\d+) .*\)")
LEAF = re.compile(r"\(\d+ ([^()\s]+)\)")
BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}
"""How the Penn Treebank writes brackets, which are the trees' own."""
MAX_LABEL_LENGTH = 40

Line = tuple[int, str]
Pair = tuple[str, str]
"""A label and a text."""


def read_lines(path: str, name: str, text: str, warnings: list[str]) -> Table:
    """The table of a text file. path: for messages; name: for places. Raises DataError when no way to read it fits."""
    lines = [(number, line.strip(" \t")) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty: give a file with a text and a label per line.")
    for is_so, split in ((TREE.fullmatch, _tree), (lambda line: FASTTEXT in line, _fasttext)):
        if sum(1 for _, line in lines if is_so(line)) >= REGULAR_PART * len(lines):
            return _table(name, lines, split)
    table = _tabular(path, name, text, lines, warnings) or _separated(name, lines, "\t@;|") or _numbered(name, lines)
    table = table or _with_commas(path, name, text, warnings) or _separated(name, lines, ",") or _worded(name, lines)
    if table is None:
        raise DataError(
            f"cannot tell the label from the text in the lines of {path} (the first is '{lines[0][1][:60]}'): "
            "write a label, a tab and a text per line, or a CSV file with the columns label and text."
        )
    return table


def lines_of_one_label(name: str, text: str, label: str) -> Table:
    """A file whose every line is a text of the same label."""
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return _table(name, lines, lambda line: (label, line))


def _table(name: str, lines: list[Line], split: Callable[[str], Pair | str]) -> Table:
    """split: gives label and text, or what is wrong with the line."""
    places: list[int] = []
    texts, labels, bad = [], [], []
    for number, line in lines:
        found = split(line)
        if isinstance(found, str):
            bad.append(f"{name}:{number} {found}")
            continue
        places.append(number)
        labels.append(found[0].strip())
        texts.append(found[1].strip())
    return Table(name, {"label": labels, "text": texts}, places, bad, has_names=False)


def _tree(line: str) -> Pair | str:
    """The label of the whole sentence and its words (Socher et al. 2013)."""
    match = TREE.fullmatch(line)
    words = [BRACKETS.get(word, word) for word in LEAF.findall(line)]
    return (match[1], " ".join(words)) if match and words else "is no tree"


def _fasttext(line: str) -> Pair | str:
    words = line.split()
    labels = [word for word in words if word.startswith(FASTTEXT)]
    if len(labels) != 1:
        return f"has {counted(len(labels), 'label')}"
    rest = " ".join(word for word in words if not word.startswith(FASTTEXT))
    return labels[0].removeprefix(FASTTEXT), rest.removeprefix(", ")


def _tabular(path: str, name: str, text: str, lines: list[Line], warnings: list[str]) -> Table | None:
    """A table by tabs, or by what separates usual names in the first line."""
    if is_regular([(number, line.split("\t")) for number, line in lines]):
        return read_delimited(path, name, text, "\t", warnings)
    for separator in ",;|\t":
        cells = lines[0][1].split(separator)
        if len(cells) > 1 and has_usual_name(cells):
            return read_delimited(path, name, text, separator, warnings)
    return None


def _with_commas(path: str, name: str, text: str, warnings: list[str]) -> Table | None:
    try:
        table = read_delimited(path, name, text, ",", [])
    except DataError:
        return None
    if len(table.columns) < 2 or find_columns(table.columns) is None:
        return None
    return read_delimited(path, name, text, ",", warnings)


def _separated(name: str, lines: list[Line], separators: str) -> Table | None:
    """The label behind the last separator of a line, or before the first."""
    for separator in separators:
        if sum(1 for _, line in lines if separator in line) < REGULAR_PART * len(lines):
            continue
        for cut in (_behind(separator), _before(separator)):
            table = _table(name, lines, cut)
            if _are_labels(table.columns["label"], most=len(lines) // 2):
                return table
    return None


def _behind(separator: str) -> Callable[[str], Pair | str]:
    def cut(line: str) -> Pair | str:
        text, found, label = line.rpartition(separator)
        return (label, text) if found else "has no label"

    return cut


def _before(separator: str) -> Callable[[str], Pair | str]:
    def cut(line: str) -> Pair | str:
        label, found, text = line.partition(separator)
        return (label, text) if found else "has no label"

    return cut


def _numbered(name: str, lines: list[Line]) -> Table | None:
    """`0 text`: nearly every line begins with a number, of few."""
    table = _table(name, lines, _before(" "))
    labels = table.columns["label"]
    numbers = [label for label in labels if NUMBER.fullmatch(label)]
    if len(numbers) < REGULAR_PART * len(lines) or not _are_labels(numbers, most=len(lines) // 2):
        return None
    return _table(name, lines, lambda line: (line.partition(" ")[0], line.partition(" ")[2]))


def _worded(name: str, lines: list[Line]) -> Table | None:
    """`pos text`, `DESC:manner How did ...`: the first words are few."""
    table = _table(name, lines, _before(" "))
    return table if _are_labels(table.columns["label"], most=len(lines) // 10) else None


def _are_labels(found: list[str], most: int) -> bool:
    kinds = {label.strip() for label in found}
    is_short = all(len(kind) <= MAX_LABEL_LENGTH and len(kind.split()) <= MAX_LABEL_WORDS for kind in kinds)
    return is_short and "" not in kinds and 2 <= len(kinds) <= min(MAX_LABELS, max(2, most))
