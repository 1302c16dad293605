"""Local files of labelled texts (CSV, TSV, JSON lines, parquet), read through the `datasets` library."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.columns import Columns, find_columns, has_header
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import SPLITS, Corpus, LabelledText

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
MAX_BAD_PART = 0.05
HELD_OUT = 0.1
"""Part of the texts that validation, and test, get where there is no file for them."""


@dataclass(frozen=True)
class Table:
    """A file's columns by name, every cell as a string, and the number that its first row has."""

    path: Path
    columns: dict[str, list[str]]
    first_row: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def read_source(source: Path, params: SentimentParams, cache: Path) -> Corpus:
    """The texts of a file, or of a folder's train, validation and test files.

    Raises DataError with one sentence for files that are missing, or have no text or label column, and for labels that
    train does not have.
    """
    tables = {name: _read_table(path, cache) for name, path in _files(source).items()}
    columns = _columns(tables["train"], params)
    notes: dict[str, Any] = {"text_column": columns.text, "label_column": columns.label, "dropped": []}
    splits = {name: _texts(table, columns, notes["dropped"]) for name, table in tables.items()}
    notes["split"] = "by files" if len(splits) == len(SPLITS) else f"by files and seed {params.split_seed}"
    _hold_out(splits, params.split_seed, source)
    labels = _labels(splits)
    notes |= _duplicates(splits, dedupe=params.dedupe)
    return Corpus(splits, labels, notes)


def _files(source: Path) -> dict[str, Path]:
    """Which file is which split; a single file is all of train for now."""
    if source.is_file():
        if source.suffix.lower() not in FORMATS:
            raise DataError(f"{source} is none of {', '.join(sorted(FORMATS))}: give a file in one of these formats.")
        return {"train": source}
    files: dict[str, Path] = {}
    for path in sorted(source.iterdir()):
        for split, names in SPLIT_NAMES.items():
            if path.suffix.lower() in FORMATS and path.stem.lower() in names:
                if split in files:
                    raise DataError(
                        f"{source} has two files for {split}: {files[split].name} and {path.name}; keep one."
                    )
                files[split] = path
    if "train" not in files:
        found = ", ".join(path.name for path in sorted(source.iterdir())[:10]) or "nothing"
        raise DataError(
            f"{source} has no train file (train.csv, .tsv, .jsonl or .parquet, beside validation and test): "
            f"it has {found}."
        )
    return files


def _read_table(path: Path, cache: Path) -> Table:
    from datasets import load_dataset
    from datasets.utils import disable_progress_bars

    disable_progress_bars()
    kind = FORMATS[path.suffix.lower()]
    if not path.stat().st_size:
        raise DataError(f"{path} is empty: give a file with a text and a label per row.")
    options = _csv_options(path) if kind == "csv" else {}
    try:
        data = load_dataset(kind, data_files=str(path), split="train", cache_dir=str(cache / "datasets"), **options)
        columns = {str(name): [_cell(value) for value in data[name]] for name in data.column_names}
    except Exception as error:
        cause = error.__cause__ or error
        reason = " ".join(str(cause).split()).rstrip(".")
        raise DataError(f"{path} cannot be read as {kind}: {reason}.") from None
    return Table(path, columns, 1 if options.get("header", 0) is None or kind != "csv" else 2)


def _csv_options(path: Path) -> dict[str, Any]:
    """What pandas is told: separator, quoting, whether there is a header; every cell stays a string.

    In tab-separated files quotes are mostly plain text: they count as quotes only where every field that begins with
    one ends with one.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            lines = file.read().replace("\r\n", "\n").split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8.") from None
    head = [line for line in lines if line][:200]
    separator = "\t" if path.suffix.lower() == ".tsv" or head[0].count("\t") else ","
    is_quoted = separator == "," or all(
        field.endswith('"') and len(field) > 1
        for line in lines
        for field in line.split(separator)
        if field.startswith('"')
    )
    rows = list(csv.reader(head, delimiter=separator, quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE))
    from datasets import Features, Value

    with_header = has_header(rows)
    names = rows[0] if with_header else [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
    return {
        "sep": separator,
        "quoting": int(csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE),
        "header": 0 if with_header else None,
        "names": names,
        "features": Features({name: Value("string") for name in names}),
        "keep_default_na": False,
        "encoding": "utf-8-sig",
        "on_bad_lines": "error",
        "skip_blank_lines": False,
    }


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _columns(table: Table, params: SentimentParams) -> Columns:
    for wanted in (params.text_column, params.label_column):
        if wanted is not None and wanted not in table.columns:
            raise DataError(f"{table.path} has no column '{wanted}': it has {', '.join(table.columns)}.")
    found = find_columns(table.columns, params.text_column, params.label_column)
    if found is None:
        raise DataError(
            f"cannot tell which columns of {table.path} are the text and the label ({', '.join(table.columns)}): "
            "set tasks.sentiment.text_column and tasks.sentiment.label_column."
        )
    return found


def _texts(table: Table, columns: Columns, dropped: list[str]) -> list[LabelledText]:
    """The rows with a text and a label; the others are named in `dropped`, at most 5 % of them."""
    for name in (columns.text, columns.label):
        if name not in table.columns:
            raise DataError(f"{table.path} has no column '{name}', which train has: it has {', '.join(table.columns)}.")
    items, bad = [], []
    pairs = zip(table.columns[columns.text], table.columns[columns.label], strict=True)
    for row, (text, label) in enumerate(pairs, table.first_row):
        place = f"{table.path.name}:{row}"
        if text.strip() and label.strip():
            items.append(LabelledText(text, _label(label), place))
        elif text.strip() or label.strip():
            bad.append(f"{place} has no {'label' if text.strip() else 'text'}")
    if len(bad) > MAX_BAD_PART * max(1, len(table)):
        raise DataError(f"{len(bad)} of {len(table)} rows of {table.path} are incomplete: {'; '.join(bad[:10])}.")
    dropped += bad
    return items


def _label(text: str) -> str:
    """Labels as written; whole numbers without a decimal part (`1.0` is `1`)."""
    label = text.strip()
    return label[:-2] if label.endswith(".0") and label[:-2].lstrip("-").isdigit() else label


def _hold_out(splits: dict[str, list[LabelledText]], seed: int, source: Path) -> None:
    """Take a tenth each out of train for the splits that have no file, the same part of every label."""
    import numpy as np

    if len({item.label for item in splits["train"]}) < 2:
        only = splits["train"][0].label if splits["train"] else ""
        raise DataError(f"train of {source} has one label only ('{only}'): two or more are needed.")
    random = np.random.default_rng(seed)
    whole = len(splits["train"])
    for name in ("test", "validation"):
        if name in splits:
            continue
        pool = splits["train"]
        part = HELD_OUT * whole / len(pool)
        by_label: dict[str, list[int]] = {}
        for index, item in enumerate(pool):
            by_label.setdefault(item.label, []).append(index)
        held: set[int] = set()
        for indices in by_label.values():
            held.update(random.permutation(indices)[: round(part * len(indices))].tolist())
        splits[name] = [item for index, item in enumerate(pool) if index in held]
        splits["train"] = [item for index, item in enumerate(pool) if index not in held]
    for name in SPLITS:
        if not splits[name]:
            raise DataError(f"the {name} split of {source} is empty: give it more rows.")


def _labels(splits: dict[str, list[LabelledText]]) -> tuple[str, ...]:
    known = {item.label for item in splits["train"]}
    for name in ("validation", "test"):
        strange = next((item for item in splits[name] if item.label not in known), None)
        if strange is not None:
            shown = ", ".join(_in_order(known)[:10])
            raise DataError(f"{strange.place} has the label '{strange.label}', which train does not have ({shown}).")
    return _in_order(known)


def _in_order(labels: set[str]) -> tuple[str, ...]:
    """Numbers by value, words by the alphabet."""
    try:
        return tuple(sorted(labels, key=float))
    except ValueError:
        return tuple(sorted(labels))


def _duplicates(splits: dict[str, list[LabelledText]], *, dedupe: bool) -> dict[str, Any]:
    """Count texts that stand twice in train, and those of train that are held out too; take the latter away."""
    counts = Counter(item.text for item in splits["train"])
    held_out = {item.text for name in ("validation", "test") for item in splits[name]}
    kept = [item for item in splits["train"] if item.text not in held_out]
    removed = len(splits["train"]) - len(kept)
    if dedupe:
        splits["train"] = kept
    return {
        "duplicates_in_train": sum(count - 1 for count in counts.values()),
        "duplicates_across": len(held_out & set(counts)),
        "removed_from_train": removed if dedupe else 0,
    }
