"""Which columns of the tables that were read are the text and the label: those named, else those found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqbench import DataError
from seqbench_tasks.sentiment.columns import Columns, find_columns, likely_columns
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.texts import Table

BOTH = "tasks.sentiment.text_column and tasks.sentiment.label_column"


def choose_columns(tables: Sequence[Table], params: SentimentParams, warnings: list[str]) -> tuple[Table, Columns]:
    """All rows of train's tables that have the columns of the first, and which of these are the text and the label.

    Raises DataError for a column that is named and not there or not of single values, and where none is found.
    """
    first = next((table for table in tables if len(table)), tables[0])
    table = _joined(first, tables)
    for key, wanted in (("text", params.text_column), ("label", params.label_column)):
        if wanted is not None:
            _check_named(table, wanted, f"tasks.sentiment.{key}_column")
    choice = _flat_columns(table)
    found = find_columns(choice, params.text_column, params.label_column)
    if found is None:
        raise _none_found(table, params)
    if found.text == found.label:
        raise DataError(
            f"'{found.text}' cannot be both the text and the label column of {table.name}: set {BOTH} to two."
        )
    if found.rivals:
        warnings.append(
            f"column '{found.label}' was taken for the label, where {', '.join(found.rivals)} could be too: "
            "tasks.sentiment.label_column names another"
        )
    return table, found


def columns_of(table: Table, columns: Columns, known: set[str]) -> Columns:
    """The columns of a file by the names in train, else by its own.

    known: labels of train, if it is not train's own file. Raises DataError when it has no text column.
    """
    for name in {columns.text, columns.label} & table.nested:
        raise _not_single(table, name)
    if columns.text in table.columns and columns.label in table.columns:
        return columns
    found = find_columns(_flat_columns(table), columns.text if columns.text in table.columns else None)
    if found is not None and (not known or {label_of(value) for value in table.columns[found.label]} <= known):
        return found
    if columns.text not in table.columns:
        there = ", ".join(table.columns)
        raise DataError(f"{table.name} has no column '{columns.text}', which train has: it has {there}.")
    return columns


def label_of(cell: str) -> str:
    """Labels as written; whole numbers without a decimal part (`1.0` is `1`)."""
    label = cell.strip()
    return label[:-2] if label.endswith(".0") and label[:-2].lstrip("-").isdigit() else label


def _joined(first: Table, tables: Sequence[Table]) -> Table:
    """All rows of the tables that have the columns of the first."""
    alike = [table for table in tables if table.columns.keys() == first.columns.keys()]
    if len(alike) < 2:
        return first
    columns = {name: [cell for table in alike for cell in table.columns[name]] for name in first.columns}
    nested = first.nested.union(*(table.nested for table in alike))
    return replace(first, columns=columns, places=list(range(sum(map(len, alike)))), nested=nested)


def _flat_columns(table: Table) -> dict[str, list[str]]:
    """The columns of single values."""
    return {name: values for name, values in table.columns.items() if name not in table.nested}


def _check_named(table: Table, wanted: str, key: str) -> None:
    """Raises DataError for a column that is not there, or has lists or objects in it."""
    if wanted in table.nested:
        raise _not_single(table, wanted)
    if wanted in table.columns:
        return
    inner = [name for name in _flat_columns(table) if name.startswith(f"{wanted}.")]
    if inner:
        raise DataError(f"column '{wanted}' of {table.name} has objects in it: set {key} to {' or '.join(inner)}.")
    there = ", ".join(table.columns)
    raise DataError(f"{table.name} has no column '{wanted}': it has {there}; correct {key}.")


def _not_single(table: Table, name: str) -> DataError:
    there = ", ".join(_flat_columns(table)) or "none"
    return DataError(
        f"column '{name}' of {table.name} has lists or objects in it, where a text or a label is one value: "
        f"name another by {BOTH} (columns of single values: {there})."
    )


def _none_found(table: Table, params: SentimentParams) -> DataError:
    """What is missing: a text, a label, or both."""
    text, label, _ = likely_columns(_flat_columns(table), params.text_column, params.label_column)
    there = ", ".join(f"{name} (lists or objects)" if name in table.nested else name for name in table.columns)
    if text:
        lacking = "no column of {} looks like a label ({}): give a column of a few labels that come again and again"
    elif label:
        lacking = "no column of {} looks like a text ({}): give a column of texts, of several words each"
    else:
        lacking = "no column of {} looks like a text or a label ({}): give one of texts and one of a few labels"
    return DataError(f"{lacking.format(table.name, there)}.")
