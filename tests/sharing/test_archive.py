"""An archive that anybody may have made is refused, with a sentence, before anything of it is used."""

from __future__ import annotations

import json
import pickle
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqbench.errors import ArchiveError
from seqbench.records import SCHEMA
from seqbench.sharing.archive import Archive
from seqbench.sharing.merge import merge
from seqbench.sharing.pack import pack
from seqbench.store import Store, as_line, encode
from shared_results import PREDICTIONS, contents, forged, manifest_of, members_of, record, results

MOST = 10**9


def taken(path: Path, most_bytes: int = MOST) -> list[Any]:
    """The records of an archive, as they are read."""
    with Archive.opened(path, most_bytes) as archive:
        return [item for _, item in archive.records]


def refused(path: Path, because: str, most_bytes: int = MOST) -> None:
    """Reading the archive ends in a sentence, and nothing appears beside it."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ArchiveError, match=because):
        taken(path, most_bytes)
    assert before == sorted(path.parent.rglob("*"))


def test_what_was_packed_is_read(tmp_path: Path) -> None:
    """An archive of export comes back with its records and files."""
    pack(results(tmp_path / "results", record()), tmp_path / "a.zip")
    with Archive.opened(tmp_path / "a.zip", MOST) as archive:
        assert [record()] == [item for _, item in archive.records]
        assert {"predictions.csv": PREDICTIONS, "log.txt": b"all is well\n"} == archive.files(record())


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "../../records.jsonl",
        "/etc/passwd",
        "C:\\x",
        "C:/x",
        "cells\\x\\log.txt",
        "cells/../log.txt",
        "cells/./log.txt",
        "cells//log.txt",
        "cells/a/../../log.txt",
        "cells/a:b/log.txt",
        "cells/a/b/log.txt",
        "cells/a/",
        "cells/a/evil.py",
        "cells/a/predictions.csv\x00.py",
        "records.jsonl.pkl",
        "RECORDS.JSONL",
        "",
    ],
)
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    """Whatever is not exactly a name that export gives is refused: no path leaves the results folder."""
    path = tmp_path / "deep" / "deeper" / "a.zip"
    path.parent.mkdir(parents=True)
    refused(forged(path, {**members_of(record()), name: b"x"}), "no part of|belongs to no record|says nothing")


def test_links(tmp_path: Path) -> None:
    """A member that would be a symbolic link is refused, whatever its name."""

    def link(name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        return info

    members = {**members_of(record()), f"{record().folder}/log.txt": b"/etc/passwd"}
    refused(forged(tmp_path / "a.zip", members, infos=link), "is a link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["predictions.csv", "PREDICTIONS.csv"])
def test_a_name_twice(tmp_path: Path, second: str) -> None:
    """Which of two members of one name counts is nobody's to guess."""
    first = f"{record().folder}/predictions.csv"
    forged(tmp_path / "a.zip", {**members_of(record()), first: PREDICTIONS})
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr(f"{record().folder}/{second}", b"other")
    refused(tmp_path / "a.zip", "twice|no part of an archive")


def test_more_than_is_allowed(tmp_path: Path) -> None:
    """A bomb that says how large it is, is refused by the sum of what it claims, before any of it is unpacked."""
    bomb = {**members_of(record()), f"{record().folder}/log.txt": bytes(20_000_000)}
    path = forged(tmp_path / "a.zip", bomb)
    assert path.stat().st_size < 100_000
    refused(path, r"unpacks to 0.02 GB, more than the 0.01 GB that are read: --max-gb", 10_000_000)
    assert [record()] == taken(path, 30_000_000)


def test_a_size_that_is_not_true(tmp_path: Path) -> None:
    """A bomb that claims to be small gives no more bytes than it claims, and is refused."""
    name = f"{record().folder}/log.txt"
    path = forged(tmp_path / "a.zip", {**members_of(record()), name: bytes(20_000_000)})
    content = path.read_bytes().replace((20_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(content)
    refused(path, "1,000 bytes, but its manifest says 20,000,000")
    honest = manifest_of({**members_of(record()), name: bytes(1000)})
    forged(path, {**members_of(record()), name: bytes(20_000_000)}, honest)
    path.write_bytes(path.read_bytes().replace((20_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    refused(path, "damaged or not of the size it claims|does not match its checksum")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 but not really", pickle.dumps({"a": 1})])
def test_what_is_no_zip(tmp_path: Path, content: bytes) -> None:
    """Any other file is refused as none; a pickle is never loaded."""
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", "is no archive of seqbench export")


def test_a_folder_or_nothing(tmp_path: Path) -> None:
    """A folder, or a name of nothing, is told as what it is."""
    refused(tmp_path, "cannot read")
    refused(tmp_path / "nothing.zip", "No such file")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_part_of_an_archive(tmp_path: Path, part: float) -> None:
    """An archive that was cut off while it was copied is refused as a whole."""
    pack(results(tmp_path / "results", record(), record(seed=1)), tmp_path / "a.zip")
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: int(part * len(content))])
    refused(tmp_path / "a.zip", "cut off|damaged")


def test_any_byte_that_was_altered(tmp_path: Path) -> None:
    """Whichever byte of an archive is changed: what is read is what was packed, or it is refused."""
    pack(results(tmp_path / "results", record()), tmp_path / "a.zip")
    content = (tmp_path / "a.zip").read_bytes()
    wrong = 0
    for place in range(0, len(content), 7):
        (tmp_path / "b.zip").write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            assert [record()] == taken(tmp_path / "b.zip")
        except ArchiveError:
            wrong += 1
    assert wrong > len(content) / 7 / 2


@pytest.mark.parametrize(
    "folder", ["../../x", "cells/../..", "/home/x", "cells", "cells/", "cells/x-0-{key}/y", "x-{key}"]
)
def test_a_record_that_wants_its_files_elsewhere(tmp_path: Path, folder: str) -> None:
    """A record's folder is one of `cells/` that ends with its own key, or the archive is refused."""
    lying = record(folder=folder.format(key=record().key[:12]))
    refused(forged(tmp_path / "a.zip", members_of(lying)), "which is no cell's folder")


def test_a_record_in_the_place_of_another(tmp_path: Path) -> None:
    """No record can put its files where those of another cell lie."""
    lying = replace(record("evil"), folder=record("good").folder)
    refused(forged(tmp_path / "a.zip", members_of(lying)), "which is no cell's folder")


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": {"accuracy": "0.9"}},
        {"metrics": [0.9]},
        {"seed": -1},
        {"seed": 1.5},
        {"status": "great"},
        {"label": None},
        {"history": [{"epoch": 1}]},
        {"costs": {"parameters": "many"}},
        {"failure": "no"},
        {"provenance": 3},
        {"key": "../../x"},
    ],
)
def test_records_are_of_the_form_of_records(tmp_path: Path, change: dict[str, Any]) -> None:
    """A line with a good checksum that is no record, field by field, is refused: boards count on numbers."""
    line = as_line({**record().to_json(), **change})
    refused(forged(tmp_path / "a.zip", {"records.jsonl": line}), "records.jsonl line 1")


def test_altered_lines(tmp_path: Path) -> None:
    """A record whose checksum does not fit is refused, though the manifest was made to fit it."""
    line = encode(record()).replace(b'"accuracy":1.0', b'"accuracy":2.0')
    refused(forged(tmp_path / "a.zip", {"records.jsonl": line}), "does not match its checksum")


def test_json_without_measure(tmp_path: Path) -> None:
    """Nesting without end, and lines longer than any record, are refused and not parsed."""
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n"
    refused(forged(tmp_path / "a.zip", {"records.jsonl": deep}), "torn or does not match")
    long = b'{"a":"' + b"x" * ((1 << 26) + 10) + b'"}\n'
    refused(forged(tmp_path / "b.zip", {"records.jsonl": long}), "is longer than the 67,108,864 bytes")
    nested: list[Any] = []
    for _ in range(500):
        nested = [nested]
    line = as_line({**record().to_json(), "data": {"notes": nested}})
    refused(forged(tmp_path / "c.zip", {"records.jsonl": line}), "is no record: Invalid JSON: recursion limit")


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{", b'{"format":1}', b'{"format":"1"}', b"[" * 100_000])
def test_manifests_that_are_none(tmp_path: Path, manifest: bytes) -> None:
    """A manifest that says nothing useful is refused with its name."""
    refused(forged(tmp_path / "a.zip", members_of(record()), manifest), "manifest.json is not valid")


def test_newer_archives(tmp_path: Path) -> None:
    """A later format, or records of a later schema, ask for a newer seqbench and are not guessed at."""
    members = members_of(record())
    refused(forged(tmp_path / "a.zip", members, {"format": 2, "members": []}), "newer seqbench .format 2")
    refused(forged(tmp_path / "b.zip", members_of(record(schema=SCHEMA + 1))), "newer seqbench .schema")


def test_what_the_manifest_does_not_say(tmp_path: Path) -> None:
    """The manifest and the members are the same, each with its content, or the archive is refused."""
    members = members_of(record())
    more = {**members, f"{record().folder}/log.txt": b"x"}
    refused(forged(tmp_path / "a.zip", more, manifest_of(members)), "its manifest says nothing")
    refused(forged(tmp_path / "b.zip", members, manifest_of(more)), "lacks cells")
    other = {**more, f"{record().folder}/log.txt": b"y"}
    refused(forged(tmp_path / "c.zip", more, manifest_of(other)), "does not match its checksum")
    strange = {**members, f"{record('gru').folder}/log.txt": b"x"}
    refused(forged(tmp_path / "d.zip", strange), "belongs to no record")
    refused(forged(tmp_path / "e.zip", members_of(record(), record())), "second record")


def test_records_of_a_later_version_are_kept_whole(tmp_path: Path) -> None:
    """Fields and costs that this version does not know come along, byte for byte, and the rest is read."""
    values = record().to_json()
    line = as_line({**values, "costs": {**values["costs"], "joules": 3.5}, "carbon": "little"})
    store = Store(tmp_path / "results")
    store.create()
    with Archive.opened(forged(tmp_path / "a.zip", {"records.jsonl": line}), MOST) as archive:
        merge(store, [archive])
    assert line == store.records_path.read_bytes()
    assert [record()] == store.records()


def test_a_metric_that_is_no_number(tmp_path: Path) -> None:
    """NaN may be what a metric says; it comes through as it is, and equals itself when it comes again."""
    store = results(tmp_path / "results", record(metrics={"accuracy": 1.0, "p_value": float("nan")}))
    pack(store, tmp_path / "a.zip")
    with Archive.opened(tmp_path / "a.zip", MOST) as archive:
        assert 1 == merge(store, [archive]).equal
    assert "NaN" in contents(tmp_path / "a.zip")["records.jsonl"].decode()
    assert 1 == len(json.loads(json.dumps([item.key for item in store.records()])))
