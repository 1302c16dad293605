"""Files of records: JSON lines, JSON, and parquet with the names of its classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.delimited import has_usual_name, unique_names
from seqbench_tasks.sentiment.texts import Table, whole

MAX_DEPTH = 8
"""Of objects in objects that are columns."""
MAX_KEYS = 200
"""Of objects that are columns: more are data."""


def read_json(path: Path, text: str) -> Table:
    """JSON lines, a JSON list of objects, or an object of columns. Raises DataError with the line that is broken."""
    if text.lstrip().startswith("["):
        rows = _whole(path, text)
        return _table(path, rows, list(range(1, len(rows) + 1)))
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty: give a file with a text and a label per row.")
    if text.lstrip().startswith("{") and not _is_json(lines[0][1]):
        rows = _whole(path, text)
        return _table(path, rows, list(range(1, len(rows) + 1)))
    rows = [_line(path, number, line) for number, line in lines]
    if len(rows) == 1 and isinstance(rows[0], Mapping) and any(isinstance(v, list | dict) for v in rows[0].values()):
        rows = _opened(rows[0])
        return _table(path, rows, list(range(1, len(rows) + 1)))
    return _table(path, rows, [number for number, _ in lines])


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(": line")[0]
        raise DataError(f"line {number} of {path} cannot be read as json ({reason}): correct it.") from None


def _whole(path: Path, text: str) -> list[Any]:
    """One JSON value over all of the file, as rows."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        if lines_fit(text):
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        reason = str(error)
        if isinstance(error, json.JSONDecodeError):
            reason = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise DataError(f"{path} cannot be read as json ({reason}): correct it.") from None
    return found if isinstance(found, list) else _opened(found)


def lines_fit(text: str) -> bool:
    """Is every line JSON by itself?"""
    return all(_is_json(line) for line in text.split("\n") if line.strip())


def _opened(found: Mapping[str, Any]) -> list[Any]:
    """The rows of `{"data": [...]}`, and of columns `{"text": [...], "label": [...]}` or `{"text": {"0": ...}}`.

    Also of what pandas writes otherwise: `{"columns": [...], "data": [[...]]}`, and `{"0": {"text": ...}}`.
    """
    values = list(found.values())
    names, cells = found.get("columns"), found.get("data")
    if isinstance(names, list) and isinstance(cells, list) and all(isinstance(row, list) for row in cells):
        unique = unique_names(list(map(str, names)))
        return [dict(zip(unique, row, strict=False)) for row in cells]
    if len(values) > 1 and all(map(_is_record, values)):
        return values
    lists = [value for value in values if isinstance(value, list) and value and isinstance(value[0], Mapping)]
    if len(lists) == 1:
        return list(lists[0])
    columns = {
        name: list(value.values()) if isinstance(value, Mapping) else value
        for name, value in found.items()
        if isinstance(value, Mapping | list)
    }
    if columns and len({len(values) for values in columns.values()}) == 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [found]


def _is_record(value: Any) -> bool:
    """Is one of an object's keys what texts and labels are called?"""
    return isinstance(value, Mapping) and has_usual_name(list(value))


def _table(path: Path, rows: Sequence[Any], places: list[int]) -> Table:
    """Objects by their keys, lists by their places; a row that lacks a key has an empty cell."""
    if rows and all(isinstance(row, list) for row in rows):
        width = max(map(len, rows))
        names = unique_names([""] * width)
        rows = [dict(zip(names, row, strict=False)) for row in rows]
    strange = next((place for place, row in zip(places, rows, strict=True) if not isinstance(row, Mapping)), None)
    if strange is not None:
        raise DataError(f"row {strange} of {path} cannot be read as json: give an object with a text and a label.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _of_cells(path.name, {name: [row.get(name) for row in rows] for name in names}, places)


def _of_cells(name: str, columns: Mapping[str, list[Any]], places: list[int]) -> Table:
    """The table of values as cells; objects are columns of their own, named with dots (`review.body`)."""
    cells: dict[str, list[str]] = {}
    nested = set()
    for given, values in columns.items():
        for own, inner in _flat(whole(given), values, 0):
            column = own if own not in cells else f"{own}_{len(cells) + 1}"
            cells[column] = [cell(value) for value in inner]
            if any(isinstance(value, list | tuple | Mapping) for value in inner):
                nested.add(column)
    return Table(name, cells, places, nested=frozenset(nested))


def _flat(name: str, values: list[Any], depth: int) -> Iterator[tuple[str, list[Any]]]:
    """A column, or the columns of its objects; those of too many keys, which are no names, stay as they are."""
    filled = [value for value in values if value is not None]
    if filled and depth < MAX_DEPTH and all(isinstance(value, Mapping) for value in filled):
        keys = list(dict.fromkeys(key for value in filled for key in value))
        if len(keys) <= MAX_KEYS:
            for key in keys:
                inner = [None if value is None else value.get(key) for value in values]
                yield from _flat(f"{name}.{whole(key)}", inner, depth + 1)
            return
    yield name, values


def read_parquet(path: Path) -> Table:
    """A parquet file; classes of the `datasets` library are read as their names. Raises DataError as it must."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split()).rstrip(".")[:160]
        raise DataError(f"{path} cannot be read as parquet ({reason}): write it anew.") from None
    classes = _class_names(data.schema.metadata or {})
    columns = {}
    for name in data.column_names:
        values = _values(data[name])
        names = classes.get(name)
        columns[name] = values if names is None else [_class_name(value, names) for value in values]
    return _of_cells(path.name, columns, list(range(1, data.num_rows + 1)))


def _values(column: Any) -> list[Any]:
    """A column's values; strings that are not UTF-8 as their bytes."""
    try:
        found: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        found = column.cast("large_binary" if column.type == "large_string" else "binary").to_pylist()
    return found


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of ClassLabel columns, from what the `datasets` library writes beside the schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {name: kind["names"] for name, kind in features.items() if kind.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, AttributeError, TypeError):
        return {}


def _class_name(value: Any, names: Sequence[str]) -> str:
    """The name of a class; what has none (-1: unlabelled) as it is."""
    is_class = isinstance(value, int) and 0 <= value < len(names)
    return cell(names[value] if is_class else value)


def cell(value: Any) -> str:
    """A cell as a string: nothing for None and NaN; halves of characters and bytes that are no UTF-8 are U+FFFD."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return "" if value is None or value != value else whole(str(value))  # noqa: PLR0124
