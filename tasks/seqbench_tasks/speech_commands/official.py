"""The published archives of Speech Commands, fetched by torchaudio's own downloader, which checks their checksum."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqbench import DataError

VERSIONS = ("v0.01", "v0.02")
BASE_ADDRESS = "http://download.tensorflow.org/data/"
TIMEOUT_SECONDS = 30


def fetch_official(rest: str, params: Any, folder: Path) -> Path:
    """The folder of words of `speechcommands:v0.01` or `speechcommands:v0.02` (1.5 and 2.4 GB).

    Raises DataError for another version, and for what cannot be reached or does not have torchaudio's checksum.
    """
    version = rest if rest.startswith("v") else f"v{rest}"
    if version not in VERSIONS:
        raise DataError(
            f"there is no version '{rest}' of Speech Commands: give one of "
            f"{', '.join(f'speechcommands:{known}' for known in VERSIONS)}."
        )
    from torchaudio.datasets import SPEECHCOMMANDS

    name = f"speech_commands_{version}"
    address = f"{BASE_ADDRESS}{name}.tar.gz"
    otherwise = (
        "check the connection, or download and unpack that archive elsewhere and give the path of its folder "
        "(--data speech_commands=FOLDER)."
    )
    try:
        with _quiet_and_bounded():
            SPEECHCOMMANDS(folder, url=address, download=True)
    except RuntimeError as error:
        if "hash" not in str(error):
            raise DataError(f"cannot fetch {address} ({_first_line(error)}): {otherwise}") from None
        raise DataError(
            f"what lies at {address} does not have the published checksum: try again later, or {otherwise}"
        ) from None
    except Exception as error:
        raise DataError(f"cannot fetch {address} ({_first_line(error)}): {otherwise}") from None
    (folder / f"{name}.tar.gz").unlink(missing_ok=True)
    return folder / "SpeechCommands" / name


@contextlib.contextmanager
def _quiet_and_bounded() -> Iterator[None]:
    """No bar of torchaudio's own over our progress, and no waiting for ever: it gives its connection no time limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _first_line(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split())[:160].rstrip(".") or type(error).__name__
