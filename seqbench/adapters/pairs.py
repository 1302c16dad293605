"""Data sets of (sequence, target), in memory or given by a function, as the examples of splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seqbench.adapters.assembling import SPLITS
from seqbench.adapters.contents import CONTENT, Remembered, digest_of
from seqbench.adapters.examples import Examples
from seqbench.adapters.loading import Loader, refuse
from seqbench.errors import DataError
from seqbench.progress import track

Pair = tuple[Any, Any]
Pairs = Callable[[Any, str], Iterator[Pair]]
"""`pairs(dataset, where)`: every (sequence, target) of a data set, in its order."""

SPELLINGS = {"valid": "validation", "val": "validation", "dev": "validation", "eval": "validation", "testing": "test",
             "training": "train"}  # fmt: skip


@dataclass(frozen=True)
class PairSource:
    """Where the splits come from: given data sets, a function that gives them, or a function per split.

    given: by split, a data set or a Loader. is_whole: does one Loader (under `train`) give all splits? read: a source
    from `--data` → its splits; None where there is no reading files. clean: leaves out splits that are of no use.
    """

    who: str
    given: Mapping[str, Any]
    pairs: Pairs
    is_whole: bool = False
    read: Callable[[str], Any] | None = None
    version: str | None = None
    clean: Callable[[Mapping[str, Any]], dict[str, Any]] = dict

    @property
    def is_in_memory(self) -> bool:
        """Is it all there already?"""
        return not any(isinstance(item, Loader) for item in self.given.values())

    def splits(self, source: str, params: Any) -> dict[str, Any]:
        """The data sets by split. Raises DataError for a source that it has no use for."""
        if source != "builtin" and self.read is not None and not (self.is_whole and self.given["train"].positional):
            return self.clean(by_split(self.read(source), self.who))
        if self.is_in_memory:
            refuse(source, self.who)
            return dict(self.given)
        if self.is_whole:
            return self.clean(by_split(self.given["train"](source, params), self.who))
        return {name: item(source, params) if isinstance(item, Loader) else item for name, item in self.given.items()}

    def examples(self, source: str, params: Any) -> dict[str, Examples]:
        """Every example of every split. Raises DataError for data in memory that is not what the plan was made for."""
        found: dict[str, Examples] = {}
        read: list[Any] = []
        for name, dataset in self.splits(source, params).items():
            pairs = list(self._tracked(name, dataset))
            read.append([name, pairs])
            sequences, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            found[name] = Examples(sequences, targets, [f"{name}-{index}" for index in range(len(pairs))])
        planned = getattr(params, CONTENT, "")
        if self.is_in_memory and self.version is None and source == "builtin" and planned:
            self._check(planned, digest_of(read, self.who))
        return found

    def _tracked(self, name: str, dataset: Any) -> Iterator[Pair]:
        where = f"the {name} examples of {self.who}"
        total = len(dataset) if hasattr(dataset, "__len__") else 0
        pairs = self.pairs(dataset, where)
        return track(pairs, f"reading {name} examples", total) if total else pairs

    def _check(self, planned: str, found: str) -> None:
        if planned != found:
            raise DataError(
                f"the data of {self.who} is not what the run was planned with: it changes whenever it is read (random "
                "numbers without a seed?); make it the same each time, or give version='...'."
            )

    def content(self) -> str:
        """A digest of data in memory, or its version."""
        if self.version is not None:
            return self.version
        return Remembered.of(self, self._sample, lambda: digest_of(self._everything(), self.who))

    def _everything(self) -> Iterator[Any]:
        for name, dataset in self.given.items():
            yield [name, list(self.pairs(dataset, f"the {name} examples of {self.who}"))]

    def _sample(self) -> str:
        """Of a few examples of each split: data that was changed in place since is looked at again."""
        parts: list[Any] = []
        for dataset in self.given.values():
            if isinstance(getattr(dataset, "_fingerprint", None), str):  # datasets.Dataset: a new one for each change
                parts.append(dataset._fingerprint)  # noqa: SLF001
            elif hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"):
                count = len(dataset)
                parts += [count, *(dataset[place] for place in {0, count // 2, count - 1} if 0 <= place < count)]
        return digest_of(parts, self.who)


def by_split(loaded: Any, who: str) -> dict[str, Any]:
    """What a function gave, by split: a mapping, a tuple of train and test or of all three, or one data set.

    Raises DataError for anything else.
    """
    if isinstance(loaded, Mapping):
        named = {SPELLINGS.get(str(name), str(name)): dataset for name, dataset in loaded.items()}
        if "train" not in named:
            if len(named) == 1:
                return {"train": next(iter(named.values()))}
            raise DataError(f"{who} has no split 'train', only {', '.join(map(repr, loaded))}: name it so.")
        return {name: named[name] for name in SPLITS if named.get(name) is not None}
    if isinstance(loaded, tuple) and len(loaded) in (2, 3) and all(map(is_dataset, loaded)):
        names = SPLITS if len(loaded) == 3 else ("train", "test")
        return dict(zip(names, loaded, strict=True))
    if not is_dataset(loaded):
        raise DataError(
            f"{who} was given {type(loaded).__name__} by its function: give a data set, or a tuple of splits."
        )
    return {"train": loaded}


def is_dataset(thing: Any) -> bool:
    """Can its items be read one after the other?"""
    return not isinstance(thing, (str, bytes, type)) and (hasattr(thing, "__getitem__") or hasattr(thing, "__iter__"))


def items_of(dataset: Any) -> Iterable[Any]:
    """Every item in order; a map-style data set is asked by number, but for one of columns, which reads by blocks."""
    if not hasattr(dataset, "column_names") and hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"):
        return (dataset[index] for index in range(len(dataset)))
    found: Iterable[Any] = iter(dataset)
    return found
