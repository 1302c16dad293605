"""Speech that has to be fetched: the published archives from a server, and datasets of the hub from a local folder."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import soundfile

from seqbench import DataError
from seqbench_tasks.speech_commands import official
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.task import SPEC

RATE = 8000
NAME = "speech_commands_v0.02"


def recording(seed: int) -> bytes:
    """An encoded WAV of a third of a second."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(seed).normal(0, 0.1, RATE // 3), RATE, format="WAV")
    return buffer.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not write to the terminal."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served where torchaudio expects the published archives."""
    served = tmp_path / "served"
    served.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        monkeypatch.setattr(official, "BASE_ADDRESS", f"http://127.0.0.1:{http.server_port}/")
        yield served
        http.shutdown()


def publish(served: Path, monkeypatch: pytest.MonkeyPatch, digest: str = "") -> None:
    """Serve an archive in the published layout, with its checksum (or another) where torchaudio looks for it."""
    from torchaudio.datasets import speechcommands

    archive = served / f"{NAME}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        lists: dict[str, list[str]] = {"validation_list.txt": [], "testing_list.txt": []}
        for number, (word, speaker) in enumerate((w, s) for w in ("yes", "no") for s in range(6)):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            add(tar, name, recording(number))
            if speaker > 3:
                lists["validation_list.txt" if speaker == 4 else "testing_list.txt"].append(name)
        for file, names in lists.items():
            add(tar, file, "\n".join(names).encode())
        add(tar, "_background_noise_/hum.wav", recording(99))
    own = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(speechcommands._CHECKSUMS, f"{official.BASE_ADDRESS}{NAME}.tar.gz", digest or own)


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """A file of an archive."""
    info = tarfile.TarInfo(f"./{name}")
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def test_the_published_archive_is_fetched_and_read(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive is downloaded by torchaudio, checked, unpacked, deleted, and read with its own splits."""
    publish(server, monkeypatch)
    folder = tmp_path / "into"
    folder.mkdir()
    found = SPEC.fetchers["speechcommands"]("v0.02", SpeechParams(), folder)
    assert [] == list(folder.glob("*.tar.gz"))
    data = SPEC.prepare(str(found), SpeechParams(), tmp_path)
    assert (8, 2, 2) == (len(data.train), len(data.validation), len(data.test))
    assert "by lists" == data.notes["split"]


def test_an_archive_with_another_checksum_is_refused(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not have torchaudio's checksum is not read."""
    publish(server, monkeypatch, digest="0" * 64)
    with pytest.raises(DataError, match="does not have the published checksum"):
        SPEC.fetchers["speechcommands"]("v0.02", SpeechParams(), tmp_path)


def test_what_cannot_be_reached_is_told(server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without the archive, no server, and a version that does not exist: one sentence with what to do."""
    fetch = SPEC.fetchers["speechcommands"]
    with pytest.raises(DataError, match=r"cannot fetch .*v0\.01\.tar\.gz \(File not found\)"):
        fetch("v0.01", SpeechParams(), tmp_path)
    monkeypatch.setattr(official, "BASE_ADDRESS", "http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"cannot fetch .*refused.*give the path of its folder"):
        fetch("v0.02", SpeechParams(), tmp_path)
    with pytest.raises(DataError, match=r"no version 'v0.03'.*speechcommands:v0.01, speechcommands:v0.02"):
        fetch("v0.03", SpeechParams(), tmp_path)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's own cache in a folder of the test."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf"))
    return tmp_path / "hf"


def parquet(folder: Path, split: str, words: list[str | None], speakers: list[str], **columns: str) -> None:
    """A split of a repository of Parquet files: an Audio column and numbered labels."""
    import datasets

    audio, label = columns.get("audio", "audio"), columns.get("label", "label")
    names = ["yes", "no", "_silence_"]
    rows = {
        audio: [{"bytes": recording(crc32(f"{split}{i}".encode())), "path": f"{i}.wav"} for i in range(len(words))],
        label: [-1 if word is None else names.index(word) for word in words],
        "speaker_id": speakers,
    }
    features = datasets.Features(
        {
            audio: {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
            label: datasets.Value("int64"),
            "speaker_id": datasets.Value("string"),
        }
    )
    table = datasets.Dataset.from_dict(rows, features=features)
    table = table.cast_column(audio, datasets.Audio(decode=False))
    table = table.cast_column(label, datasets.ClassLabel(names=names))
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))


def fetched(repository: Path, into: Path, **params: Any) -> Path:
    """What the hub's fetcher makes of a local repository."""
    into.mkdir()
    return SPEC.fetchers["hf"](str(repository), SpeechParams(**params), into)


def test_a_dataset_of_the_hub_keeps_its_splits(hub_cache: Path, tmp_path: Path) -> None:
    """Labels by their names, speakers in the names of files, splits as they were; rows without a label are left out."""
    words: list[str | None] = ["yes", "no", "yes", "no", "yes", "no"]
    who = ["ann", "ann", "bob", "bob", "cyd", "cyd"]
    parquet(tmp_path / "repository", "train", [*words, None, "_silence_"], [*who, "dan", "None"])
    parquet(tmp_path / "repository", "validation", words[:2], ["eve", "eve"])
    parquet(tmp_path / "repository", "test", words[:4], ["fay", "fay", "gus", "gus"])
    found = fetched(tmp_path / "repository", tmp_path / "into")
    assert 1 == len(list((found / "_background_noise_").iterdir()))
    data = SPEC.prepare(str(found), SpeechParams(), tmp_path)
    assert (6, 2, 4) == (len(data.train), len(data.validation), len(data.test))
    assert {"train": 3, "validation": 1, "test": 2} == data.notes["speakers"]
    assert {"yes/fay_nohash_0.wav", "yes/gus_nohash_0.wav"} < set(data.test.ids.tolist())
    assert any("1 row " in text and "no label in train" in text for text in data.notes["warnings"])


def test_all_splits_of_a_kind_are_used(hub_cache: Path, tmp_path: Path) -> None:
    """Splits of one kind are put together, one that is of no kind is named as unused; `validated` is no validation."""
    repository = tmp_path / "repository"
    names = ("train.clean.100", "train.clean.360", "validation.clean", "test.clean", "test.other", "extra", "validated")
    for name in names:
        parquet(repository / name, name, ["yes", "no"] * 2, [f"{name}-a", f"{name}-b"] * 2)
    files = "".join(f"  - split: {name}\n    path: {name}/*.parquet\n" for name in names)
    (repository / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n")
    data = SPEC.prepare(str(fetched(repository, tmp_path / "into")), SpeechParams(), tmp_path)
    assert (8, 4, 8) == (len(data.train), len(data.validation), len(data.test))
    warnings = data.notes["warnings"]
    assert "The splits train.clean.100, train.clean.360 were put together to train." in warnings
    unused = [text for text in warnings if "not used" in text]
    assert ["extra", "validated"] == [text.split("'")[1] for text in unused]


def test_labels_of_any_text_survive(hub_cache: Path, tmp_path: Path) -> None:
    """Labels that cannot be names of folders, or would be the same one, stay apart and come as they were written."""
    import datasets

    labels = ["yes/no", "yes:no", "?", "$", "_unknown_", "bon jour", "été", "早", ".", "x" * 300]
    rows = [(label, speaker) for label in labels for speaker in ("李", "张", "Åsa")]
    table = {
        "audio": [recording(number) for number in range(len(rows))],
        "label": [label for label, _ in rows],
        "speaker": [speaker for _, speaker in rows],
    }
    (tmp_path / "repository").mkdir()
    datasets.Dataset.from_dict(table).to_parquet(str(tmp_path / "repository" / "train.parquet"))
    data = SPEC.prepare(str(fetched(tmp_path / "repository", tmp_path / "into")), SpeechParams(), tmp_path)
    assert tuple(sorted(labels)) == data.output.labels  # type: ignore[union-attr]
    assert {"train": 1, "validation": 1, "test": 1} == data.notes["speakers"]
    assert [10, 10, 10] == [len(split) for split in (data.train, data.validation, data.test)]
    two = SPEC.prepare(str(tmp_path / "into" / "words"), SpeechParams(words=("$", "yes/no")), tmp_path)
    assert ("$", "yes/no") == two.output.labels  # type: ignore[union-attr]


def test_a_dataset_without_validation_has_it_held_out(hub_cache: Path, tmp_path: Path) -> None:
    """Where the hub's dataset has train and test only, some speakers of train become validation."""
    words: list[str | None] = ["yes", "no"] * 8
    parquet(tmp_path / "repository", "train", words, [f"s{i // 2}" for i in range(16)])
    parquet(tmp_path / "repository", "test", words[:4], ["t0", "t0", "t1", "t1"])
    data = SPEC.prepare(str(fetched(tmp_path / "repository", tmp_path / "into")), SpeechParams(), tmp_path)
    assert 4 == len(data.test)
    assert 16 == len(data.train) + len(data.validation)
    assert len(data.validation)
    assert 0 == data.notes["speakers_in_train_and_test"]
    assert any("held out" in text for text in data.notes["warnings"])


def test_columns_are_named_or_asked_for(hub_cache: Path, tmp_path: Path) -> None:
    """Columns of other names are found by their types; a name that is not there is told with those that are."""
    words: list[str | None] = ["yes", "no"] * 6
    speakers = [f"s{i // 2}" for i in range(12)]
    parquet(tmp_path / "repository", "train", words, speakers, audio="sound_file", label="said")
    found = fetched(tmp_path / "repository", tmp_path / "into")
    data = SPEC.prepare(str(found), SpeechParams(), tmp_path)
    assert 12 == len(data.train) + len(data.validation) + len(data.test)
    with pytest.raises(DataError, match="no column 'word': there is sound_file, said, speaker_id"):
        fetched(tmp_path / "repository", tmp_path / "again", label_column="word")


def test_a_folder_of_audio_is_a_dataset(hub_cache: Path, tmp_path: Path) -> None:
    """A repository of plain files, `train/WORD/FILE` and `test/WORD/FILE`, is loaded by its folders' names."""
    for split, count in (("train", 8), ("test", 2)):
        for number in range(count):
            for word in ("yes", "no"):
                path = tmp_path / "repository" / split / word / f"v{number}_{split}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(recording(number))
    data = SPEC.prepare(str(fetched(tmp_path / "repository", tmp_path / "into")), SpeechParams(), tmp_path)
    assert ("no", "yes") == data.output.labels  # type: ignore[union-attr]
    assert (16, 4) == (len(data.train) + len(data.validation), len(data.test))


def test_a_hub_out_of_reach_is_told(hub_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline the dataset is named in one sentence, with what to do instead."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    expected = r"cannot load the dataset hf:nobody/nothing:v1 \(http://127.0.0.1:9 does not answer\).*path of a folder"
    with pytest.raises(DataError, match=expected):
        SPEC.fetchers["hf"]("nobody/nothing:v1", SpeechParams(), tmp_path)
    assert not datasets.config.HF_HUB_OFFLINE
