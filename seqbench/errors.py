"""The project's own exceptions: one sentence each that says what was wrong, where, and what would do."""

from __future__ import annotations


class SeqbenchError(Exception):
    """Base of every error that a user can mend; the command line prints it without a traceback.

    `exit_code` is what `seqbench` exits with when this reaches it.
    """

    exit_code = 2


class SpecError(SeqbenchError):
    """A plugin offered a ModelSpec or TaskSpec that cannot be used."""


class ConfigError(SeqbenchError):
    """A name, key or value on the command line or in a run file is not valid."""


class DataError(SeqbenchError):
    """A source of data is missing, malformed or too small for the task."""


class StoreError(SeqbenchError):
    """A results folder cannot be read or written."""


class ArchiveError(StoreError):
    """An archive of results cannot be used: it is damaged, made by a newer version, or not of the expected shape."""


class FullError(StoreError):
    """A results folder could not be written while a run was going on."""

    exit_code = 1


def one_line(error: BaseException) -> str:
    """An error's message in one line; its kind where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
