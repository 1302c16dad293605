"""What a job raised, told so that a process without the plugin and without torch can read it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from seqbench import errors
from seqbench.errors import SeqbenchError


@dataclass(frozen=True)
class Trouble:
    """An error as text: its kind, its message, and where it was raised."""

    kind: str
    message: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Trouble:
        """Tell of an error; a plugin's own kind of a SeqbenchError becomes the core's."""
        kinds = [kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__]
        kind = kinds[0] if kinds else type(error)
        return cls(kind.__name__, str(error), "".join(traceback.format_exception(error)))

    def error(self) -> Exception:
        """The error that is told of: of the core's own kind, or one of the same name."""
        kind: Any = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, SeqbenchError)):
            kind = type(self.kind, (Exception,), {})
        error: Exception = kind(self.message)
        error.__cause__ = RemoteError(f"\n{self.traceback}")
        return error


class RemoteError(Exception):
    """The traceback of the worker, as text."""
