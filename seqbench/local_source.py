"""The source that code rests on: its own file or package, and the local modules that it imports."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from seqbench.source_code import hash_files, source_hash

OWN = ("seqbench", "seqbench_models", "seqbench_tasks")
"""The harness itself: what of it decides results is in every cell's key."""
INSTALLED = {"site-packages", "dist-packages"}


def is_local(file: str | Path) -> bool:
    """Is it somebody's own file, neither Python's nor of an installed distribution?"""
    path = Path(file)
    return (
        path.suffix == ".py"
        and path.is_file()
        and not INSTALLED & set(path.parts)
        and not path.is_relative_to(sysconfig.get_path("stdlib"))
    )


def source_of(file: str, module: str) -> tuple[str, ...]:
    """What a function or class counts with that is defined in `file`.

    Of a local file its package's hash, and those of all local modules that it imports, and these in turn; of what is
    installed only the file and the package's version: torch is large.
    """
    if is_local(file):
        return tuple(sorted({source_hash(each) for each in reached(file)}))
    package = sys.modules.get(module.partition(".")[0])
    return str(getattr(package, "__version__", "")), hash_files([Path(file)], Path(file).parent)


def plugin_hash(files: Iterable[str], makers: Iterable[object]) -> str:
    """Of a model or task of a plugin: SHA-256 over the packages of its files, or files alone, and what these import.

    files: where it is offered, and where what makes it is defined. makers: its functions; one that an adapter of
    seqbench has made counts with the adapters, too.
    """
    hashes = {source_hash(each) for file in files for each in (reached(file) if is_local(file) else (file,))}
    if any(getattr(maker, "__seqbench_adapter__", False) for maker in makers):
        hashes.add(source_hash(str(Path(__file__).with_name("adapters") / "__init__.py")))
    if len(hashes) == 1:
        return hashes.pop()
    return hashlib.sha256(" ".join(sorted(hashes)).encode()).hexdigest()


def reached(file: str) -> set[str]:
    """The local files that a file imports, itself among them, and what these import in turn."""
    found: set[str] = set()
    waiting = [str(file)]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            stat = Path(each).stat()
            waiting += _imported(each, stat.st_mtime_ns, stat.st_size)
    return found


def module_file(name: str) -> str:
    """The file of a module's top-level package where that is local, else empty. Imports nothing."""
    top = name.partition(".")[0]
    if top in OWN or top in sys.stdlib_module_names:
        return ""
    module = sys.modules.get(name) or sys.modules.get(top)
    file = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            return ""
        file = spec.origin if spec else None
    return file if file and is_local(file) else ""


@lru_cache(maxsize=1024)
def _imported(file: str, modified: int, size: int) -> tuple[str, ...]:
    """Local files that a file imports, whatever the place. modified, size: of the file, so that edits are seen."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ()
    return tuple(dict.fromkeys(path for name in _names(tree, file) if (path := module_file(name))))


def _names(tree: ast.AST, file: str) -> Iterator[str]:
    """Absolute names of imported modules. Relative imports are within the package, all of which counts already."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
