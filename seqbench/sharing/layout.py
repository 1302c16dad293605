"""What an archive of results looks like: the names of its members, its manifest, and how large it may be.

A zip file with `records.jsonl` and `measurements.jsonl` (lines as in a results folder, each with its checksum),
`cells/<cell>/` with the files of each cell, and `manifest.json` with the size and SHA-256 of every other member.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from seqbench.examples import PREDICTIONS
from seqbench.measurements import MEASUREMENTS
from seqbench.records import CellRecord
from seqbench.serving import SERVING, WEIGHTS
from seqbench.store import CELLS, RECORDS

FORMAT = 1
"""The number of this format of archives; one with a higher number is refused."""

MANIFEST = "manifest.json"
LOG = "log.txt"
FILES = (PREDICTIONS, LOG)
"""The files of a cell that every archive has."""
MODEL_FILES = (WEIGHTS, SERVING)
"""Those that an archive has if weights were asked for: a trained model, and what serving it needs."""

CELL_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|.][^\x00-\x1f\x7f/\\:*?\"<>|]{0,199}")
"""The name of a cell's folder: one that every system can have, and that leads nowhere else."""
KEY = re.compile(r"[0-9a-f]{64}")

MOST_MEMBERS = 1_000_000
MOST_MANIFEST_BYTES = 1 << 28
MOST_LINE_BYTES = 1 << 26
"""Of one record: a history of 100,000 epochs has about 20 MB."""
MOST_RECORDS_BYTES = 1 << 31
GIGABYTE = 10**9


class Member(BaseModel):
    """What the manifest says of a member: its size in bytes and the SHA-256 of its content."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What an archive says of itself. seqbench: the version that made it; members: by name, without the manifest."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    format: int = Field(ge=1)
    seqbench: str
    members: Mapping[str, Member]


def is_cell_folder(folder: str, key: str) -> bool:
    """Can the cell with that key have its files in this folder, without touching anything else?

    The name ends with the key's beginning, so that no record can put its files in the place of another's.
    """
    place, slash, name = folder.partition("/")
    is_named = place == CELLS and bool(slash) and CELL_NAME.fullmatch(name) is not None
    return is_named and name.endswith(f"-{key[:12]}") and KEY.fullmatch(key) is not None


def is_member(name: str) -> bool:
    """Is this the name of something that an archive has?"""
    if name in (MANIFEST, RECORDS, MEASUREMENTS):
        return True
    place, _, rest = name.partition("/")
    folder, _, file = rest.partition("/")
    return place == CELLS and CELL_NAME.fullmatch(folder) is not None and file in (*FILES, *MODEL_FILES)


def as_systems_see(name: str) -> str:
    """The name as a system sees it that tells neither upper from lower case nor ways of writing an accent."""
    return unicodedata.normalize("NFC", name).casefold()


def files_of(record: CellRecord, members: Mapping[str, Any]) -> dict[str, str]:
    """The members that are files of the record's cell, by the file's name."""
    named = {file: f"{record.folder}/{file}" for file in (*FILES, *MODEL_FILES)}
    return {file: name for file, name in named.items() if name in members}
