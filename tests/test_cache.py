"""The cache: hashes that are not computed twice, entries that say whether they are whole."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from seqbench import cache
from seqbench.cache import entries, file_hashes, left_behind, prepared_folder, remove
from seqbench.errors import DataError
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


def test_a_damaged_table_is_thrown_away(tmp_path: Path) -> None:
    """Hashes come out right with a table that is no database, and it is a good one afterwards."""
    file = tmp_path / "a.txt"
    file.write_text("one")
    os.utime(file, (1.0, 1.0))
    expected = [hashlib.sha256(b"one").hexdigest()]
    table = cache.cache_folder() / cache.HASHES
    table.parent.mkdir(parents=True)
    table.write_bytes(b"no database" * 1000)
    assert expected == file_hashes([file])
    assert expected == file_hashes([file])
    assert table.read_bytes().startswith(b"SQLite format 3")


def test_a_cache_that_cannot_be_made_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: str) -> None:
    """Preparing with a file in the cache's place names SEQBENCH_CACHE."""
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "blocked" / "cache"))
    with pytest.raises(DataError, match="set SEQBENCH_CACHE"):
        prepare(discover([toy]).tasks["toy"], "builtin", {}, "some-key")


def test_what_is_being_made_stays(toy: str) -> None:
    """An entry whose lock is held is not deleted; what a killed process left long ago is found."""
    prepare(discover([toy]).tasks["toy"], "builtin", {}, "some-key")
    (entry,) = entries()
    with FileLock(entry.folder.with_name(f"{entry.name}.lock")):
        assert not remove(entry)
    assert entry.folder.is_dir()
    for name, age in ((".partial-old", 7200), (".partial-new", 0)):
        (prepared_folder() / name).mkdir()
        os.utime(prepared_folder() / name, (time.time() - age, time.time() - age))
    assert [".partial-old"] == [path.name for path in left_behind()]


def test_entries_are_listed_verified_and_removed(toy: str) -> None:
    """Prepared data is listed with its task; a changed byte is found; it is gone after removal."""
    spec = discover([toy]).tasks["toy"]
    prepare(spec, "builtin", {}, "some-key")
    (entry,) = entries()
    assert ("prepared", "toy", "builtin", "") == (entry.kind, entry.task, entry.source, entry.problem())
    array = next(entry.folder.glob("*.npy"))
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    assert f"{array.name} does not match its checksum" == entry.problem()
    remove(entry)
    assert [] == entries()
    assert not (prepared_folder() / "some-key").exists()
