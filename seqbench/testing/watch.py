"""What the current thread opens, starts or connects to while it is watched, by Python's audit events (PEP 578).

An audit hook can never be taken away again: one is installed at first use, and does nothing while nobody watches.
What libraries do in C without asking Python (reading a file by mapping it into memory) is not seen.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

EVENTS = {
    "open": "opens",
    "os.listdir": "lists",
    "os.scandir": "lists",
    "os.mkdir": "makes",
    "os.remove": "removes",
    "os.rename": "renames",
    "os.rmdir": "removes",
    "sqlite3.connect": "opens the database",
    "socket.connect": "connects to",
    "socket.bind": "listens on",
    "socket.sendto": "sends to",
    "socket.getaddrinfo": "looks up",
    "socket.gethostbyname": "looks up",
    "subprocess.Popen": "starts",
    "os.system": "starts",
    "os.exec": "starts",
    "os.posix_spawn": "starts",
    "os.fork": "forks",
}
SOURCES = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib")
"""Code: reading it is importing, or showing a line of it."""
SYSTEM = ("/proc/", "/sys/", "/dev/")
"""What the machine says of itself, as files."""
METADATA = (".dist-info", ".egg-info")
PYTHON = str(Path(os.__file__).parent)
WHERE_ADDRESS_STANDS = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1}


@dataclass
class _Watch:
    thread: int
    own: str
    seen: list[tuple[str, str]] = field(default_factory=list)


_watch: _Watch | None = None
_is_installed = False


@contextlib.contextmanager
def watched(own: str = "") -> Iterator[list[tuple[str, str]]]:
    """While inside, the list grows by `(what was done, file:line)` for each event of this thread outside of imports.

    own: the folder or file whose lines are told rather than those of libraries that they call.
    """
    global _watch, _is_installed  # noqa: PLW0603 - a hook of the interpreter is global, and cannot be taken away
    if not _is_installed:
        sys.addaudithook(_hook)
        _is_installed = True
    before, _watch = _watch, _Watch(threading.get_ident(), own)
    try:
        yield _watch.seen
    finally:
        _watch = before


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    watch = _watch
    if watch is None or event not in EVENTS or threading.get_ident() != watch.thread:
        return
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to the caller
    if _is_harmless(event, arguments) or _is_importing(frame):
        return
    what = arguments[WHERE_ADDRESS_STANDS.get(event, 0)] if arguments else ""
    watch.seen.append((f"{EVENTS[event]} {what!r}".removesuffix(" ''"), _line_of(frame, watch.own)))


def _is_harmless(event: str, arguments: tuple[Any, ...]) -> bool:
    """Code, metadata of what is installed, and what the system says of itself; or a file that is open already."""
    if event != "open" and not event.startswith("os."):
        return False
    path = arguments[0] if arguments else ""
    if event in ("os.system", "os.exec", "os.posix_spawn", "os.fork"):
        return False
    if isinstance(path, int) or path is None:
        return True
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)
    flags = arguments[2] if event == "open" and len(arguments) > 2 and isinstance(arguments[2], int) else 0
    is_read = event in ("os.listdir", "os.scandir") or (event == "open" and not flags & (os.O_WRONLY | os.O_RDWR))
    is_code = text.endswith(SOURCES) or any(part.endswith(METADATA) for part in Path(text).parts)
    return text.startswith(SYSTEM) or (is_read and is_code)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _line_of(frame: FrameType | None, own: str) -> str:
    """The innermost of the plugin's own lines, else the innermost that is not Python's own."""
    first = ""
    while frame is not None:
        name = frame.f_code.co_filename
        line = f"{Path(name).name}:{frame.f_lineno} in {frame.f_code.co_name}"
        if own and name.startswith(own):
            return line
        if not first and not name.startswith("<") and (not name.startswith(PYTHON) or "-packages" in name):
            first = line
        frame = frame.f_back
    return first
