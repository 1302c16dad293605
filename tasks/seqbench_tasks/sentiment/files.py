"""Local files of labelled texts (CSV, TSV, JSON lines, parquet), read through the `datasets` library."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.columns import Columns, find_columns
from seqbench_tasks.sentiment.delimited import inspect
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.splits import finish
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
"""Of a file's rows may be without text or label."""


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
    return finish(splits, notes, params, source)


def _files(source: Path) -> dict[str, Path]:
    """Which file is which split; a single file is all of train for now."""
    if source.is_file():
        if source.suffix.lower() not in FORMATS:
            raise DataError(f"{source} is none of {', '.join(sorted(FORMATS))}: give a file in one of these formats.")
        return {"train": source}
    if not source.is_dir():
        raise DataError(f"there is no file or folder {source}: give a file of labelled texts, or a folder with them.")
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
    """A file as strings. `Dataset.from_*` are the readers of `load_dataset` without its call home per use."""
    from datasets import Dataset

    kind = FORMATS[path.suffix.lower()]
    if not path.stat().st_size:
        raise DataError(f"{path} is empty: give a file with a text and a label per row.")
    read = {"csv": Dataset.from_csv, "json": Dataset.from_json, "parquet": Dataset.from_parquet}[kind]
    shape = inspect(path) if kind == "csv" else None
    try:
        with _quiet():
            data = read(str(path), cache_dir=str(cache / "datasets"), **(shape.options if shape else {}))
        columns = {str(name): [_cell(value) for value in data[name]] for name in data.column_names}
    except Exception as error:
        cause = error.__cause__ or error
        reason = " ".join(str(cause).split()).rstrip(".!")
        raise DataError(f"{path} cannot be read as {kind}: {reason}.") from None
    return Table(path, columns, 2 if shape and shape.has_header else 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither progress bars nor logged errors: what goes wrong is said once, by the DataError."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger, had_bars = logging.getLogger("datasets"), not are_progress_bars_disabled()
    level = logger.level
    disable_progress_bars()
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
        if had_bars:
            enable_progress_bars()


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
    if found.text == found.label:
        raise DataError(f"'{found.text}' cannot be both the text and the label column of {table.path}: name two.")
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
            items.append(LabelledText(text.strip(), _label(label), place))
        elif text.strip() or label.strip():
            bad.append(f"{place} has no {'label' if text.strip() else 'text'}")
    if len(bad) > MAX_BAD_PART * max(1, len(table)):
        raise DataError(
            f"{len(bad)} of {len(table)} rows of {table.path} are incomplete ({'; '.join(bad[:5])}): complete them."
        )
    dropped += bad
    return items


def _label(text: str) -> str:
    """Labels as written; whole numbers without a decimal part (`1.0` is `1`)."""
    label = text.strip()
    return label[:-2] if label.endswith(".0") and label[:-2].lstrip("-").isdigit() else label
