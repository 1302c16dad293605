"""The cache: hashes that are not computed twice, entries that say whether they are whole."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from seqbench import cache
from seqbench.cache import entries, file_hashes, prepared_folder, remove
from seqbench.prepare import prepare
from seqbench.registry import discover


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of a file whose size and time are as before comes from the table; a changed one is read again."""
    read: list[Path] = []
    real = cache.file_hash

    def counted(path: Path) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(cache, "file_hash", counted)
    file = tmp_path / "a.txt"
    file.write_text("one")
    old = time.time() - 60
    os.utime(file, (old, old))
    expected = hashlib.sha256(b"one").hexdigest()
    assert [expected, expected] == [*file_hashes([file]), *file_hashes([file])]
    assert [file] == read
    file.write_text("two")
    os.utime(file, (old + 1, old + 1))
    assert [hashlib.sha256(b"two").hexdigest()] == file_hashes([file])
    assert [file, file] == read


def test_a_file_that_is_still_being_changed_is_not_remembered(tmp_path: Path) -> None:
    """A file rewritten within the same tick of the clock, at the same size, still has its new hash."""
    file = tmp_path / "a.txt"
    for text in (b"one", b"two"):
        file.write_bytes(text)
        now = time.time()
        os.utime(file, (now, now))
        assert [hashlib.sha256(text).hexdigest()] == file_hashes([file])


def test_no_table_is_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache folder cannot be made, hashes are computed all the same."""
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "blocked" / "cache"))
    file = tmp_path / "a.txt"
    file.write_text("one")
    assert [hashlib.sha256(b"one").hexdigest()] == file_hashes([file])


def test_entries_are_listed_verified_and_removed(toy: str) -> None:
    """Prepared data is listed with its task; a changed byte is found; it is gone after removal."""
    spec = discover([toy]).tasks["toy"]
    prepare(spec, "builtin", {}, "some-key")
    (entry,) = entries()
    assert ("prepared", "toy builtin", "") == (entry.kind, entry.what, entry.problem())
    array = next(entry.folder.glob("*.npy"))
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    assert f"{array.name} does not match its checksum" == entry.problem()
    remove(entry)
    assert [] == entries()
    assert not (prepared_folder() / "some-key").exists()
