"""An archive holds a results folder, whole, and is the same whenever it is made."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from seqbench.errors import ConfigError, StoreError
from seqbench.measurements import Measurement, append
from seqbench.sharing.pack import pack
from seqbench.store import Store
from shared_results import MODEL, PREDICTIONS, contents, record, results


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    """Two exports of the same cells are one file, byte for byte, in whatever order the cells ended."""
    one = results(tmp_path / "one", record(seed=0), record(seed=1), record("gru"))
    other = results(tmp_path / "other", record("gru"), record(seed=1), record(seed=0))
    pack(one, tmp_path / "a.zip", weights=True)
    pack(other, tmp_path / "b.zip", weights=True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_an_archive_has_what_a_cell_is(tmp_path: Path) -> None:
    """Records are as they were written, files as they lie there; weights only when they are asked for."""
    store = results(tmp_path / "results", record())
    pack(store, tmp_path / "a.zip")
    found = contents(tmp_path / "a.zip")
    folder = record().folder
    assert {f"{folder}/log.txt", f"{folder}/predictions.csv", "records.jsonl"} == set(found)
    assert store.records_path.read_bytes() == found["records.jsonl"]
    assert PREDICTIONS == found[f"{folder}/predictions.csv"]
    pack(store, tmp_path / "b.zip", weights=True)
    assert {f"{folder}/{name}" for name in MODEL} == set(contents(tmp_path / "b.zip")) - set(found)
    assert b"w" == contents(tmp_path / "b.zip")[f"{folder}/weights.safetensors"]


def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    """Its format, the version that made it, and every member with its size."""
    pack(results(tmp_path / "results", record()), tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert (1, "0.1.0") == (manifest["format"], manifest["seqbench"])
    sizes = {name: member["size"] for name, member in manifest["members"].items()}
    assert {name: len(content) for name, content in contents(tmp_path / "a.zip").items()} == sizes


def test_only_the_last_record_of_a_cell_counts(tmp_path: Path) -> None:
    """What a later record has replaced, and what was interrupted, stays out."""
    store = results(tmp_path / "results", record(accuracy=0.25), record(accuracy=0.75))
    store.append(record("gru", status="interrupted"), {})
    packed = pack(store, tmp_path / "a.zip")
    lines = contents(tmp_path / "a.zip")["records.jsonl"].splitlines()
    assert [0.75] == [json.loads(line)["metrics"]["accuracy"] for line in lines]
    assert "gru seed 0 was interrupted" in packed.warnings[0]


def test_damaged_lines_are_told_and_left_out(tmp_path: Path) -> None:
    """A record that was altered by hand is not passed on; one whose predictions are missing is, and it is told."""
    store = results(tmp_path / "results", record(seed=0, accuracy=0.25), record(seed=1))
    text = store.records_path.read_text().replace('"accuracy":0.25', '"accuracy":0.99')
    store.records_path.write_text(text)
    (store.folder / record(seed=1).folder / "predictions.csv").unlink()
    packed = pack(store, tmp_path / "a.zip")
    assert 1 == packed.records
    assert ["does not match its checksum", "is missing"] == [
        next(part for part in ("does not match its checksum", "is missing") if part in told) for told in packed.warnings
    ]


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    """What lies there stays as it is without `force`, and nothing half written is left beside it."""
    store = results(tmp_path / "results", record())
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        pack(store, tmp_path / "a.zip")
    assert "mine" == (tmp_path / "a.zip").read_text()
    pack(store, tmp_path / "a.zip", force=True)
    assert zipfile.is_zipfile(tmp_path / "a.zip")
    assert {"results", "a.zip"} == {path.name for path in tmp_path.iterdir()}


def test_some_tasks_and_models_only(tmp_path: Path) -> None:
    """Filters keep what they name, by name or as on the board, and a wrong name is told with the nearest."""
    store = results(tmp_path / "results", record("gru"), record("lstm"))
    assert 1 == pack(store, tmp_path / "a.zip", ["toy"], ["gru"]).records
    with pytest.raises(ConfigError, match="there is no model 'gruu' among the records: did you mean 'gru'"):
        pack(store, tmp_path / "b.zip", (), ["gruu"])


def test_nothing_is_no_archive(tmp_path: Path) -> None:
    """Where there is no record, a sentence says what would help."""
    with pytest.raises(StoreError, match="run seqbench run first"):
        pack(Store(tmp_path / "nowhere"), tmp_path / "a.zip")
    assert [] == list(tmp_path.iterdir())


def test_a_record_never_leads_outside(tmp_path: Path) -> None:
    """A record whose folder is elsewhere is left out: a file of that place is no result."""
    (tmp_path / "log.txt").write_text("a secret")
    store = results(tmp_path / "results", record())
    store.append(record("gru", folder="cells/../.."), {})
    packed = pack(store, tmp_path / "a.zip")
    assert 1 == packed.records
    assert all(b"secret" not in content for content in contents(tmp_path / "a.zip").values())


def test_measurements_go_along(tmp_path: Path) -> None:
    """What was measured of a cell is in the archive with it, the last of each kind of device."""
    store = results(tmp_path / "results", record("gru"), record("lstm"))
    for model, value in (("gru", 1.0), ("gru", 2.0), ("lstm", 3.0)):
        append(store, Measurement(record(model).key, {"latency_p50_ms": value}, {}, 1, 0.0, {"device_kind": "cpu"}))
    pack(store, tmp_path / "a.zip", models=["gru"])
    lines = contents(tmp_path / "a.zip")["measurements.jsonl"].splitlines()
    assert [2.0] == [json.loads(line)["values"]["latency_p50_ms"] for line in lines]
