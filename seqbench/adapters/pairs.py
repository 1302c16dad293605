"""Data sets of (sequence, target), in memory or given by a function, as the examples of splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seqbench.adapters.assembling import SPLITS
from seqbench.adapters.contents import CONTENT, Remembered, digest_of, digest_of_files
from seqbench.adapters.examples import Examples
from seqbench.adapters.loading import Loader, refuse
from seqbench.errors import DataError, SpecError
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
    files: paths, from the folder of the module `home`, that functions read.
    """

    who: str
    given: Mapping[str, Any]
    pairs: Pairs
    is_whole: bool = False
    read: Callable[[str], Any] | None = None
    version: str | None = None
    clean: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    files: tuple[str, ...] = ()
    home: str = ""

    @property
    def in_memory(self) -> dict[str, Any]:
        """The data sets that are there already, by split."""
        return {name: item for name, item in self.given.items() if not isinstance(item, Loader)}

    @property
    def is_in_memory(self) -> bool:
        """Is it all there already?"""
        return len(self.in_memory) == len(self.given)

    @property
    def has_content(self) -> bool:
        """Is there anything that the functions' code does not say?"""
        return self.version is not None or bool(self.in_memory) or bool(self.files)

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
            if dataset is self.in_memory.get(name):
                read.append([name, pairs])
            sequences, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            found[name] = Examples(sequences, targets, [f"{name}-{index}" for index in range(len(pairs))])
        planned = getattr(params, CONTENT, "")
        if read and self.version is None and planned:
            self._check(planned, self._with_files(digest_of(read, self.who)))
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
        """A digest of the data in memory and of the files, or the version.

        All of the data is read each time: any example may have been changed in place since.
        """
        if self.version is not None:
            return self.version
        if not self.in_memory:
            return self._with_files("")
        return self._with_files(Remembered.of(self, self._stamps(), lambda: digest_of(self._everything(), self.who)))

    def _with_files(self, digest: str) -> str:
        of_files = digest_of_files(self.files, self.home, self.who) if self.files else ""
        return digest_of([digest, of_files], self.who) if digest and of_files else digest or of_files

    def _everything(self) -> Iterator[Any]:
        for name, dataset in self.in_memory.items():
            yield [name, list(self.pairs(dataset, f"the {name} examples of {self.who}"))]

    def _stamps(self) -> tuple[str, ...]:
        """What data sets of `datasets` are known by, a new one for each change; none where others are among them."""
        found = [getattr(dataset, "_fingerprint", None) for dataset in self.in_memory.values()]
        return tuple(map(str, found)) if all(isinstance(stamp, str) for stamp in found) else ()


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


def named(given: Any, who: str) -> dict[str, Any]:
    """As `by_split`, of what was given to make a spec: it raises SpecError."""
    try:
        return by_split(given, who)
    except DataError as error:
        raise SpecError(str(error)) from None


def kept(dataset: Any) -> Any:
    """What can be read once only (`zip`, a generator) as a list; all else as it is."""
    is_read_once = hasattr(dataset, "__next__") and hasattr(dataset, "__iter__")
    return list(dataset) if is_read_once else dataset


def is_dataset(thing: Any) -> bool:
    """Can its items be read one after the other?"""
    return not isinstance(thing, (str, bytes, type)) and (hasattr(thing, "__getitem__") or hasattr(thing, "__iter__"))


def items_of(dataset: Any) -> Iterable[Any]:
    """Every item in order; a map-style data set is asked by number, but for one of columns, which reads by blocks."""
    if not hasattr(dataset, "column_names") and hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"):
        return (dataset[index] for index in range(len(dataset)))
    found: Iterable[Any] = iter(dataset)
    return found
