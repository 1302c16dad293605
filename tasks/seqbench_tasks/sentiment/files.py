"""A source on this machine (files and folders of many shapes) → labelled texts by split."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqbench import DataError, track
from seqbench_tasks.sentiment.chosen import choose_columns, columns_of, label_of
from seqbench_tasks.sentiment.columns import UNLABELLED, Columns, split_column, split_of
from seqbench_tasks.sentiment.delimited import find_separator, read_delimited
from seqbench_tasks.sentiment.encoding import content_suffix, decode_all, read_bytes, read_text
from seqbench_tasks.sentiment.layout import Layout, Piece, find_layout, texts_of
from seqbench_tasks.sentiment.lines import lines_of_one_label, read_lines
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.records import read_json, read_parquet
from seqbench_tasks.sentiment.splits import finish
from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText, Table, counted, whole

MAX_BAD_PART = 0.05
"""Of a file's rows may be without text or label."""
NAMED = 10
"""Bad rows that an error lists."""
UNUSED_NAMED = 5
HOLD_OUT = "set tasks.sentiment.test_split=hold_out to hold a test split out of train"
NO_TEST = "the source's own test split was not used: tasks.sentiment.test_split=hold_out"
LINE_BREAK = re.compile(r"<\s*br\s*/?\s*>|\\n", re.IGNORECASE)
"""Line breaks of web pages (IMDB), and as the Yelp and Amazon reviews write them."""


def read_source(source: str, params: SentimentParams) -> Corpus:
    """The texts of a file, of a folder, or of what a pattern matches.

    Raises DataError with one sentence for files that are missing, that cannot be read, or have no text or label column,
    for a test split without labels, and for labels that train does not have.
    """
    layout = find_layout(source)
    warnings = _told(layout)
    if params.test_split == "hold_out" and layout.splits.pop("test", []):
        warnings.append(NO_TEST)
    order = [split for split in SPLITS if split in layout.splits]
    tables = {split: [_read(piece, warnings, params.encoding) for piece in layout.splits[split]] for split in order}
    tables = _told_apart(tables, layout)
    everything, columns = choose_columns(tables["train"], params, warnings)
    notes: dict[str, Any] = {"text_column": columns.text, "label_column": columns.label, "dropped": []}
    notes["columns_are_named"] = everything.has_names
    by = split_column(everything.columns) if order == ["train"] else None
    if by is not None and by not in (columns.text, columns.label):
        tables = _by_column(tables["train"], by, notes["dropped"], warnings)
        if params.test_split == "hold_out" and tables.pop("test", []):
            warnings.append(NO_TEST)
    splits: dict[str, list[LabelledText]] = {}
    for split, parts in tables.items():
        found = _labelled(split, parts, columns, splits.get("train", []), notes["dropped"], warnings)
        if found is not None:
            splits[split] = found
    notes["split"] = _how_split(splits, f"by column {by}" if by else "by files", params.split_seed)
    notes["rows"] = sum(map(len, splits.values())) + len(notes["dropped"])
    notes["warnings"] = list(map(whole, warnings))
    notes["dropped"] = list(map(whole, notes["dropped"]))
    return finish(splits, notes, params, source)


def _how_split(splits: Mapping[str, object], given: str, seed: int) -> str:
    """`by files`, or how those of the splits came to be that the source does not have."""
    drawn = " and ".join(split for split in SPLITS if split not in splits)
    at_random = f"at random, the same part of every label (split_seed {seed})"
    if len(splits) == 1:
        return at_random
    return f"{given}, {drawn} {at_random}" if drawn else given


def _told_apart(tables: dict[str, list[Table]], layout: Layout) -> dict[str, list[Table]]:
    """The tables, files of the same name in several folders named with these."""
    counts = Counter(piece.path.name for pieces in layout.splits.values() for piece in pieces)

    def named(table: Table, path: Path) -> Table:
        if counts[path.name] < 2 or table.name != path.name:
            return table
        folder = path.parent.name
        return replace(table, name=f"{folder}/{table.name}", bad=[f"{folder}/{reason}" for reason in table.bad])

    return {
        split: [named(table, piece.path) for table, piece in zip(parts, layout.splits[split], strict=True)]
        for split, parts in tables.items()
    }


def _told(layout: Layout) -> list[str]:
    """What there is to say of files that were left out, and of those that were put together."""
    told = [f"{_names(files)} are read together as {split}" for split, files in layout.joined]
    if layout.unused:
        verb = "was" if len(layout.unused) == 1 else "were"
        told.insert(0, f"{_names(layout.unused)} {verb} not used")
    return told


def _names(paths: list[Path]) -> str:
    """Names, with those of their folders where they lie in several."""
    several = len({path.parent for path in paths}) > 1
    names = [f"{path.parent.name}/{path.name}" if several else path.name for path in paths]
    if len(names) > UNUSED_NAMED:
        names[UNUSED_NAMED:] = [f"{len(names) - UNUSED_NAMED} others"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _read(piece: Piece, warnings: list[str], encoding: str | None) -> Table:
    """The table of a piece. Raises DataError for a file that is empty or cannot be read."""
    path, name = piece.path, piece.path.name
    if piece.kind == "texts":
        return _texts_of_folder(path, piece.label, warnings, encoding)
    if piece.kind == "parquet":
        return read_parquet(path)
    text = read_text(path, warnings, encoding)
    if not text.strip():
        raise DataError(f"{path} is empty: give a file with a text and a label per row.")
    readers = {
        "json": lambda: read_json(path, text),
        "csv": lambda: read_delimited(str(path), name, text, find_separator(content_suffix(path), text), warnings),
        "label": lambda: lines_of_one_label(name, text, piece.label),
        "pair": lambda: _pair(path, piece.labels or path, text, warnings, encoding),
        "lines": lambda: read_lines(str(path), name, text, warnings),
    }
    return readers[piece.kind]()


def _texts_of_folder(folder: Path, label: str, warnings: list[str], encoding: str | None) -> Table:
    """A text per file, its label the folder's name."""
    files, others = texts_of(folder)
    what = f"{folder.parent.name}/{folder.name}"
    if others:
        verb = "was" if len(others) == 1 else "were"
        warnings.append(f"{_names(others)} of {what} {verb} not used")
    names = [path.relative_to(folder).as_posix() for path in files]
    contents = [read_bytes(path) for path in track(files, f"reading {what}", len(files))]
    texts = decode_all(list(zip(names, contents, strict=True)), what, warnings, encoding)
    columns = {"text": texts, "label": [whole(label)] * len(texts)}
    return Table(what, columns, [f"{what}/{name}" for name in names], has_names=False)


def _pair(path: Path, labels_path: Path, text: str, warnings: list[str], encoding: str | None) -> Table:
    """Texts and labels line by line; `mapping.txt` beside them has the names of labels."""
    texts = text.removesuffix("\n").split("\n")
    labels = read_text(labels_path, warnings, encoding).removesuffix("\n").split("\n")
    if len(texts) != len(labels):
        raise DataError(
            f"{path} has {counted(len(texts), 'line')} and {labels_path.name} {len(labels)}: give a label per text."
        )
    mapping = path.with_name("mapping.txt")
    names: dict[str, str] = {}
    if mapping.is_file():
        rows = [line.split("\t") for line in read_text(mapping, warnings, encoding).split("\n")]
        names = {row[0].strip(): row[1].strip() for row in rows if len(row) > 1}
    found = [names.get(label.strip(), label) for label in labels]
    return Table(path.name, {"text": texts, "label": found}, list(range(1, len(texts) + 1)), has_names=False)


def _by_column(tables: list[Table], column: str, dropped: list[str], warnings: list[str]) -> dict[str, list[Table]]:
    """The rows of files by what their split column says; rows that it says nothing known of are bad ones.

    Rows said to be without labels (`unsup`) are left out, and told.
    """
    parts: dict[str, list[Table]] = {}
    for table in tables:
        words = [word.strip() for word in table.columns.get(column, [""] * len(table))]
        named = [split_of(word) for word in words]
        unlabelled = sum(word.lower() in UNLABELLED for word in words)
        if unlabelled:
            told = f"{counted(unlabelled, 'row')} of {table.name} not used"
            warnings.append(f"{told}: no label, by column {column}")
        bad = list(table.bad)
        for row, word in enumerate(words):
            if named[row] is None and word.lower() not in UNLABELLED and _is_filled(table, row):
                said = f"the unknown {column} '{word[:40]}'" if word else f"no {column}"
                bad.append(f"{table.place(row)} has {said}")
        _check_bad(bad, len(table) + len(table.bad), table.name)
        dropped += bad
        for split in SPLITS:
            rows = [row for row, name in enumerate(named) if name == split]
            if rows:
                cells = {name: [values[row] for row in rows] for name, values in table.columns.items()}
                places = [table.places[row] for row in rows]
                part = replace(table, columns=cells, places=places, bad=[])  # type: ignore[arg-type]
                parts.setdefault(split, []).append(part)
    return {split: parts[split] for split in SPLITS if split in parts}


def _labelled(
    split: str,
    tables: list[Table],
    columns: Columns,
    train: list[LabelledText],
    dropped: list[str],
    warnings: list[str],
) -> list[LabelledText] | None:
    """A split's rows; None for a validation split without labels, which is held out of train then.

    Raises DataError for a test split without labels.
    """
    known = {item.label for item in train}
    items: list[LabelledText] = []
    for table in tables:
        here = columns_of(table, columns, known)
        labels = [label_of(value) for value in table.columns[here.label]] if here.label in table.columns else []
        if known and "-1" not in known:
            labels = ["" if label == "-1" else label for label in labels]
        if any(labels) or split == "train":
            items += _rows(table, here, labels or [""] * len(table), dropped)
            continue
        if split == "test":
            without = "only -1 for labels" if labels else f"no column '{columns.label}' of labels"
            raise DataError(f"the test split {table.name} has {without}: {HOLD_OUT}, or give a labelled one.")
        warnings.append(f"{table.name} has no labels: validation was held out of train instead")
        return None
    return items


def _rows(table: Table, columns: Columns, labels: list[str], dropped: list[str]) -> list[LabelledText]:
    """The rows with a text and a label; the others are named in `dropped`, at most 5 % of them."""
    items, bad = [], list(table.bad)
    for row, (text, label) in enumerate(zip(table.columns[columns.text], labels, strict=True)):
        clean = clean_text(text)
        if clean and label:
            items.append(LabelledText(clean, label, table.place(row)))
        elif _is_filled(table, row):
            lacking = "no label" if clean else "no text" if label else "neither text nor label"
            bad.append(f"{table.place(row)} has {lacking}")
    _check_bad(bad, len(table) + len(table.bad), table.name)
    dropped += bad
    return items


def _is_filled(table: Table, row: int) -> bool:
    """Has the row a cell that is not empty? Rows that have none are lines that spreadsheets leave behind."""
    return any(values[row].strip() for values in table.columns.values())


def _check_bad(bad: list[str], count: int, name: str) -> None:
    """Raises DataError for more than 5 % of bad rows, with the first ten."""
    if len(bad) > MAX_BAD_PART * max(1, count):
        more = ", ..." if len(bad) > NAMED else ""
        raise DataError(
            f"{name} has {counted(len(bad), 'incomplete row')} of {count} ({'; '.join(bad[:NAMED])}{more}): "
            "complete them."
        )


def clean_text(text: str) -> str:
    """A text without the line breaks of web pages, and with `&amp;` and its like as what they stand for."""
    if "<" in text or "\\" in text:
        text = LINE_BREAK.sub(" ", text)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    return text.strip()
