"""A results folder: append-only records, a folder of files per cell, and a lock for who writes.

Layout: `records.jsonl`, one line per finished cell, each with its checksum; `cells/<cell>/` with `predictions.csv`,
`weights.safetensors`, `serving.json` (what answering raw inputs needs beside the weights) and `log.txt`;
`measurements.jsonl` (see seqbench.measurements); `checkpoints/` of cells that are being trained; `mlflow.db` and
`mlartifacts/` where MLflow logs here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from seqbench.errors import FullError, StoreError
from seqbench.records import SCHEMA, CellRecord, Outcome

RECORDS = "records.jsonl"
CELLS = "cells"
CHECKPOINTS = "checkpoints"
PARTIAL = ".partial"
REPLACED = ".replaced"
"""A cell's folder while another takes its place."""
"""What the name of a folder or file ends with that is being written."""
CHECKSUM = "sha256"
CHECKSUM_MEMBER = re.compile(rb',"sha256":"([0-9a-f]{64})"')

SKIPPED = (
    (b',"history":[{', b'],"is_baseline":'),
    (b',"parameters":{', b'},"primary":'),
    (b',"provenance":{', b'},"remarks":'),
)
"""What is most of a line and no part of an Outcome: where each member begins, and its end with what follows."""
OUTLINED = frozenset(item.name for item in fields(Outcome)) - {"device_kind", "sizes"}

Noun = TypeVar("Noun", bound=Outcome)


@dataclass
class Store:
    """The records and files of one results folder.

    warnings: lines that had to be left out, each with its number and reason.
    """

    folder: Path
    warnings: list[str] = field(default_factory=list)
    _outcomes: tuple[tuple[int, ...], list[Outcome]] | None = field(default=None, repr=False, compare=False)

    @property
    def records_path(self) -> Path:
        """The file of records."""
        return self.folder / RECORDS

    @property
    def checkpoints(self) -> Path:
        """The folder where the training of unfinished cells is kept."""
        return self.folder / CHECKPOINTS

    def create(self) -> None:
        """Make the folder. Raises StoreError when it cannot be made or written."""
        try:
            (self.folder / CELLS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write results to {self.folder}: {error.strerror}; choose --results.") from None

    def records(self) -> list[CellRecord]:
        """Every whole record, in the order of writing; damaged lines are left out with a warning.

        Raises StoreError when the folder was written by a newer version, or cannot be read.
        """
        return self._read(CellRecord)

    def outcomes(self) -> list[Outcome]:
        """As `records`, but only what boards, plans and estimates need: a tenth of the memory.

        Read again only when the file has changed.
        """
        stamp = _stamp(self.records_path)
        if self._outcomes is None or self._outcomes[0] != stamp:
            self._outcomes = (stamp, self._read(Outcome))
        return self._outcomes[1]

    def lines(self) -> list[tuple[bytes, CellRecord]]:
        """As `records`, each after the line that says it, byte for byte as it was written."""
        return list(self._each(CellRecord))

    def _read(self, noun: type[Noun]) -> list[Noun]:
        return [record for _, record in self._each(noun)]

    def _each(self, noun: type[Noun]) -> Iterator[tuple[bytes, Noun]]:
        self.warnings.clear()
        try:
            with self.records_path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    record = self._parse(line, number, noun) if line.strip() else None
                    if record is not None:
                        yield line, record
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot read {self.records_path}: {error.strerror}.") from None

    def _parse(self, line: bytes, number: int, noun: type[Noun]) -> Noun | None:
        intact = is_intact(line)
        try:
            values = outline(line) if intact and noun is Outcome else json.loads(line)
            schema, _ = values.get("schema", 0), values[CHECKSUM]
        except (ValueError, KeyError, AttributeError, TypeError):
            self._leave_out(number, "is torn or no record")
            return None
        if isinstance(schema, int) and schema > SCHEMA:
            raise StoreError(
                f"{self.records_path} was written by a newer seqbench (schema {schema}, this one knows "
                f"{SCHEMA}): update seqbench or choose another --results."
            )
        if not intact:
            self._leave_out(number, "does not match its checksum")
            return None
        try:
            return noun.from_json(values)
        except (TypeError, ValueError, KeyError, AttributeError):
            self._leave_out(number, "lacks a field")
            return None

    def _leave_out(self, number: int, what: str) -> None:
        self.warnings.append(f"{self.records_path} line {number} {what}: it is left out, and its cell will run again")

    def append(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        """Keep a finished cell: its files first, then one line; both are on disk when this returns.

        files: name → content, put into `cells/<record.folder>`. Raises FullError when the disk refuses; what was kept
        before is kept still.
        """
        self.adopt(encode(record), record.folder, files)

    def adopt(self, line: bytes, folder: str, files: Mapping[str, bytes], *, replaces: bool = False) -> None:
        """As `append`, of a record's line as another folder had it, with its files put into `folder`.

        replaces: files that the cell has here are those of another result, and go even where there are no new ones.
        """
        try:
            with self.lock():
                if files or replaces:
                    self._write_files(self.folder / folder, files)
                append_line(self.records_path, line)
        except OSError as error:
            raise FullError(
                f"cannot write to {self.folder}: {error.strerror}; what had finished is kept, and the same command "
                "goes on from there once there is room."
            ) from None

    def _write_files(self, folder: Path, files: Mapping[str, bytes]) -> None:
        """All of the cell's files or none: written beside, then renamed into place."""
        beside = folder.with_name(folder.name + PARTIAL)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            for name, content in files.items():
                with (beside / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            _replace(folder, beside)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def discard_checkpoint(self, key: str) -> None:
        """The cell of that key needs its checkpoint no more."""
        with suppress(OSError):
            checkpoint_file(self.checkpoints, key).unlink(missing_ok=True)

    def clean(self) -> None:
        """Take away what a run that was killed had half written; only for whoever holds `run_lock`."""
        for left in (self.folder / CELLS).glob(f"*{PARTIAL}"):
            shutil.rmtree(left, ignore_errors=True)
        for left in (self.folder / CELLS).glob(f"*{REPLACED}"):
            with suppress(OSError):
                _put_back(left.with_name(left.name.removesuffix(REPLACED)), left)
        for left in self.checkpoints.glob(f"*{PARTIAL}"):
            with suppress(OSError):
                left.unlink(missing_ok=True)

    def run_lock(self) -> FileLock:
        """The lock that a run holds from its start to its end, so that two never train the same cells."""
        return FileLock(self.folder / ".run.lock")

    def lock(self) -> FileLock:
        """The lock that whoever writes a record holds."""
        return FileLock(self.folder / ".lock")


def _replace(folder: Path, new: Path) -> None:
    """Put a folder in the place of another, which is there until then whatever happens."""
    aside = folder.with_name(folder.name + REPLACED)
    try:
        if folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
        new.rename(folder)
        _sync_folder(folder.parent)
    finally:
        _put_back(folder, aside)


def _put_back(folder: Path, aside: Path) -> None:
    """What was put aside returns if nothing took its place, and goes if something did."""
    if not folder.exists() and aside.exists():
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def checkpoint_file(folder: Path, key: str) -> Path:
    """Where in a folder of checkpoints that of the cell `key` lies."""
    return folder / f"{key}.safetensors"


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file, all of it or nothing, after whatever the file ends with; it is on disk when this returns.

    Only for whoever holds the folder's lock. Raises OSError.
    """
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        try:
            left = memoryview(line)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.ftruncate(file.fileno(), size)
            raise


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where the system can do that."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_intact(line: bytes) -> bool:
    """Is the line, but for its checksum, byte for byte what the checksum was made of?

    A line is canonical JSON, so that taking the member out of its bytes gives what `encode` hashed.
    """
    content = line.removesuffix(b"\n")
    for member in CHECKSUM_MEMBER.finditer(content):
        digest = hashlib.sha256(content[: member.start()])
        digest.update(content[member.end() :])
        if digest.hexdigest().encode() == member[1]:
            return True
    return False


def outline(line: bytes) -> dict[str, Any]:
    """The values of an intact line, without most of what an Outcome does not need where that can be cut out.

    Members lie in the order of their names; a cut that goes from one nested place to another leaves no valid JSON or
    takes a field with it, and then the whole line is read.
    """
    cut = line
    for begin, end in SKIPPED:
        start = cut.find(begin)
        stop = cut.find(end, start)
        if 0 <= start < stop:
            cut = cut[:start] + cut[stop + 1 :]
    try:
        values: dict[str, Any] = json.loads(cut)
        if values.keys() >= OUTLINED:
            return values
    except ValueError:
        pass
    whole: dict[str, Any] = json.loads(line)
    return whole


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file does; empty for none."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def encode(record: CellRecord) -> bytes:
    """A record as one line of JSON with its checksum, ending in a newline."""
    return as_line(record.to_json())


def as_line(noun: Mapping[str, Any]) -> bytes:
    """JSON-able values as one line with their checksum, ending in a newline: what `is_intact` checks."""
    values: dict[str, Any] = json.loads(_dumps(noun))
    values[CHECKSUM] = _checksum(values)
    return (_dumps(values) + "\n").encode()


def _checksum(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(_dumps(values).encode()).hexdigest()


def _dumps(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
