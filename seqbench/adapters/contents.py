"""A digest of data in memory: a cell's key changes with it, though no file and no line of code does."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from seqbench.adapters.parameters import Parameter
from seqbench.errors import DataError, SpecError

CONTENT = "content"
"""The parameter of a task that says which data it is; worked out, never given by hand."""


def content_parameter(digest: Callable[[], str] | None) -> tuple[Parameter, ...]:
    """The parameter, worked out when a plan asks for it first; none where there is nothing to work out."""
    return () if digest is None else (Parameter(CONTENT, str, factory=digest),)


def digest_of(values: Iterable[Any], what: str) -> str:
    """24 hex digits over numbers, texts, arrays, tensors, lists and mappings of them, the same in every process.

    what: whose data it is, for errors. Raises SpecError for an object whose content cannot be told.
    """
    collected = hashlib.sha256()
    for value in values:
        _update(collected, value, what)
    return collected.hexdigest()[:24]


def _update(collected: Any, value: Any, what: str) -> None:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor
        value = value.detach().cpu().numpy()
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        collected.update(f"{type(value).__name__} {value!r}\0".encode(errors="surrogatepass"))
    elif isinstance(value, Mapping):
        collected.update(f"mapping {len(value)}\0".encode())
        for key in sorted(value, key=str):
            _update(collected, key, what)
            _update(collected, value[key], what)
    elif isinstance(value, (list, tuple)):
        collected.update(f"list {len(value)}\0".encode())
        for item in value:
            _update(collected, item, what)
    else:
        _update_array(collected, value, what)


def _update_array(collected: Any, value: Any, what: str) -> None:
    import numpy as np

    array = np.asarray(value) if hasattr(value, "__array__") or hasattr(value, "__array_interface__") else None
    if array is None or (array.dtype == object and array.ndim == 0):
        raise SpecError(
            f"{what} holds a {type(value).__name__}, whose content cannot be told: give version='...', and another one "
            "whenever the data changes"
        )
    if array.dtype == object:
        _update(collected, array.tolist(), what)
        return
    collected.update(f"{array.dtype.str} {array.shape}\0".encode())
    collected.update(np.ascontiguousarray(array).tobytes())


def digest_of_frame(frame: Any) -> str:
    """24 hex digits over the names, types and values of a pandas table's columns, in the order of its rows."""
    from pandas.util import hash_pandas_object

    collected = hashlib.sha256()
    for name in frame.columns:
        collected.update(f"{name} {frame[name].dtype}\0".encode(errors="surrogatepass"))
        collected.update(hash_pandas_object(frame[name], index=False).to_numpy().tobytes())
    return collected.hexdigest()[:24]


def digest_of_files(files: Iterable[str], home: str, what: str) -> str:
    """24 hex digits over the contents of files. Raises DataError for one that is not there."""
    from seqbench.cache import file_hashes

    paths = [beside(file, home) for file in files]
    try:
        hashes = file_hashes(paths)
    except OSError as error:
        raise DataError(f"cannot read {error.filename}, which {what} needs: {error.strerror}.") from None
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:24]


def beside(file: str, home: str) -> Path:
    """A path that counts from the folder of the module `home`, unless it is in the current folder alone."""
    path = Path(file).expanduser()
    own = getattr(sys.modules.get(home), "__file__", None)
    from_there = Path(own).parent / path if own else path
    return (path if path.exists() and not from_there.exists() else from_there).absolute()


class Remembered:
    """Digests of this process, of things that say themselves when they are others: a plan asks several times."""

    known: dict[int, tuple[Any, tuple[str, ...], str]] = {}  # noqa: RUF012 - of the process, as intended

    @classmethod
    def of(cls, thing: Any, stamps: tuple[str, ...], digest: Callable[[], str]) -> str:
        """The digest of a thing, worked out again when its stamps have changed, and always where it has none."""
        holder, before, found = cls.known.get(id(thing), (None, (), ""))
        if not stamps or holder is not thing or before != stamps:
            found = digest()
            cls.known[id(thing)] = (thing, stamps, found)
        return found
