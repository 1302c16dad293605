"""A task from a data set of Hugging Face's `datasets`: columns of texts, tokens or numbers, and a column of targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seqbench.adapters.examples import Kinds, kinds_of
from seqbench.adapters.loading import loader_of
from seqbench.adapters.origin import home_of
from seqbench.adapters.pairs import Pair, PairSource, items_of, kept, named
from seqbench.adapters.splitting import Order
from seqbench.adapters.torch_datasets import pair_task
from seqbench.errors import DataError, SpecError
from seqbench.naming import nearest
from seqbench.spec import Classes, Input, Output, TaskSpec

Column = str | Callable[[Mapping[str, Any]], Any]
UNLABELLED = -1
"""What hubs put in place of targets that are kept secret."""


def task_from_datasets(
    name: str,
    load: Any,
    sequence: Column = "text",
    target: Column = "label",
    *,
    input: Input | str | None = None,
    output: Output | str | None = None,
    order: Order = "random",
    scale: bool = True,
    files: tuple[str, ...] = (),
    version: str | None = None,
    **further: Any,
) -> TaskSpec:
    """A task from a `datasets.Dataset` or `DatasetDict`, or a function `load(source, **parameters)` that gives one.

    sequence, target: names of columns, or functions of a row. A column of texts is tokenised by words, with a
    vocabulary from train; lists of whole numbers are tokens, lists of numbers or of vectors are dense. A target that
    the data set knows as a ClassLabel has its names. Rows without a target (None, or -1 of a ClassLabel) are left out;
    a test split that has none is made of train instead. A split `validation` (`valid`, `val`, `dev`) or `test` that
    there is not, too.

    `--data NAME=PATH` reads a CSV, TSV, JSON (lines), Parquet file, or a folder made by `save_to_disk`, with the same
    columns.

    input, output: told by the data where it is there already; for a function `"tokens"` and `"classes"` unless given.
    All else as in `task_from_dataset`. Raises SpecError for what cannot be a task.
    """
    who = f"task '{name}'"
    columns = _Columns(sequence, target, who)
    is_function = callable(load) and not hasattr(load, "column_names")
    if is_function:
        loader, own = loader_of(load, who)
        given: dict[str, Any] = {"train": loader}
        kinds = kinds_of(input or "tokens", output or "classes", None, who)
    elif isinstance(load, Mapping) or hasattr(load, "column_names"):
        own = ()
        given = columns.labelled({split: kept(item) for split, item in named(load, who).items()})
        first = next(columns.pairs(given["train"], f"the train examples of {who}"), None)
        kinds = columns.with_labels(kinds_of(input, output, first, who), given["train"])
    else:
        raise SpecError(
            f"{who}: {type(load).__name__} is no datasets.Dataset or DatasetDict, and no function that gives one"
        )
    home = home_of(load) if is_function else home_of()
    source = PairSource(
        who,
        given,
        columns.pairs,
        is_whole=is_function,
        read=columns.read,
        version=version,
        clean=columns.labelled,
        files=tuple(files),
        home=home,
    )
    return pair_task(name, source, kinds, own, order, scale, further, [load] if is_function else [])


class _Columns:
    """Which columns of a row are its sequence and its target."""

    def __init__(self, sequence: Column, target: Column, who: str) -> None:
        self.sequence, self.target, self.who = sequence, target, who

    def pairs(self, dataset: Any, where: str) -> Iterator[Pair]:
        """Every (sequence, target). Raises DataError where a column is missing."""
        self._check(getattr(dataset, "column_names", None), where)
        names = self._names(dataset)
        for row in items_of(dataset):
            target = self._of(row, self.target)
            if names and isinstance(target, int) and not isinstance(target, bool):
                target = names[target] if 0 <= target < len(names) else None
            yield self._of(row, self.sequence), target

    def labelled(self, splits: Mapping[str, Any]) -> dict[str, Any]:
        """Without a test or validation split whose targets are all kept secret."""
        return {name: dataset for name, dataset in splits.items() if name == "train" or not self._is_secret(dataset)}

    def with_labels(self, kinds: Kinds, dataset: Any) -> Kinds:
        """Classes by the names that the data set has for them, in its order."""
        names = self._names(dataset)
        if not names or kinds.output_kind != Classes.kind or kinds.output is not None:
            return kinds
        return Kinds(kinds.input_kind, kinds.output_kind, kinds.input, Classes(tuple(names)))

    def read(self, source: str) -> Any:
        """The data set of files, CSV, JSON, Parquet, or of a folder made by `save_to_disk`."""
        import datasets

        from seqbench.adapters.tables import read_files
        from seqbench.sources import expand

        paths = expand(source)
        if len(paths) > 1 or not paths[0].is_dir():
            return datasets.Dataset.from_pandas(read_files(paths), preserve_index=False)
        try:
            return datasets.load_from_disk(str(paths[0]))
        except Exception as error:
            raise DataError(f"{paths[0]} is no folder made by save_to_disk ({_first_line(error)}).") from None

    def _of(self, row: Any, column: Column) -> Any:
        return column(row) if callable(column) else row[column]

    def _check(self, names: Any, where: str) -> None:
        for column in (self.sequence, self.target):
            if isinstance(column, str) and isinstance(names, list) and column not in names:
                raise DataError(f"{where} have no column '{column}'{nearest(column, names)}")

    def _names(self, dataset: Any) -> list[str]:
        features = getattr(dataset, "features", None)
        if not isinstance(self.target, str) or not isinstance(features, Mapping):
            return []
        return list(getattr(features.get(self.target), "names", None) or [])

    def _is_secret(self, dataset: Any) -> bool:
        if not self._names(dataset) or not hasattr(dataset, "select_columns"):
            return False
        return all(row[self.target] in (None, UNLABELLED) for row in dataset.select_columns([self.target]))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160].rstrip(".")
