"""A hash of what a model or task of a program is made of, so that its cells' keys change when its code or data does."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import pickle
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, cast

from seqbench.source_code import hash_files, source_hash

PLAIN = (str, bytes, int, float, complex, bool, type(None))


def definition_hash(thing: Any) -> str:
    """SHA-256 over a spec's code and values: functions and classes that it reaches, arrays, tables, parameters.

    A function of a module on disk counts with its package's source, as a plugin's does, and with what it encloses;
    one of a notebook or of the program itself with its own source and what it refers to there. So a cell of a notebook
    that says something else does not make results old.
    """
    digest = _Digest()
    digest.add(thing)
    return digest.hexdigest()


class _Digest:
    """Collects what a thing is made of; each object counts once."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: dict[int, Any] = {}

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def add(self, value: Any) -> None:
        """Take in one object and all that it reaches."""
        if isinstance(value, PLAIN):
            self._put(type(value).__name__, repr(value))
        elif id(value) in self._seen:
            self._put("again", str(list(self._seen).index(id(value))))
        else:
            self._seen[id(value)] = value
            self._add_new(value)

    def _add_new(self, value: Any) -> None:
        if isinstance(value, (FunctionType, MethodType)):
            self._function(cast("FunctionType", getattr(value, "__func__", value)))
            self.add(getattr(value, "__self__", None))
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, CodeType):
            self._code(value)
        elif isinstance(value, ModuleType):
            self._put("module", value.__name__)
        elif value is dataclasses.MISSING:
            self._put("missing")
        else:
            self._collection(value)

    def _collection(self, value: Any) -> None:
        if isinstance(value, Mapping):
            for key in sorted(value, key=repr):
                self.add(key)
                self.add(value[key])
        elif isinstance(value, (set, frozenset)):
            self._all(sorted(value, key=repr))
        elif isinstance(value, (list, tuple)):
            self._all(value)
        elif dataclasses.is_dataclass(value):
            self._class(type(value))
            self._all(getattr(value, field.name) for field in dataclasses.fields(value))
        else:
            self._object(value)

    def _put(self, *texts: str) -> None:
        for text in texts:
            self._hash.update(text.encode("utf-8", "surrogatepass") + b"\0")

    def _all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.add(value)
        self._put("end")

    def _function(self, function: FunctionType) -> None:
        self._put("function", function.__qualname__)
        self._all(cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell))
        self._all(function.__defaults__ or ())
        self.add(dict(function.__kwdefaults__ or {}))
        if file := _file_of(function):
            self._put(*_source(file, function.__module__))
            return
        self._code(function.__code__)
        for name in _names(function.__code__):
            if name in function.__globals__:
                self._put(name)
                self.add(function.__globals__[name])

    def _code(self, code: CodeType) -> None:
        """What runs, without file names and line numbers."""
        self._put(code.co_code.hex(), *code.co_names, *code.co_varnames)
        self._all(constant for constant in code.co_consts if not isinstance(constant, str) or constant)

    def _class(self, kind: type) -> None:
        self._put("class", kind.__module__, kind.__qualname__)
        if kind.__module__ in sys.builtin_module_names or kind is object:
            return
        if file := _file_of(kind):
            self._put(*_source(file, kind.__module__))
            return
        self._all(kind.__bases__)
        self.add({name: _bare(value) for name, value in vars(kind).items() if name not in UNTOLD})

    def _object(self, value: Any) -> None:
        """An array, a table, an estimator: whatever has a state of its own."""
        self._class(type(value))
        if isinstance(value, dataclasses.Field):
            self._all((value.name, value.default, value.default_factory))
            return
        try:
            self._put(hashlib.sha256(_bytes_of(value)).hexdigest())
        except Exception:  # an object that cannot be pickled counts with what it says of itself
            self.add(dict(vars(value)) if hasattr(value, "__dict__") else type(value).__qualname__)


INSTALLED = {"site-packages", "dist-packages"}
UNTOLD = (
    "__dict__",
    "__weakref__",
    "__doc__",
    "__module__",
    "__firstlineno__",
    "__static_attributes__",
    "_abc_impl",
    "__slotnames__",  # pickle adds it when it first meets the class
)
"""Attributes of a class that say nothing of what it does."""


def _bare(value: Any) -> Any:
    """What a class holds, without the wrapping that makes it a method or a property."""
    if isinstance(value, property):
        return (value.fget, value.fset, value.fdel)
    return value.__func__ if isinstance(value, (classmethod, staticmethod)) else value


def _source(file: str, module: str) -> tuple[str, ...]:
    """The whole package of a file; of what is installed, only the file and the package's version: torch is large."""
    path = Path(file)
    if not INSTALLED & set(path.parts) and not path.is_relative_to(sysconfig.get_path("stdlib")):
        return (source_hash(file),)
    package = sys.modules.get(module.partition(".")[0])
    return str(getattr(package, "__version__", "")), hash_files([path], path.parent)


def _bytes_of(value: Any) -> bytes:
    if hasattr(value, "to_parquet") and hasattr(value, "columns"):  # a pandas table
        from pandas.util import hash_pandas_object

        return repr(list(value.columns)).encode() + hash_pandas_object(value).to_numpy().tobytes()
    if isinstance(getattr(value, "_fingerprint", None), str):  # a datasets.Dataset
        return str(value._fingerprint).encode()  # noqa: SLF001 - what the library itself caches by
    return pickle.dumps(value, protocol=4)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _names(code: CodeType) -> list[str]:
    """Global names that a function and the functions within it refer to."""
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return list(dict.fromkeys(names))


def _file_of(thing: Any) -> str:
    """The file of the module that it was defined in; empty for a notebook and for the program that runs."""
    if thing.__module__ == "__main__":
        return ""
    try:
        file = inspect.getfile(thing)
    except (TypeError, OSError):
        return ""
    return file if Path(file).is_file() else ""
