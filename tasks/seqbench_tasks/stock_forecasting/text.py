"""The text of a file of prices, whatever it is packed in and however it is encoded."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from pathlib import Path

from seqbench import DataError

ENCODING_SAMPLE = 200_000
"""Bytes that the encoding is guessed from, where it is not UTF-8."""
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error, ValueError)
"""What unpacking raises where bytes of the archive are wrong: each method has an error of its own."""
MAGIC = {
    b"PAR1": "a Parquet file", b"ARROW1": "an Arrow file", b"FEA1": "a Feather file", b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "a database", b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle", b"\x93NUMPY": "an array of NumPy", b"%PDF": "a PDF", b"{\\rtf": "a text with layout",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"OggS": "a sound file",
    b"fLaC": "a sound file", b"ID3\x03": "a sound file", b"ID3\x04": "a sound file", b"PK\x05\x06": "an empty zip file",
    b"PK\x07\x08": "a part of a zip file", b"7z\xbc\xaf": "a 7-Zip archive", b"Rar!\x1a": "a RAR archive",
    b"BZh9": "a bzip2 file", b"\xfd7zXZ": "an xz file", b"\x28\xb5\x2f\xfd": "a Zstandard file",
}  # fmt: skip
"""What files that are no text begin with."""
RIFF = {b"WAVE": "a sound file", b"AVI ": "a film", b"WEBP": "a picture"}
SIGNS = 4000
"""Characters that tell whether it is text; a mark of DOS at the end, and the escapes of old Japanese mail, may be."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f\ufffd]")
LARGEST_CONTROL_FRACTION = 0.02


def read_text(path: Path) -> str:
    """The text of a file, also gzipped or alone in a zip archive; UTF-8, UTF-16, or what its bytes look most like.

    Raises DataError when the file is missing, empty, damaged, or no text: a spreadsheet, a web page, JSON.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: give the path of a CSV with a date and a close column") from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): give a CSV with a date and a close column"
        ) from None
    data = _unpacked(data, path)
    _check_kind(data, path)
    text = _decode(data, path)
    check_text(text, path)
    return text


def check_text(text: str, path: Path) -> None:
    """Raises DataError, with `path` as the file's name, for a text that is empty or no table: a web page, JSON."""
    if not text.strip():
        raise DataError(f"{path} is empty: give a CSV with a date and a close column")
    if len(_CONTROL.findall(text[:SIGNS])) > LARGEST_CONTROL_FRACTION * len(text[:SIGNS]):
        raise DataError(f"{path} is no text file: export the prices as CSV")
    head = text[:2000].lstrip().lower()
    if head.startswith(("<!doctype", "<html", "<?xml")):
        raise DataError(f"{path} is a web page and no table: download the prices as CSV, not the page that shows them")
    if head.startswith(("{", "[{", "[[")):
        raise DataError(f"{path} is JSON and no table: save the prices as CSV with a date and a close column")


def _unpacked(data: bytes, path: Path) -> bytes:
    if data[:2] == b"\x1f\x8b":
        try:
            return gzip.decompress(data)
        except DAMAGE:
            raise DataError(f"{path} is a damaged gzip file: fetch or export it again") from None
    if data[:4] != b"PK\x03\x04":
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX") and not name.endswith("/")]
            if any(name.startswith("xl/") for name in names):
                raise DataError(f"{path} is a spreadsheet: save the sheet with the prices as CSV and give that")
            if len(names) != 1:
                raise DataError(f"{path} holds {len(names)} files: unpack it and give the folder or one of the files")
            return archive.read(names[0])
    except (*DAMAGE, RuntimeError):  # RuntimeError: it has a password, or a method that Python does not know
        raise DataError(f"{path} is a zip file that cannot be read: fetch it again or unpack it") from None


def _check_kind(data: bytes, path: Path) -> None:
    kind = next((kind for start, kind in MAGIC.items() if data.startswith(start)), None)
    if data.startswith(b"RIFF"):
        kind = RIFF.get(data[8:12])
    if kind is not None:
        raise DataError(f"{path} is {kind} and no text: export the prices as CSV")


def _decode(data: bytes, path: Path) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    sample = data[:2000]
    if sample.count(0) * 3 > len(sample):  # UTF-16 without its mark: every other byte of ASCII text is 0
        return data.decode("utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be", "replace")
    if b"\0" in data:
        raise DataError(f"{path} is no text file: export the prices as CSV")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(_guessed_encoding(data), errors="replace")


def _guessed_encoding(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:ENCODING_SAMPLE]).best()
    return best.encoding if best is not None else "cp1252"
