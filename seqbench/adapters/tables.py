"""Tables of users: a pandas frame, a function that gives one, or a file; the columns that a task needs, checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench.adapters.contents import CONTENT, beside, digest_of_files, digest_of_frame
from seqbench.adapters.loading import Loader
from seqbench.errors import DataError
from seqbench.naming import nearest
from seqbench.sources import BUILTIN, expand

PACKED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class TableSource:
    """Where a table comes from.

    given: a frame, a Loader, a path that counts from the folder of `home`, or None: then `--data` has to say. columns:
    those that are needed; no other is looked at. files, version: see `task_from_frame`.
    """

    who: str
    given: Any
    columns: tuple[str, ...]
    home: str
    files: tuple[str, ...] = ()
    version: str | None = None

    @property
    def is_frame(self) -> bool:
        """Is the table in memory already?"""
        return hasattr(self.given, "columns")

    @property
    def functions(self) -> tuple[Any, ...]:
        """The user's function that loads it, if there is one."""
        return (self.given.function,) if isinstance(self.given, Loader) else ()

    def table(self, source: str, params: Any) -> tuple[Any, str]:
        """The needed columns as a pandas table with rows numbered from 0, and where they come from, for errors.

        Raises DataError for a source that cannot be read, a column that is missing, or an empty table.
        """
        frame, where = self._read(source, params)
        frame = plain_table(frame)
        if not hasattr(frame, "columns"):
            raise DataError(f"{self.who} was given {type(frame).__name__} by its function: give a pandas DataFrame.")
        names = list(frame.columns)
        for column in self.columns:
            if column not in names:
                raise DataError(f"{where} has no column '{column}'{nearest(column, names)}")
        check_doubled(self.columns, names, where)
        if not len(frame):
            raise DataError(f"{where} has no rows: give a table that has some.")
        if self.is_frame and source == BUILTIN and self.version is None:
            self._check(getattr(params, CONTENT, ""), frame)
        return frame[list(self.columns)].reset_index(drop=True), where

    def _read(self, source: str, params: Any) -> tuple[Any, str]:
        takes_source = isinstance(self.given, Loader) and self.given.positional > 0
        if source != BUILTIN and not takes_source:
            return read_files(expand(source)), source
        if isinstance(self.given, Loader):
            return self.given(source, params), f"the table of {self.who}"
        if self.given is None:
            raise DataError(
                f"{self.who} has no table of its own: give --data {self.who.split(chr(39))[1]}=FILE with the columns "
                f"{', '.join(self.columns)}."
            )
        if self.is_frame:
            return self.given, f"the table of {self.who}"
        path = beside(str(self.given), self.home)
        if not path.exists():
            raise DataError(f"there is no file {path}, which {self.who} reads: put it there, or give --data.")
        return read_files([path]), str(path)

    def content(self) -> str:
        """A digest of the frame or of the files, or the version."""
        if self.version is not None:
            return self.version
        if self.is_frame:
            frame = plain_table(self.given)
            known = [column for column in self.columns if column in frame.columns]
            return digest_of_frame(frame[known])
        own = () if isinstance(self.given, Loader) or self.given is None else (str(self.given),)
        files = (*own, *self.files)
        there = all(beside(file, self.home).exists() for file in files)
        return digest_of_files(files, self.home, self.who) if there else "absent"

    def _check(self, planned: str, frame: Any) -> None:
        if planned and planned != digest_of_frame(frame[[name for name in self.columns if name in frame.columns]]):
            raise DataError(
                f"the table of {self.who} is not what the run was planned with: make it the same each time."
            )

    @property
    def has_content(self) -> bool:
        """Is there anything that its code does not say?"""
        return (
            self.version is not None or bool(self.files) or not (isinstance(self.given, Loader) or self.given is None)
        )


def check_doubled(needed: Collection[str], names: Sequence[str], where: str) -> None:
    """Raises DataError where two columns have the name of one that is needed."""
    for column in needed:
        if names.count(column) > 1:
            raise DataError(f"{where} has {names.count(column)} columns '{column}': give each a name of its own.")


def as_pandas(frame: Any) -> Any:
    """A table of Polars or Arrow as one of pandas; all else as it is."""
    return frame.to_pandas() if hasattr(frame, "to_pandas") else frame


def plain_table(frame: Any) -> Any:
    """A pandas table, of Polars' and Arrow's as well, whose index is a column: `index` where it has no name.

    Its columns are named by texts: 0 is called `0`.
    """
    frame = as_pandas(frame)
    index = getattr(frame, "index", None)
    if index is None or not hasattr(frame, "columns"):
        return frame
    columns = [str(name) for name in frame.columns]
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.copy(deep=False)
        frame.columns = columns
    if type(index).__name__ == "RangeIndex":
        return frame
    names = ["index" if name is None else str(name) for name in index.names]
    return frame if set(names) & set(columns) else frame.reset_index(names=names)


def read_files(paths: Collection[Path]) -> Any:
    """Tables below each other as one. Raises DataError for a file that cannot be read as a table."""
    import pandas as pd

    tables = [_read_file(path) for path in paths]
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def _read_file(path: Path) -> Any:
    import pandas as pd

    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in PACKED]
    kind = suffixes[-1] if suffixes else ""
    try:
        if kind in (".csv", ".txt"):
            return pd.read_csv(path)
        if kind == ".tsv":
            return pd.read_csv(path, sep="\t")
        if kind in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if kind in (".json", ".jsonl", ".ndjson"):
            return pd.read_json(path, lines=kind != ".json")
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"{path} cannot be read as a table ({reason}).") from None
    raise DataError(f"{path} is no table that can be read: give a .csv, .tsv, .parquet, .json or .jsonl file.")


def numbers_of(table: Any, column: str, where: str) -> NDArray[np.float64]:
    """`float64[rows]`, NaN where nothing stands. Raises DataError, with the row, for a cell that is no number."""
    import pandas as pd

    cells = table[column]
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = numbers.isna() & cells.notna()
    if bool(wrong.any()):
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        raise DataError(f"{where} row {row + 1}, column '{column}': '{cells.iloc[row]}' is no number: correct it.")
    found = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isinf(found), np.nan, found)


def times_of(table: Any, column: str | None, where: str) -> NDArray[Any]:
    """When each row was: `datetime64[ns]` (in UTC), `float64`, or row numbers where there is no such column.

    Raises DataError, with the row, for a cell that is neither a date nor a number.
    """
    import pandas as pd

    if column is None:
        return np.arange(len(table), dtype=np.float64)
    cells = table[column]
    if isinstance(cells.dtype, pd.PeriodDtype):
        cells = cells.dt.to_timestamp()
    if pd.api.types.is_numeric_dtype(cells):
        found: Any = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.isnan(found)
    else:
        dates = pd.to_datetime(cells, errors="coerce", utc=True)
        wrong = dates.isna().to_numpy()
        found = dates.dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    if bool(wrong.any()):
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{where} row {row + 1}, column '{column}': '{cells.iloc[row]}' is no time: correct or drop it."
        )
    return np.asarray(found)


def names_of_times(times: NDArray[Any]) -> NDArray[np.str_]:
    """Dates as ISO texts, no finer than they are; numbers padded with zeros, so that texts sort as they do."""
    if times.dtype.kind == "M":
        for unit in ("D", "m", "s", "ns"):
            coarse = times.astype(f"datetime64[{unit}]")
            if bool((coarse == times).all()):
                return np.datetime_as_string(coarse)
    whole = bool((times == np.floor(times)).all()) and (not len(times) or float(times.min()) >= 0)
    if not whole:
        return np.array([repr(float(value)) for value in times], dtype=np.str_)
    width = len(str(int(times.max()))) if len(times) else 1
    return np.array([f"{int(value):0{width}d}" for value in times], dtype=np.str_)
