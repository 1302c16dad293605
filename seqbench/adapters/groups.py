"""Rows of a table as one sequence per group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqbench.adapters.assembling import SPLITS
from seqbench.adapters.examples import Examples
from seqbench.adapters.pairs import SPELLINGS
from seqbench.adapters.tables import numbers_of, times_of
from seqbench.errors import DataError


@dataclass(frozen=True)
class Grouped:
    """Which columns are what."""

    values: tuple[str, ...]
    target: str
    group: str
    time: str | None
    split: str | None

    def first(self, frame: Any) -> tuple[Any, Any] | None:
        """The first value and target that are there, as what tells their kinds; None where no row has a target."""
        targets = frame[self.target].dropna()
        if not len(targets):
            return None
        cells = frame[self.values[0]].dropna()
        is_text = len(self.values) == 1 and len(cells) > 0 and isinstance(cells.iloc[0], str)
        return [cells.iloc[0]] if is_text else np.zeros((1, len(self.values))), targets.iloc[0]

    def examples(self, table: Any, where: str, *, is_tokens: bool) -> dict[str, Examples]:
        """The groups by split (all under `train` without a column of splits), in the order of their last times.

        Raises DataError for a cell that cannot be used, or a group with two targets or splits.
        """
        if bool(table[self.group].isna().any()):
            row = int(np.flatnonzero(table[self.group].isna().to_numpy())[0])
            raise DataError(
                f"{where} row {row + 1} has no '{self.group}': say which sequence it belongs to, or drop it."
            )
        times = times_of(table, self.time, where)
        columns = self._columns(table, where, is_tokens=is_tokens)
        found = {
            name: rows[np.argsort(times[rows], kind="stable")]
            for name, rows in table.groupby(self.group, sort=True).indices.items()
        }
        names = sorted(found, key=lambda name: times[found[name][-1]])
        targets = self._only(table, self.target, where)
        splits = dict.fromkeys(names, "train") if self.split is None else self._splits(table, where)
        parts: dict[str, list[Any]] = {"train": []}
        for name in names:
            parts.setdefault(splits[name], []).append(name)
        return {
            part: Examples(
                [columns[found[name]] for name in chosen],
                [targets[name] for name in chosen],
                [str(name) for name in chosen],
            )
            for part, chosen in parts.items()
        }

    def _columns(self, table: Any, where: str, *, is_tokens: bool) -> Any:
        """`[rows, features]`, or `[rows]` of words or numbers where tokens are wanted."""
        if not is_tokens:
            return np.stack([numbers_of(table, column, where) for column in self.values], axis=1)
        if len(self.values) > 1:
            raise DataError(f"{where}: tokens are one column, not {len(self.values)} ({', '.join(self.values)}).")
        cells = table[self.values[0]]
        if cells.dtype.kind in "iu":
            return cells.to_numpy()
        return cells.fillna("").astype(str).to_numpy(dtype=object)

    def _splits(self, table: Any, where: str) -> dict[Any, str]:
        """The split of each group. Raises DataError for one that there is not."""
        assert self.split is not None
        found: dict[Any, str] = {}
        for name, given in self._only(table, self.split, where).items():
            split = SPELLINGS.get(str(given).lower(), str(given).lower())
            if split not in SPLITS:
                raise DataError(
                    f"{where}: group '{name}' is in the split '{given}': name it train, validation or test."
                )
            found[name] = split
        return found

    def _only(self, table: Any, column: str, where: str) -> dict[Any, Any]:
        """By group, the one value of a column in all of its rows; None where there is none."""
        cells = table.groupby(self.group, sort=True)[column]
        several = cells.nunique()
        if bool((several > 1).any()):
            name = several.index[int(np.argmax(several.to_numpy() > 1))]
            known = table[column][table[self.group] == name].dropna().unique()
            raise DataError(
                f"{where}: '{column}' is not the same in all rows of group '{name}' ({known[0]!s} and {known[1]!s}): "
                "give each group one."
            )
        return dict(cells.first().items())
