"""Bytes → text: UTF-8 or UTF-16 where it is, else an encoding that is detected, and told."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.texts import counted

OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""What packed files begin with."""
UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a file raises that is missing, not permitted, cut off or corrupted."""
BROKEN = "\N{REPLACEMENT CHARACTER}"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, those of UTF-32 before those of UTF-16, which begin them."""
MULTIBYTE = ("gb18030", "big5", "cp932", "euc_jp", "cp949")
CANDIDATES = ("cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", *MULTIBYTE)  # fmt: skip
WESTERN = "cp1252"
"""A superset of Latin-1: what short English text with a few strange bytes mostly is."""
WESTERN_LATIN = (
    *(
        "àâæçéèêëîïôœùûüÿ",
        "äöüßé",
        "áéíñóúü¿¡ºª",
        "ãáàâçéêíóôõúºª",
        "àèéìíîòóùºª",
        "àèéíïòóúüç",
        "åäöæøéü",
        "áéíóúýþæöð",
    ),
)
"""Letters beyond ASCII, and marks that are letters in cp1250, of French, German, Spanish, Portuguese, Italian, Catalan,
the languages of Scandinavia, and Icelandic."""
EASTERN_LATIN = {
    "ąćęłńóśźż": ("cp1250", "iso8859_2"),
    "áčďéěíňóřšťúůýžäĺľôŕ": ("cp1250", "iso8859_2"),
    "áéíóöőúüű": ("cp1250",),
    "čćđšž": ("cp1250", "iso8859_2"),
    "ăâîşţ": ("cp1250",),
    "\u0131çğöşüâîû": ("cp1254",),
}
"""Letters beyond ASCII of Polish, Czech and Slovak, Hungarian, Croatian and Slovene, Romanian, Turkish."""
DOTTED = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
"""Its small letter is two characters."""
MIN_LETTERS = 10
MIN_OWN_PART = 0.15
FITTING_PART = 0.97
MAX_LATIN_RUN = 2.0
"""Bytes beyond ASCII side by side, on average: fewer are single letters of a language in Latin letters."""
LATIN = ("cp1252", "cp1250", "cp1254")
CYRILLIC = ("cp1251", "koi8_r")
JAPANESE = ("cp932", "euc_jp")
MIN_KANA_PART = 0.3
SAMPLE_BYTES = 20_000
MAX_BROKEN_PART = 0.1
"""Of the characters beyond ASCII may be broken in a text that is UTF-8 all the same."""


def content_suffix(path: Path) -> str:
    """The ending that names the format, in lower case: `.csv` of `a.CSV` and of `a.csv.gz`."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in OPENERS else suffix


def opener_of(path: Path) -> Callable[..., Any]:
    """What opens a file as the bytes in it: by what it begins with, since names lie. Raises OSError."""
    with path.open("rb") as file:
        begin = file.read(max(map(len, PACKED)))
    plain: Callable[..., Any] = Path.open
    return next((opener for magic, opener in PACKED.items() if begin.startswith(magic)), plain)


def read_bytes(path: Path) -> bytes:
    """A file's bytes, decompressed if they are packed (gzip, bzip2, xz). Raises DataError when it cannot be read."""
    try:
        with opener_of(path)(path, "rb") as file:
            found: bytes = file.read()
            return found
    except UNREADABLE as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> DataError:
    """The sentence for a file that cannot be read."""
    reason = " ".join((getattr(error, "strerror", None) or str(error)).split()).rstrip(".")
    return DataError(f"{path} cannot be read ({reason}): check the file and its permissions.")


def read_text(path: Path, warnings: list[str], encoding: str | None = None) -> str:
    """A file's text, its lines ended by a line feed alone; an encoding that was guessed or given goes to `warnings`.

    Carriage returns that end no line become spaces; U+0085 and U+2028 are text. Raises DataError for what is no text.
    """
    return decode(read_bytes(path), path.name, warnings, encoding)


def decode(data: bytes, name: str, warnings: list[str], encoding: str | None = None) -> str:
    """The text of bytes that come from `name`, as `read_text` gives it."""
    if encoding is None:
        text = _decoded(data, name, warnings)
    else:
        text = _as_told(data, name, encoding)
        warnings.append(f"{name} was read as {encoding}, by tasks.sentiment.encoding{_broken(text, data)}")
    text = text.replace("\r\n", "\n")
    if "\n" not in text.strip("\r\n") and text.count("\r") > 1:
        return text.replace("\r", "\n")
    return text.replace("\r", " ")


def _decoded(data: bytes, name: str, warnings: list[str]) -> str:
    encoding = _unicode_form(data)
    if encoding is not None:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            if not encoding.startswith("utf-8"):
                raise DataError(
                    f"{name} is broken {encoding.upper()} (byte {error.start}): save it as UTF-8."
                ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    if b"\0" in data[:SAMPLE_BYTES]:
        raise DataError(f"{name} is no text file (it has zero bytes): save it as CSV or JSON lines in UTF-8.")
    repaired = data.decode("utf-8-sig", errors="replace")
    broken = repaired.count(BROKEN)
    beyond_ascii = len(re.findall(r"[^\x00-\x7f]+", repaired))
    if broken <= MAX_BROKEN_PART * beyond_ascii:
        told = counted(broken, "broken character")
        warnings.append(f"{name} has {told}, the first in line {line}: read as U+FFFD")
        return repaired
    encoding = detect(data)
    warnings.append(f"{name} is not UTF-8 (line {line}): it was read as {encoding}")
    return data.decode(encoding, errors="replace")


def _as_told(data: bytes, name: str, encoding: str) -> str:
    """By the encoding that the parameters name. Raises DataError for what is far from it."""
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    beyond_ascii = sum(map(len, re.findall(r"[^\x00-\x7f]+", text)))
    if text.count(BROKEN) > MAX_BROKEN_PART * beyond_ascii:
        raise DataError(f"{name} cannot be read as {encoding}: correct tasks.sentiment.encoding.")
    return text


def _broken(text: str, data: bytes) -> str:
    """How many characters could not be read."""
    broken = text.count(BROKEN) - data.count(BROKEN.encode())
    return f" ({counted(broken, 'broken character')}, read as U+FFFD)" if broken > 0 else ""


def _unicode_form(data: bytes) -> str | None:
    return next((encoding for mark, encoding in MARKS if data.startswith(mark)), None) or _bare_utf16(data)


def _bare_utf16(data: bytes) -> str | None:
    """UTF-16 without its mark, by where its zero bytes are."""
    sample = data[: SAMPLE_BYTES // 2 * 2]
    if len(data) % 2 or len(sample) < 8:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else None


def detect(data: bytes) -> str:
    """The likeliest encoding by the lines that have bytes beyond ASCII; cp1252 when nothing speaks against it."""
    from charset_normalizer import from_bytes

    sample, size = [], 0
    for line in re.finditer(rb"[^\n]*[\x80-\xff][^\n]*", data):
        sample.append(line[0])
        size += len(line[0])
        if size > SAMPLE_BYTES:
            break
    strange = b"\n".join(sample)
    for encoding in JAPANESE:
        if _kana_part(strange, encoding) > MIN_KANA_PART:
            return encoding
    matches = from_bytes(strange, cp_isolation=list(CANDIDATES))
    best = matches.best()
    western = WESTERN if _is_decodable(data, WESTERN) else "latin_1"
    if best is None:
        return western
    if best.encoding in CYRILLIC:
        # Each reads the other's small letters as capitals, of which a text has few.
        return max(CYRILLIC, key=lambda encoding: sum(map(str.islower, strange.decode(encoding, errors="replace"))))
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", strange)]
    limit = MAX_LATIN_RUN if best.encoding not in MULTIBYTE else MAX_LATIN_RUN / 2
    if best.encoding not in LATIN and sum(runs) > limit * len(runs):
        return str(best.encoding)
    return western if _is_western(strange) else _eastern(strange) or western


def _is_western(data: bytes) -> bool:
    """Are the letters beyond ASCII, read as cp1252, all those of one language that is written so?

    `trčs, déjŕ` and `très, déjà` are the same bytes, and letters of Slovak as much as of French: such are cp1252. What
    only the Latin of central Europe has as letters (`³` for `ł`) is none of these alphabets.
    """
    pairs = zip(data.decode(WESTERN, errors="replace"), data.decode("cp1250", errors="replace"), strict=True)
    beyond = [letter for letter, other in pairs if letter > "\x7f" and (letter.isalpha() or other.isalpha())]
    return any(
        sum(letter.lower() in alphabet for letter in beyond) > FITTING_PART * len(beyond) for alphabet in WESTERN_LATIN
    )


def _eastern(data: bytes) -> str | None:
    """The encoding by which the letters beyond ASCII are all those of one language, some of which cp1252 lacks."""
    western = data.decode(WESTERN, errors="replace")
    for alphabet, encodings in EASTERN_LATIN.items():
        found: dict[str, int] = {}
        for encoding in encodings:
            pairs = zip(data.decode(encoding, errors="replace"), western, strict=True)
            beyond = [(letter, other) for letter, other in pairs if letter > "\x7f" and letter.isalpha()]
            own = [letter for letter, other in beyond if letter != other]
            fitting = sum(letter.lower() in alphabet or letter == DOTTED for letter, _ in beyond)
            is_own = len(set(own)) > 1 and len(own) > MIN_OWN_PART * len(beyond)
            if len(beyond) >= MIN_LETTERS and fitting > FITTING_PART * len(beyond) and is_own:
                found[encoding] = fitting
        if found:
            # What is a letter in one of them is a mark in another (`ś` and `¶`): that of the most letters.
            return max(found, key=lambda encoding: found[encoding])
    return None


def _kana_part(data: bytes, encoding: str) -> float:
    """Japanese syllables among the characters beyond ASCII, if the data is of this encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    beyond = [character for character in text if character > "\x7f"]
    return sum("\u3041" <= character <= "\u30ff" for character in beyond) / max(1, len(beyond))


def decode_all(
    contents: Sequence[tuple[str, bytes]], what: str, warnings: list[str], encoding: str | None = None
) -> list[str]:
    """The texts of many small files, those that are not UTF-8 by one encoding detected on all of them together.

    encoding: of all, where the parameters name one.
    """
    if encoding is not None:
        warnings.append(f"the files of {what} were read as {encoding}, by tasks.sentiment.encoding")
        return [_as_told(data, f"{what}/{name}", encoding) for name, data in contents]
    texts, strange = [], []
    for name, data in contents:
        if b"\0" in data and _unicode_form(data) is not None:
            # UTF-16, which has zero bytes and is known by them, file by file.
            texts.append(_decoded(data, name, warnings))
            continue
        try:
            texts.append(data.decode("utf-8-sig"))
        except UnicodeDecodeError:
            strange.append(len(texts))
            texts.append("")
    if strange:
        encoding = detect(b"\n".join(contents[index][1] for index in strange[:500]))
        more = ", ..." if len(strange) > 1 else ""
        told = f"{counted(len(strange), 'file')} of {what} not in UTF-8 ({contents[strange[0]][0]}{more})"
        warnings.append(f"{told}: read as {encoding}")
        for index in strange:
            texts[index] = contents[index][1].decode(encoding, errors="replace")
    return texts


def _is_decodable(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
