"""A results folder keeps what was earned, and notices what was damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seqbench.errors import StoreError
from seqbench.records import SCHEMA, CellRecord, Costs, EpochRecord, Failure
from seqbench.store import Store


def record(key: str = "a", seed: int = 0, **changes: object) -> CellRecord:
    values: dict[str, object] = {
        "key": key,
        "series": "s",
        "task": "toy",
        "source": "builtin",
        "task_id": "toy@builtin",
        "model": "lstm",
        "label": "lstm",
        "is_baseline": False,
        "seed": seed,
        "status": "ok",
        "primary": "accuracy",
        "higher_is_better": True,
        "metrics": {"accuracy": 0.5},
        "folder": f"cells/{key}",
    }
    return CellRecord(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "results")
    made.create()
    return made


def test_what_is_appended_is_read_back(store: Store) -> None:
    """A record comes back equal, with its epochs, costs and failure, and its files lie in its folder."""
    full = record(
        history=(EpochRecord(1, 0.5, None, 0.25, 1.0, 0.1, 2.0),),
        costs=Costs(parameters=3, fit_seconds=0.5),
        failure=Failure("ValueError", "no", "Traceback"),
    )
    store.append(full, {"log.txt": b"hello"})
    assert [full] == store.records()
    assert b"hello" == (store.folder / "cells/a/log.txt").read_bytes()


def test_a_torn_last_line_costs_only_itself(store: Store) -> None:
    """A line cut off by a crash is left out with its number, and the next record starts on a line of its own."""
    store.append(record("a"), {})
    store.append(record("b"), {})
    content = store.records_path.read_bytes()
    store.records_path.write_bytes(content[:-20])
    store.append(record("c"), {})
    assert ["a", "c"] == [item.key for item in store.records()]
    assert 1 == len(store.warnings)
    assert "line 2" in store.warnings[0]


def test_an_altered_line_is_seen(store: Store) -> None:
    """A record changed by hand no longer matches its checksum and does not count."""
    store.append(record("a"), {})
    store.append(record("b"), {})
    text = store.records_path.read_text().replace('"accuracy":0.5', '"accuracy":0.9', 1)
    store.records_path.write_text(text)
    assert ["b"] == [item.key for item in store.records()]
    assert "line 1 does not match its checksum" in store.warnings[0]


def test_a_newer_folder_is_refused(store: Store) -> None:
    """Records of a later schema are not guessed at."""
    line = {**record().to_json(), "schema": SCHEMA + 1, "sha256": "?"}
    store.records_path.write_text(json.dumps(line) + "\n")
    with pytest.raises(StoreError, match="newer seqbench"):
        store.records()


def test_writing_again_replaces_the_files(store: Store) -> None:
    """The files of a cell that ran again are the new ones only."""
    store.append(record(), {"old.txt": b"1"})
    store.append(replace(record(), metrics={"accuracy": 1.0}), {"new.txt": b"2"})
    assert ["new.txt"] == [path.name for path in (store.folder / "cells/a").iterdir()]


def test_an_unwritable_place_is_a_sentence(tmp_path: Path) -> None:
    """A results folder that cannot be made is told with its path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write results to"):
        Store(tmp_path / "file" / "results").create()


def test_a_missing_folder_has_no_records(tmp_path: Path) -> None:
    """Looking at a folder that is not there finds nothing and makes nothing."""
    assert [] == Store(tmp_path / "nowhere").records()
    assert not (tmp_path / "nowhere").exists()
