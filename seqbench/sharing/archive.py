"""Reading an archive of results that anybody may have made: all of it is checked before any of it is used.

Nothing in it is run or unpickled, and nothing is unpacked by its own name: members are read into memory, one at a time.
"""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from pydantic import BaseModel, TypeAdapter, ValidationError

from seqbench.errors import ArchiveError
from seqbench.measurements import MEASUREMENTS, Measurement, parsed
from seqbench.records import SCHEMA, STATUSES, CellRecord
from seqbench.sharing.layout import (
    FORMAT,
    GIGABYTE,
    MANIFEST,
    MOST_LINE_BYTES,
    MOST_MANIFEST_BYTES,
    MOST_MEMBERS,
    MOST_RECORDS_BYTES,
    Manifest,
    as_systems_see,
    files_of,
    is_cell_folder,
    is_member,
)
from seqbench.store import CHECKSUM, RECORDS, as_line, is_intact

CHUNK = 1 << 20
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    OSError,
)
"""What `zipfile` raises for a file that is none, or is cut off."""
KNOWN_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
IS_ENCRYPTED = 0x1


class _Numbered(BaseModel):
    """What of a manifest every version understands."""

    format: int = 0


@dataclass(frozen=True)
class Archive:
    """An archive that was checked. records: each line with what it says; measurements likewise."""

    path: Path
    manifest: Manifest
    records: tuple[tuple[bytes, CellRecord], ...]
    measurements: tuple[tuple[bytes, Measurement], ...]
    _zip: zipfile.ZipFile = field(repr=False)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, most_bytes: int) -> Iterator[Self]:
        """Open an archive and check all of it.

        most_bytes: of all its members unpacked; one that claims or has more is refused. Raises ArchiveError with what
        is wrong: not an archive, damaged, of a newer format, a name, size, checksum or record that cannot be.
        """
        try:
            file = path.open("rb")
        except OSError as error:
            raise ArchiveError(f"cannot read {path}: {error.strerror or error}.") from None
        with file, _as_zip(path, file) as archive:
            yield cls._checked(path, archive, most_bytes)

    @classmethod
    def _checked(cls, path: Path, archive: zipfile.ZipFile, most_bytes: int) -> Self:
        infos = archive.infolist()
        _check_names(path, infos)
        manifest = _manifest(path, archive)
        _check_sizes(path, infos, manifest, most_bytes)
        for name, member in manifest.members.items():
            digest = hashlib.sha256()
            for piece in _pieces(path, archive, name, member.size):
                digest.update(piece)
            if digest.hexdigest() != member.sha256:
                raise ArchiveError(f"{path}: {name} does not match its checksum; the archive was altered or damaged.")
        records = tuple(_records(path, archive, manifest))
        _check_belonging(path, manifest, [record for _, record in records])
        measurements = tuple(_measurements(path, archive, manifest, {record.key for _, record in records}))
        return cls(path, manifest, records, measurements, archive)

    def files(self, record: CellRecord) -> dict[str, bytes]:
        """The files of a record's cell by name, checked once more: the archive may have changed since."""
        found = {}
        for file, name in files_of(record, self.manifest.members).items():
            member = self.manifest.members[name]
            content = b"".join(_pieces(self.path, self._zip, name, member.size))
            if hashlib.sha256(content).hexdigest() != member.sha256:
                raise ArchiveError(f"{self.path}: {name} was changed while it was read.")
            found[file] = content
        return found


@contextmanager
def _as_zip(path: Path, file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        raise ArchiveError(f"{path} is no archive of seqbench export, or it is cut off ({error}).") from None
    with archive:
        yield archive


def _check_names(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Only names that an archive has, each once, each of a plain file that can be read."""
    if len(infos) > MOST_MEMBERS:
        raise ArchiveError(f"{path} has {len(infos):,} members, more than the {MOST_MEMBERS:,} that are read.")
    seen: set[str] = set()
    for info in infos:
        # `filename` is cleaned up by zipfile: what stands in the archive is the other.
        name = info.orig_filename
        if name != info.filename or not is_member(name):
            raise ArchiveError(f"{path} has a member {name!r}, which is no part of an archive of seqbench: refused.")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise ArchiveError(f"{path}: {name} is a link or no plain file: refused.")
        if info.flag_bits & IS_ENCRYPTED or info.compress_type not in KNOWN_COMPRESSION:
            raise ArchiveError(f"{path}: {name} is encrypted or packed in a way that export does not use: refused.")
        seen_as = as_systems_see(name)
        if seen_as in seen:
            raise ArchiveError(f"{path} has {name} twice: refused.")
        seen.add(seen_as)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        raise ArchiveError(f"{path} has no {MANIFEST}: it is no archive of seqbench export.") from None
    if info.file_size > MOST_MANIFEST_BYTES:
        raise ArchiveError(f"{path}: {MANIFEST} claims {info.file_size:,} bytes, more than can be one: refused.")
    content = b"".join(_pieces(path, archive, MANIFEST, info.file_size))
    try:
        number = _Numbered.model_validate_json(content).format
        if number > FORMAT:
            raise ArchiveError(
                f"{path} was made by a newer seqbench (format {number} of archives, this one knows {FORMAT}): "
                "update seqbench."
            )
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ArchiveError(f"{path}: {MANIFEST} is not valid: {_first(error)}.") from None


def _check_sizes(path: Path, infos: list[zipfile.ZipInfo], manifest: Manifest, most_bytes: int) -> None:
    """The manifest names every other member with the size that the zip file says; together they are not too large."""
    sizes = {info.filename: info.file_size for info in infos if info.filename != MANIFEST}
    for name in (*sizes, *manifest.members):
        member = manifest.members.get(name)
        if member is None:
            raise ArchiveError(f"{path} has {name}, of which its manifest says nothing: refused.")
        if name not in sizes:
            raise ArchiveError(f"{path} lacks {name}, which its manifest names.")
        if sizes[name] != member.size:
            raise ArchiveError(
                f"{path}: {name} has {sizes[name]:,} bytes, but its manifest says {member.size:,}: refused."
            )
    total = sum(sizes.values())
    if total > most_bytes:
        raise ArchiveError(
            f"{path} unpacks to {total / GIGABYTE:.3g} GB, more than the {most_bytes / GIGABYTE:g} GB that are read: "
            "--max-gb raises that."
        )
    if sizes.get(RECORDS, 0) > MOST_RECORDS_BYTES:
        raise ArchiveError(f"{path}: {RECORDS} has more than the {MOST_RECORDS_BYTES:,} bytes that are read.")


def _pieces(path: Path, archive: zipfile.ZipFile, name: str, size: int) -> Iterator[bytes]:
    """A member's content by pieces, of which there are never more than `size` bytes."""
    read = 0
    try:
        with archive.open(name) as member:
            while piece := member.read(CHUNK):
                read += len(piece)
                if read > size:
                    break
                yield piece
    except DAMAGED as error:
        raise ArchiveError(f"{path}: {name} is damaged or not of the size it claims ({error}).") from None
    if read != size:
        raise ArchiveError(f"{path}: {name} has not the {size:,} bytes that it claims.")


def _lines(path: Path, archive: zipfile.ZipFile, name: str) -> Iterator[tuple[str, bytes]]:
    """Each line of a member, with what to call it; none of them is longer than a record can be."""
    with archive.open(name) as member:
        number = 0
        while line := member.readline(MOST_LINE_BYTES + 1):
            number += 1
            where = f"{path}: {name} line {number}"
            if len(line) > MOST_LINE_BYTES:
                raise ArchiveError(f"{where} is longer than the {MOST_LINE_BYTES:,} bytes that one can have: refused.")
            if not is_intact(line) or not line.endswith(b"\n"):
                raise ArchiveError(f"{where} is torn or does not match its checksum: refused.")
            yield where, line


def _records(path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[tuple[bytes, CellRecord]]:
    """The records, each of them checked, and each cell once."""
    if RECORDS not in manifest.members:
        raise ArchiveError(f"{path} has no {RECORDS}: there is nothing in it.")
    seen: set[str] = set()
    for where, line in _lines(path, archive, RECORDS):
        record = _record(where, line)
        if record.key in seen:
            raise ArchiveError(f"{where} is the second record of the cell {record.key[:12]}: refused.")
        seen.add(record.key)
        yield line, record


def _record(where: str, line: bytes) -> CellRecord:
    try:
        values = json.loads(line)
        schema = values.get("schema", 0)
        if isinstance(schema, int) and schema > SCHEMA:
            raise ArchiveError(f"{where} was written by a newer seqbench (schema {schema}): update seqbench.")
        # Every field as strictly as JSON can say it: boards count on numbers being numbers.
        _record_schema().validate_json(line, strict=True)
        is_canonical = as_line({name: value for name, value in values.items() if name != CHECKSUM}) == line
        record = CellRecord.from_json(values)
    except ValidationError as error:
        raise ArchiveError(f"{where} is no record: {_first(error)}.") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ArchiveError(f"{where} is no record ({type(error).__name__}): refused.") from None
    if not is_canonical:
        raise ArchiveError(f"{where} is not as seqbench writes records: refused.")
    if not is_cell_folder(record.folder, record.key):
        raise ArchiveError(f"{where} wants its files in '{record.folder}', which is no cell's folder: refused.")
    if record.status not in STATUSES or record.seed < 0:
        raise ArchiveError(f"{where} has the status '{record.status}' and seed {record.seed}: there is no such cell.")
    return record


_schemas: list[TypeAdapter[CellRecord]] = []


def _record_schema() -> TypeAdapter[CellRecord]:
    """What a record's fields are, built once."""
    if not _schemas:
        _schemas.append(TypeAdapter(CellRecord))
    return _schemas[0]


def _check_belonging(path: Path, manifest: Manifest, records: list[CellRecord]) -> None:
    """Every file of a cell is of a cell that has a record here."""
    known = {name for record in records for name in files_of(record, manifest.members).values()}
    for name in manifest.members:
        if name not in known and name not in (RECORDS, MEASUREMENTS):
            raise ArchiveError(f"{path}: {name} belongs to no record: refused.")


def _measurements(
    path: Path, archive: zipfile.ZipFile, manifest: Manifest, keys: set[str]
) -> Iterator[tuple[bytes, Measurement]]:
    if MEASUREMENTS not in manifest.members:
        return
    for where, line in _lines(path, archive, MEASUREMENTS):
        measurement = parsed(line)
        if measurement is None or measurement.key not in keys:
            raise ArchiveError(f"{where} is no measurement of a cell in this archive: refused.")
        yield line, measurement


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, with its place."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"][:3])
    return f"{place[:80]}: {first['msg']}" if place else first["msg"]
