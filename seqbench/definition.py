"""A hash of what a model or task of a program is made of, so that its cells' keys change when its code or data does."""

from __future__ import annotations

import dataclasses
import dis
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from seqbench.local_source import module_file, source_of

PLAIN = (str, bytes, int, float, complex, bool, type(None))
GLOBAL_NAMES = ("LOAD_GLOBAL", "LOAD_NAME")


def definition_hash(thing: Any) -> str:
    """SHA-256 over a spec's code and values, the same in every process.

    A function or class of a module on disk counts with the source of its package and of the local modules that it
    imports, and with what it encloses; one of a notebook or of the program itself with its own code and whatever it
    refers to or imports. Arrays, tensors, tables and other objects count with their content. So a cell of a notebook
    that says something else makes no result old.
    """
    return _Digest().of(thing)


class _Digest:
    """Hashes each object once; one that is met within itself counts with how far up it is."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}
        self._open: list[int] = []

    def of(self, value: Any) -> str:
        """The hash of one object and all that it reaches."""
        if isinstance(value, PLAIN):
            return _hash(type(value).__name__, repr(value))
        if id(value) in self._known:
            return self._known[id(value)][1]
        if id(value) in self._open:
            return _hash("within", str(len(self._open) - self._open.index(id(value))))
        self._open.append(id(value))
        try:
            found = _hash(*self._parts(value))
        finally:
            self._open.pop()
        self._known[id(value)] = (value, found)
        return found

    def _parts(self, value: Any) -> Iterator[str]:
        """What its hash is made of."""
        for kinds, parts in self._ways():
            if isinstance(value, kinds):
                return parts(value)
        if isinstance(wrapped := getattr(value, "__wrapped__", None), (FunctionType, MethodType)):
            return iter((type(value).__qualname__, self.of(wrapped)))
        return self._object(value)

    def _ways(self) -> tuple[tuple[Any, Callable[[Any], Iterator[str]]], ...]:
        return (
            (FunctionType, self._function),
            (MethodType, lambda value: iter((self.of(value.__func__), self.of(value.__self__)))),
            (BuiltinFunctionType, lambda value: iter((str(value.__module__), value.__qualname__))),
            (type, self._class),
            (ModuleType, self._module),
            (CodeType, self._code),
            (Mapping, self._mapping),
            ((set, frozenset), lambda value: iter(("set", *sorted(map(self.of, value))))),
            ((list, tuple), self._sequence),
            (dataclasses.Field, self._field),
        )

    def _sequence(self, value: Any) -> Iterator[str]:
        yield from (type(value).__name__, str(len(value)))
        if all(type(item) in PLAIN for item in value):
            yield repr(tuple(value))
        else:
            yield from map(self.of, value)

    def _mapping(self, value: Mapping[Any, Any]) -> Iterator[str]:
        yield "mapping"
        yield from sorted(f"{self.of(key)} {self.of(item)}" for key, item in value.items())

    def _field(self, value: Any) -> Iterator[str]:
        yield value.name
        for default in (value.default, value.default_factory):
            yield "missing" if default is dataclasses.MISSING else self.of(default)

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield from ("function", function.__qualname__)
        yield from (self.of(cell.cell_contents) for cell in function.__closure__ or () if _is_filled(cell))
        yield self.of(function.__defaults__ or ())
        yield self.of(function.__kwdefaults__ or {})
        if file := _file_of(function):
            yield from source_of(file, function.__module__)
            return
        yield from self._code(function.__code__)
        for name in _used(function.__code__, GLOBAL_NAMES):
            if name in function.__globals__:
                yield from (name, self.of(function.__globals__[name]))
        for name in _used(function.__code__, ("IMPORT_NAME",)):
            if file := module_file(name):
                yield from (name, *source_of(file, name))

    def _code(self, code: CodeType) -> Iterator[str]:
        """What runs, without file names and line numbers."""
        yield from (code.co_code.hex(), *code.co_names, *code.co_varnames)
        yield from map(self.of, code.co_consts)

    def _module(self, module: ModuleType) -> Iterator[str]:
        yield module.__name__
        if file := module_file(module.__name__):
            yield from source_of(file, module.__name__)

    def _class(self, kind: type) -> Iterator[str]:
        yield from ("class", kind.__module__, kind.__qualname__)
        if kind.__module__ == "builtins":
            return
        if file := _file_of(kind):
            yield from source_of(file, kind.__module__)
            return
        yield from map(self.of, kind.__bases__)
        yield str(sorted(f"{name}: {hint}" for name, hint in vars(kind).get("__annotations__", {}).items()))
        for name, value in sorted(vars(kind).items()):
            bare = _bare(value)
            is_own = name != "_abc_impl" and not inspect.isdatadescriptor(bare)
            if is_own and (isinstance(bare, FunctionType) or not name.startswith("__")):
                yield from (name, self.of(bare))
        for fields in ("__dataclass_fields__", "__pydantic_fields__"):
            for name, value in sorted(getattr(kind, fields, {}).items()):
                yield from (name, *self._schema(value))

    def _schema(self, field: Any) -> Iterator[str]:
        """A field of a dataclass or of a pydantic model."""
        if isinstance(field, dataclasses.Field):
            yield from self._field(field)
            return
        yield str(field.annotation)
        yield from (self.of(item) if item is not Ellipsis else "required" for item in (field.default, field.metadata))
        yield self.of(field.default_factory)

    def _object(self, value: Any) -> Iterator[str]:
        """An array, a tensor, a table, an estimator: whatever has a state of its own."""
        yield from self._class(type(value))
        if (content := _content(value)) is not None:
            yield from map(self.of, content)
            return
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:  # what cannot be copied counts with its attributes
            reduced = (None, (), getattr(value, "__dict__", {}))
        if isinstance(reduced, str):
            yield reduced
            return
        _, arguments, *rest = reduced
        yield self.of(arguments)
        yield from (self.of(list(part) if hasattr(part, "__next__") else part) for part in rest)


def _hash(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _content(value: Any) -> tuple[Any, ...] | None:
    """What an array, a tensor, a pandas table or a datasets.Dataset is, as values that hash alike in every process."""
    if isinstance(getattr(value, "_fingerprint", None), str) and hasattr(value, "features"):
        return (value._fingerprint,)  # noqa: SLF001 - what the library itself caches by
    if hasattr(value, "to_parquet") and hasattr(value, "columns"):
        from pandas.util import hash_pandas_object

        kinds = [f"{name} {kind}" for name, kind in zip(value.columns, value.dtypes, strict=True)]
        return kinds, hash_pandas_object(value).to_numpy().tobytes()
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        plain = value.detach().cpu().contiguous()
        if str(plain.dtype) == "torch.bfloat16":
            plain = plain.float()
        return str(value.dtype), tuple(value.shape), plain.resolve_conj().resolve_neg().numpy().tobytes()
    if hasattr(value, "dtype") and hasattr(value, "tobytes") and hasattr(value, "shape"):
        return str(value.dtype), tuple(value.shape), value.tolist() if value.dtype == object else value.tobytes()
    return None


def _bare(value: Any) -> Any:
    """What a class holds, without the wrapping that makes it a method or a property."""
    if isinstance(value, property):
        return (value.fget, value.fset, value.fdel)
    return value.__func__ if isinstance(value, (classmethod, staticmethod)) else value


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _used(code: CodeType, operations: tuple[str, ...]) -> list[str]:
    """The names that a function, and the functions within it, load or import."""
    names = [str(each.argval) for each in dis.get_instructions(code) if each.opname in operations]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _used(constant, operations)
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
