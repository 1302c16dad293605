"""A results folder keeps what was earned, and notices what was damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqbench.errors import StoreError
from seqbench.records import SCHEMA, CellRecord, Costs, EpochRecord, Failure, Outcome
from seqbench.store import Store, encode, is_intact


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


def test_files_are_never_without_either(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped or killed while new files take the place of old ones, a cell has the old ones still."""
    store.append(record(), {"old.txt": b"1"})
    folder, rename = store.folder / "cells/a", Path.rename

    def stopped(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        store.append(record(), {"new.txt": b"2"})
    assert ["old.txt"] == [path.name for path in folder.iterdir()]
    monkeypatch.undo()
    folder.rename(folder.with_name("a.replaced"))  # as a kill leaves it
    store.clean()
    assert ["old.txt"] == [path.name for path in folder.iterdir()]
    folder.with_name("a.replaced").mkdir()
    store.clean()
    assert ["a"] == [path.name for path in folder.parent.iterdir()]


def test_an_unwritable_place_is_a_sentence(tmp_path: Path) -> None:
    """A results folder that cannot be made is told with its path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write results to"):
        Store(tmp_path / "file" / "results").create()


def test_a_missing_folder_has_no_records(tmp_path: Path) -> None:
    """Looking at a folder that is not there finds nothing and makes nothing."""
    assert [] == Store(tmp_path / "nowhere").records()
    assert not (tmp_path / "nowhere").exists()


FULL: dict[str, Any] = {
    "history": (EpochRecord(1, 0.5, None, 0.25, 1.0, 0.1, 2.0),),
    "costs": Costs(parameters=3, fit_seconds=0.5),
    "failure": Failure("ValueError", "no", "Traceback"),
    "parameters": {"model": {"hidden_size": 3, "primary": "yes"}},
    "provenance": {"device_kind": "cpu"},
    "device_kind": "cpu",
}
LINE = encode(record(**FULL))


@given(st.integers(0, len(LINE) - 2), st.integers(1, 255))
def test_any_altered_byte_is_seen(position: int, difference: int) -> None:
    """Whichever byte of a line is changed, and to whatever, the line is no longer intact; as written it is."""
    altered = bytearray(LINE)
    altered[position] = (altered[position] + difference) % 256
    assert is_intact(LINE)
    assert not is_intact(bytes(altered))


@given(position=st.integers(0, len(LINE) - 2), byte=st.binary(min_size=1, max_size=1))
def test_an_altered_line_harms_no_other(tmp_path_factory: pytest.TempPathFactory, position: int, byte: bytes) -> None:
    """A byte altered in one line, even to a line's end, is a warning about it, and the lines around it are read."""
    store = Store(tmp_path_factory.mktemp("results"))
    altered = LINE[:position] + byte + LINE[position + 1 :]
    store.records_path.write_bytes(encode(record("a")) + altered + encode(record("c")))
    try:
        keys = [outcome.key for outcome in store.outcomes()]
    except StoreError as error:  # the byte is the schema's number: the folder is taken for a later version's
        assert "newer seqbench" in str(error)  # noqa: PT017
        return
    assert (["a", "c"] if altered != LINE else ["a", "a", "c"]) == keys
    assert [item.key for item in store.records()] == keys
    assert (altered != LINE) == bool(store.warnings)


@pytest.mark.parametrize(
    "changes",
    [
        FULL,
        {},
        {"history": (EpochRecord(1, float("nan"), None, None, float("inf"), 0.1, 2.0),)},
        {"configuration": {"parameters": {"x": {}}}, "data": {"notes": {"history": [{"a": [1]}], "is_baseline": 1}}},
        {"configuration": {"parameters": {"x": {}}}, "data": {"provenance": {"y": {}}, "remarks": {}, "primary": 2}},
        {"parameters": {"model": {"provenance": {"z": "}"}, "remarks": '},"remarks":'}}},
    ],
)
def test_an_outcome_is_a_part_of_its_record(store: Store, changes: dict[str, Any]) -> None:
    """What is read for a board equals the record's fields, whatever plugins put into the rest of the line."""
    full = record(**changes)
    store.append(full, {})
    expected = {name: getattr(full, name) for name in Outcome.__dataclass_fields__}
    assert [Outcome(**expected)] == store.outcomes()


def test_outcomes_follow_the_file(store: Store) -> None:
    """A record that was appended since is there when outcomes are asked for again."""
    assert [] == store.outcomes()
    for key in ("a", "b"):
        store.append(record(key), {})
    assert ["a", "b"] == [outcome.key for outcome in store.outcomes()]


@pytest.mark.parametrize("line", [b"[]", b"7", b'"text"', b"{}", b"null", b'{"schema":"x","sha256":"0"}'])
def test_a_line_that_is_no_record_is_left_out(store: Store, line: bytes) -> None:
    """JSON that is no record is a warning, whatever it is."""
    store.records_path.write_bytes(line + b"\n")
    assert [] == store.records()
    assert "line 1" in store.warnings[0]
