"""Sources: what a string means, and downloads that are whole or not there. A real HTTP server stands for the web."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from seqbench.cache import downloads_folder, entries
from seqbench.errors import ConfigError, DataError
from seqbench.facts import source_fingerprint
from seqbench.registry import discover
from seqbench.sources import absolute, expand, files_of, is_remote, label_of, obtain, walk_files
from seqbench.spec import NoParams, TaskSpec


def task(**changes: Any) -> TaskSpec:
    return TaskSpec(
        name="toy",
        prepare=lambda source, params, cache: None,  # type: ignore[arg-type,return-value]
        input_kind="dense",
        metrics={"accuracy": lambda outputs, split: 0.0},
        primary="accuracy",
        higher_is_better=True,
        loss="mse",
        **changes,
    )


@dataclass
class Web:
    """A web server over a folder, and what it was asked for."""

    folder: Path
    address: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    folder = tmp_path / "web"
    folder.mkdir()
    found = Web(folder, "")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            found.asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))


def test_a_path_is_no_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths, patterns, drives and files with a colon in their name are local; schemes and addresses are not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hf:real").write_text("x")
    local = ("prices.csv", "data/*.csv", "C:/prices.csv", "hf:real", "/a/b", "~/x")
    assert [False] * len(local) == [is_remote(source) for source in local]
    assert [True] * 3 == [is_remote(source) for source in ("hf:owner/name", "https://a.b/c.csv", "yfinance:^GSPC")]
    assert (str(tmp_path / "prices.csv"), "hf:a/b", "builtin") == tuple(
        map(absolute, ("prices.csv", "hf:a/b", "builtin"))
    )


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("builtin", "builtin"),
        ("https://example.org/data/AAPL.csv?from=1#sha256=00", "AAPL"),
        ("https://example.org/speech_v2.tar.gz", "speech_v2"),
        ("hf:stanfordnlp/sst2", "stanfordnlp-sst2"),
        ("speechcommands:v0.02", "v0.02"),
        ("yfinance:AAPL,MSFT", "AAPL-MSFT"),
        ("/nowhere/prices/*.csv", "prices"),
        ("/nowhere/stocks/*_yahoo.csv", "stocks-yahoo"),
        ("/nowhere/some folder", "some-folder"),
    ],
)
def test_labels(source: str, label: str) -> None:
    """The board's name of a source is short and says which it is."""
    assert label == label_of(source)


def test_patterns_and_folders(tmp_path: Path) -> None:
    """A pattern gives its matches in order, a folder every file below it; nothing there is an error that says so."""
    for name in ("b.csv", "a.csv", "c.txt", "below/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert ["a.csv", "b.csv"] == [path.name for path in expand(str(tmp_path / "*.csv"))]
    assert 4 == len(files_of(str(tmp_path)))
    with pytest.raises(DataError, match="nothing matches"):
        expand(str(tmp_path / "*.wav"))
    with pytest.raises(DataError, match=r"there is nothing at .* for --data toy="):
        source_fingerprint(str(tmp_path / "none"), "--data toy=...")


def test_fingerprints_go_by_content(tmp_path: Path) -> None:
    """The same files elsewhere have the same fingerprint; another content, or another name, has not."""
    prints = []
    contents = [("one", "a.csv", "1"), ("two", "a.csv", "1"), ("three", "a.csv", "2"), ("four", "b.csv", "1")]
    for folder, name, text in contents:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
        (tmp_path / folder / "same.csv").write_text("same")
        prints.append(source_fingerprint(str(tmp_path / folder), "toy"))
        assert prints[-1] == source_fingerprint(str(tmp_path / folder / "*.csv"), "toy")
    assert prints[0] == prints[1]
    assert 3 == len(set(prints))
    (tmp_path / "one" / "a.csv").write_text("3")
    assert prints[0] != source_fingerprint(str(tmp_path / "one"), "toy")


def test_a_file_is_downloaded_once(web: Web) -> None:
    """The file at an address is fetched once, with its checksum noted, and is a path from then on."""
    (web.folder / "prices.csv").write_text("date,close\n")
    first = obtain(task(), f"{web.address}/prices.csv", NoParams())
    again = obtain(task(), f"{web.address}/prices.csv", NoParams())
    assert first == again
    assert ["/prices.csv"] == web.asked
    assert "date,close\n" == Path(first).read_text()
    assert [] == list(downloads_folder().glob(".partial-*"))


def test_a_checksum_is_held_against_the_file(web: Web) -> None:
    """`#sha256=` at the end of an address is checked: the right one passes, a wrong one is an error, nothing stays."""
    (web.folder / "a.csv").write_bytes(b"content")
    right = hashlib.sha256(b"content").hexdigest()
    assert obtain(task(), f"{web.address}/a.csv#sha256={right}", NoParams()).endswith("a.csv")
    with pytest.raises(DataError, match="does not have the checksum"):
        obtain(task(), f"{web.address}/a.csv#sha256={'0' * 64}", NoParams())
    assert 1 == len([path for path in downloads_folder().iterdir() if path.is_dir()])


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_archives_are_unpacked(web: Web, kind: str) -> None:
    """An archive is unpacked, and its only folder is the source."""
    archive = web.folder / f"clips.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("clips/yes/a.wav", b"1")
    else:
        with tarfile.open(archive, "w:gz" if kind == "tar.gz" else "w:xz") as tar:
            member = tarfile.TarInfo("clips/yes/a.wav")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"1"))
    folder = Path(obtain(task(), f"{web.address}/clips.{kind}", NoParams()))
    assert ("clips", b"1") == (folder.name, (folder / "yes" / "a.wav").read_bytes())


def test_an_archive_cannot_write_outside(web: Web, tmp_path: Path) -> None:
    """A member that would leave the folder makes the archive unusable, and nothing is written there."""
    with tarfile.open(web.folder / "evil.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("../../../../evil.txt")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"1"))
    with pytest.raises(DataError, match="cannot be unpacked"):
        obtain(task(), f"{web.address}/evil.tar.gz", NoParams())
    assert [] == list(tmp_path.rglob("evil.txt"))


def test_what_cannot_be_reached_is_a_sentence(web: Web) -> None:
    """A missing file and a dead server name the address and what to do instead."""
    for address in (f"{web.address}/none.csv", "http://127.0.0.1:9/x.csv"):
        with pytest.raises(DataError, match="give the path of the file") as caught:
            obtain(task(), address, NoParams())
        assert address in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_task_fetches_its_schemes() -> None:
    """A task's fetcher is called once per source; a broken one leaves nothing; an unknown scheme names the known."""
    calls: list[str] = []

    def fetch(rest: str, params: Any, folder: Path) -> Path:
        calls.append(rest)
        (folder / "half").write_text("x")
        if rest == "broken":
            raise DataError("it cannot be reached")
        return folder / "half"

    spec = task(fetchers={"shop": fetch})
    assert obtain(spec, "shop:things", NoParams()) == obtain(spec, "shop:things", NoParams())
    assert ["things"] == calls
    with pytest.raises(DataError, match="cannot be reached"):
        obtain(spec, "shop:broken", NoParams())
    assert 1 == len([path for path in downloads_folder().iterdir() if path.is_dir()])
    with pytest.raises(ConfigError, match="did you mean 'shop'"):
        obtain(spec, "shap:things", NoParams())


@dataclass(frozen=True)
class Columns:
    """Parameters, one of which a fetcher looks at."""

    column: str = "a"
    other: int = 0


def test_a_fetcher_is_asked_again_for_what_it_looks_at() -> None:
    """Another value of a parameter in `fetch_params` is another download; of any other parameter it is not."""
    calls: list[str] = []

    def fetch(rest: str, params: Columns, folder: Path) -> Path:
        calls.append(params.column)
        (folder / "file").write_text(params.column)
        return folder / "file"

    spec = task(params=Columns, fetchers={"shop": fetch}, fetch_params=("column",))
    for params in (Columns(), Columns(other=1), Columns("b"), Columns("b", 2)):
        assert params.column == Path(obtain(spec, "shop:x", params)).read_text()
    assert ["a", "b"] == calls


def test_no_built_in_task_knows_a_made_up_scheme() -> None:
    """Every built-in task refuses a scheme that it has no fetcher for, before anything is read."""
    for spec in discover().tasks.values():
        with pytest.raises(ConfigError, match="takes no source"):
            obtain(spec, "nosuch:thing", spec.params())


def test_links_to_folders_count(tmp_path: Path) -> None:
    """Files behind a link are part of a folder's fingerprint, and a link that leads back to itself ends."""
    real, source = tmp_path / "real", tmp_path / "source"
    real.mkdir()
    source.mkdir()
    (real / "a.wav").write_text("1")
    (source / "yes").symlink_to(real)
    (real / "loop").symlink_to(source)
    assert ["a.wav"] == [path.name for path in walk_files(source)]
    before = source_fingerprint(str(source), "it")
    (real / "a.wav").write_text("2")
    assert before != source_fingerprint(str(source), "it")


def test_files_read_beside_a_pattern_count(tmp_path: Path) -> None:
    """A task's sidecars change the fingerprint of a pattern beside which they lie; other files do not."""
    for name in ("one_text.txt", "mapping.txt", "other.txt"):
        (tmp_path / name).write_text(name)

    def fingerprint() -> str:
        return source_fingerprint(str(tmp_path / "*_text.txt"), "it", ("mapping.txt",))

    before = fingerprint()
    (tmp_path / "other.txt").write_text("changed")
    assert before == fingerprint()
    (tmp_path / "mapping.txt").write_text("changed")
    assert before != fingerprint()


def test_a_damaged_download_is_fetched_again(web: Web) -> None:
    """A file that no longer has its checksum is fetched anew; so is one of an archive's."""
    with zipfile.ZipFile(web.folder / "a.zip", "w") as archive:
        archive.writestr("texts/x.csv", "whole")
    folder = Path(obtain(task(), f"{web.address}/a.zip", NoParams()))
    (folder / "x.csv").write_text("torn")
    (entry,) = entries()
    assert "x.csv does not match its checksum" in entry.problem()
    assert folder == Path(obtain(task(), f"{web.address}/a.zip", NoParams()))
    assert "whole" == (folder / "x.csv").read_text()


def test_odd_names_of_files(web: Web) -> None:
    """A file called as the cache's own description keeps its content, and an address without a name has one."""
    (web.folder / "source.json").write_text("mine")
    assert "mine" == Path(obtain(task(), f"{web.address}/source.json", NoParams())).read_text()
    found = Path(obtain(task(), f"{web.address}/..", NoParams()))
    assert "data" == found.name
    assert downloads_folder() in found.parents


def test_a_name_too_long_is_a_sentence() -> None:
    """A source with a name that no system has is an error like any other."""
    with pytest.raises(DataError, match="there is nothing at"):
        source_fingerprint(absolute("x" * 400), "--data toy=...")


def test_a_name_in_another_encoding_counts(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 has a fingerprint like any other."""
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b"/caf\xe9.txt")
    Path(name).write_text("x")
    os.utime(name, (1.0, 1.0))
    before = source_fingerprint(str(tmp_path), "it")
    Path(name).write_text("y")
    assert before != source_fingerprint(str(tmp_path), "it")


def test_a_local_archive_is_its_content(tmp_path: Path) -> None:
    """A zip given by path is unpacked once: of one file the file, else the folder; an empty one is a sentence."""
    for name, members in (("one.zip", ["a.csv"]), ("two.zip", ["t/train.csv", "t/test.csv"]), ("none.zip", [])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, member)
    assert "a.csv" == Path(obtain(task(), str(tmp_path / "one.zip"), NoParams())).name
    folder = Path(obtain(task(), str(tmp_path / "two.zip"), NoParams()))
    assert ["test.csv", "train.csv"] == [path.name for path in walk_files(folder)]
    assert str(folder) == obtain(task(), str(tmp_path / "two.zip"), NoParams())
    with pytest.raises(DataError, match="holds nothing"):
        obtain(task(), str(tmp_path / "none.zip"), NoParams())
    assert "two" == label_of(str(tmp_path / "two.zip"))
