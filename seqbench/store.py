"""A results folder: append-only records, a folder of files per cell, and a lock for who writes.

Layout: `records.jsonl`, one line per finished cell, each with its checksum; `cells/<cell>/` with `predictions.csv`,
`weights.safetensors` and `log.txt`; `checkpoints/` of cells that are being trained; `mlflow.db` and `mlartifacts/`
where MLflow logs here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from seqbench.errors import FullError, StoreError
from seqbench.records import SCHEMA, CellRecord

RECORDS = "records.jsonl"
CELLS = "cells"
CHECKPOINTS = "checkpoints"
PARTIAL = ".partial"
"""What the name of a folder or file ends with that is being written."""
CHECKSUM = "sha256"


@dataclass
class Store:
    """The records and files of one results folder.

    warnings: lines that had to be left out, each with its number and reason.
    """

    folder: Path
    warnings: list[str] = field(default_factory=list)

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

        Raises StoreError when the folder was written by a newer version.
        """
        self.warnings.clear()
        try:
            lines = self.records_path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot read {self.records_path}: {error.strerror}.") from None
        records = (self._parse(line, number) for number, line in enumerate(lines, 1) if line.strip())
        return [record for record in records if record is not None]

    def _parse(self, line: bytes, number: int) -> CellRecord | None:
        try:
            values = json.loads(line)
            checksum = values.pop(CHECKSUM)
        except (ValueError, KeyError, AttributeError):
            self._leave_out(number, "is torn or no record")
            return None
        if int(values.get("schema", 0)) > SCHEMA:
            raise StoreError(
                f"{self.records_path} was written by a newer seqbench (schema {values['schema']}, this one knows "
                f"{SCHEMA}): update seqbench or choose another --results."
            )
        if checksum != _checksum(values):
            self._leave_out(number, "does not match its checksum")
            return None
        try:
            return CellRecord.from_json(values)
        except (TypeError, KeyError):
            self._leave_out(number, "lacks a field")
            return None

    def _leave_out(self, number: int, what: str) -> None:
        self.warnings.append(f"{self.records_path} line {number} {what}: it is left out, and its cell will run again")

    def append(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        """Keep a finished cell: its files first, then one line; both are on disk when this returns.

        files: name → content, put into `cells/<record.folder>`. Raises FullError when the disk refuses; what was kept
        before is kept still.
        """
        line = encode(record)
        try:
            with self.lock():
                if files:
                    self._write_files(self.folder / record.folder, files)
                self._append_line(line)
        except OSError as error:
            raise FullError(
                f"cannot write to {self.folder}: {error.strerror}; what had finished is kept, and the same command "
                "goes on from there once there is room."
            ) from None

    def _append_line(self, line: bytes) -> None:
        with self.records_path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            try:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file.fileno(), size)
                raise

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
            shutil.rmtree(folder, ignore_errors=True)
            beside.rename(folder)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def discard_checkpoint(self, key: str) -> None:
        """The cell of that key needs its checkpoint no more."""
        with suppress(OSError):
            (self.checkpoints / f"{key}.pt").unlink(missing_ok=True)

    def clean(self) -> None:
        """Take away what a run that was killed had half written; only for whoever holds `run_lock`."""
        for left in (self.folder / CELLS).glob(f"*{PARTIAL}"):
            shutil.rmtree(left, ignore_errors=True)
        for left in self.checkpoints.glob(f"*{PARTIAL}"):
            with suppress(OSError):
                left.unlink(missing_ok=True)

    def run_lock(self) -> FileLock:
        """The lock that a run holds from its start to its end, so that two never train the same cells."""
        return FileLock(self.folder / ".run.lock")

    def lock(self) -> FileLock:
        """The lock that whoever writes a record holds."""
        return FileLock(self.folder / ".lock")


def encode(record: CellRecord) -> bytes:
    """A record as one line of JSON with its checksum, ending in a newline."""
    values: dict[str, Any] = json.loads(_dumps(record.to_json()))
    values[CHECKSUM] = _checksum(values)
    return (_dumps(values) + "\n").encode()


def _checksum(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(_dumps(values).encode()).hexdigest()


def _dumps(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
