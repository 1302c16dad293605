"""Archives of other machines come into a results folder: what is new is added, what is there is compared."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqbench.leaderboard import latest
from seqbench.measurements import Measurement, append, read
from seqbench.records import CellRecord, Failure
from seqbench.sharing.archive import Archive
from seqbench.sharing.compare import differences
from seqbench.sharing.merge import Merged, merge
from seqbench.sharing.pack import pack
from seqbench.store import Store
from shared_results import MODEL, forged, members_of, record, results


def merged(store: Store, *paths: Path, takes_theirs: bool = False) -> Merged:
    with ExitStack() as stack:
        opened = [stack.enter_context(Archive.opened(path, 10**9)) for path in paths]
        return merge(store, opened, takes_theirs=takes_theirs)


def packed(folder: Path, *records: CellRecord) -> Path:
    """An archive with these cells."""
    path = folder.with_suffix(".zip")
    pack(results(folder, *records), path, weights=True)
    return path


def test_two_machines_become_one_folder(tmp_path: Path) -> None:
    """Cells of two archives lie side by side with their files, as if they had been run here."""
    one, other = packed(tmp_path / "one", record(seed=0)), packed(tmp_path / "other", record(seed=1), record("gru"))
    store = Store(tmp_path / "here")
    store.create()
    assert (3, 0) == ((found := merged(store, one, other)).added, found.equal)
    assert {record().key, record(seed=1).key, record("gru").key} == {item.key for item in store.records()}
    for item in store.records():
        assert (tmp_path / "one" / record().folder / "predictions.csv").read_bytes() == (
            store.folder / item.folder / "predictions.csv"
        ).read_bytes()
        assert all((store.folder / item.folder / name).is_file() for name in MODEL)


def test_merging_twice_is_merging_once(tmp_path: Path) -> None:
    """The second time all is equal, and not a byte is written."""
    archive = packed(tmp_path / "one", record(seed=0), record(seed=1))
    store = Store(tmp_path / "here")
    store.create()
    merged(store, archive)
    before = store.records_path.read_bytes()
    again = merged(store, archive, archive)
    assert (0, 4, []) == (again.added, again.equal, again.conflicts)
    assert before == store.records_path.read_bytes()


def test_what_may_honestly_differ_is_no_conflict(tmp_path: Path) -> None:
    """Another machine, another place of the data, other clocks: the same result is the same."""
    elsewhere = replace(
        record(),
        environment={"cpu": "another"},
        provenance={"location": "/elsewhere", "seqbench": "9"},
        started_at=5.0,
        finished_at=9.0,
        costs=replace(record().costs, fit_seconds=99.0, peak_memory_bytes=5),
        history=(replace(record().history[0], seconds=77.0),),
    )
    store = results(tmp_path / "here", record())
    assert 1 == merged(store, packed(tmp_path / "one", elsewhere)).equal


def test_a_conflict_is_told_with_its_size(tmp_path: Path) -> None:
    """The metric, both values, how far they are apart and how the machines differ; the own record is kept."""
    store = results(tmp_path / "here", record(accuracy=0.75))
    theirs = replace(record(accuracy=0.5), environment={"cpu": "another"})
    found = merged(store, packed(tmp_path / "one", theirs))
    assert (0, 0, 1) == (found.added, found.equal, len(found.conflicts))
    told = found.conflicts[0].sentence()
    assert "toy@builtin lstm seed 0" in told
    assert "accuracy 0.75 here, 0.5 there (by 0.25) [cpu one here, another there]" in told
    assert [0.75] == [item.metrics["accuracy"] for item in store.records()]


def test_theirs_can_be_taken(tmp_path: Path) -> None:
    """When asked to, the archive's record counts from then on, and no file of the own result stays beside it."""
    store = results(tmp_path / "here", record(accuracy=0.75))
    theirs = results(tmp_path / "there", record(accuracy=0.5))
    shutil.rmtree(theirs.folder / record().folder)
    pack(theirs, tmp_path / "bare.zip")
    assert 1 == merged(store, tmp_path / "bare.zip", takes_theirs=True).replaced
    assert [0.5] == [item.metrics["accuracy"] for item in latest(store.records()).values()]
    assert [] == list((store.folder / record().folder).iterdir())


def test_a_result_is_not_given_up_for_a_failure(tmp_path: Path) -> None:
    """That another machine had not the memory for a cell is a conflict, and the own result counts all the same."""
    store = results(tmp_path / "here", record())
    failed = record(status="oom", failure=Failure("MemoryError", "no"), metrics={})
    found = merged(store, packed(tmp_path / "one", failed), takes_theirs=True)
    assert (1, 0) == (len(found.conflicts), found.replaced)
    assert ["ok"] == [item.status for item in latest(store.records()).values()]
    assert all((store.folder / record().folder / name).is_file() for name in MODEL)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "failed", "failure": Failure("ValueError", "no")}, ("status ok here, failed there",)),
        ({"metrics": {"accuracy": 1.0, "f1": 0.5}}, ("f1 only there",)),
        ({"history": ()}, ("1 epochs here, 0 there",)),
        ({"best_epoch": 3}, ("best epoch differs",)),
        ({"data": {"fingerprint": "x"}}, ("data.fingerprint differs",)),
        ({"data": {"notes": {"file": "/elsewhere"}}}, ()),
        ({"remarks": ("as before",)}, ()),
    ],
)
def test_what_is_compared(change: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Each part that any run of the cell must have in common is compared, in words; remarks and notes are not."""
    assert expected == differences(record(), replace(record(), **change))


def test_training_that_went_otherwise_is_seen() -> None:
    """The same score by another way is a conflict, with the epoch from which it differs."""
    other = replace(record(), history=(replace(record().history[0], train_loss=0.5000001),))
    assert "training from epoch 1 on (train_loss" in differences(record(), other)[0]


def test_what_is_no_result_takes_nobodys_place(tmp_path: Path) -> None:
    """A cell that was interrupted here takes the archive's result; one interrupted there is left out."""
    store = results(tmp_path / "here")
    store.append(record(status="interrupted"), {})
    store.append(record(seed=1), {})
    path = forged(tmp_path / "a.zip", members_of(record(), record(seed=1, status="interrupted")))
    found = merged(store, path)
    assert (1, 1, []) == (found.added, found.unfinished, found.conflicts)
    assert {"ok"} == {item.status for item in latest(store.records()).values()}


def test_rows_of_other_versions_are_told(tmp_path: Path) -> None:
    """Where a row's own records are of another series, one is told that boards show the most recent only."""
    store = results(tmp_path / "here", record())
    other = replace(record("gru"), label="lstm")
    assert {"toy@builtin lstm"} == merged(store, packed(tmp_path / "one", other)).beside


def test_measurements_come_along_once(tmp_path: Path) -> None:
    """What was measured elsewhere is added where nothing was measured here, and never over the own."""
    theirs = results(tmp_path / "one", record(), record("gru"))
    environment = {"device_kind": "cpu", "trained_on": "cpu"}
    for model in ("lstm", "gru"):
        append(theirs, Measurement(record(model).key, {"latency_p50_ms": 9.0}, {}, 1, 0.0, environment))
    pack(theirs, tmp_path / "one.zip")
    store = results(tmp_path / "here", record())
    append(store, Measurement(record().key, {"latency_p50_ms": 1.0}, {}, 1, 0.0, environment))
    assert [1, 0] == [merged(store, tmp_path / "one.zip").measurements for _ in range(2)]
    found = read(store.folder)
    assert (1.0, 9.0) == tuple(found[record(model).key].values["latency_p50_ms"] for model in ("lstm", "gru"))


def test_the_command(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """Export, import and the board of what was imported; a conflict is told, and with --strict exits with 1."""
    results(tmp_path / "results", record(accuracy=0.75), record("gru", accuracy=0.5))
    done = seqbench("export", "mine.zip")
    assert (0, True) == (done.code, "mine.zip has 2 cells with 4 files" in done.out)
    assert 2 == seqbench("export", "mine.zip").code
    assert 0 == seqbench("import", "mine.zip", "--results", "here").code
    board = json.loads(seqbench("leaderboard", "--results", "here", "--format", "json").out)
    assert {"lstm": 0.75, "gru": 0.5} == {row["model"]: row["mean"] for row in board}
    packed(tmp_path / "other", record(accuracy=0.25))
    done = seqbench("import", "other.zip", "--results", "here", "--strict")
    assert (1, True) == (done.code, "conflict: toy@builtin lstm seed 0" in done.err)
    done = seqbench("import", "other.zip", "--results", "here", "--json")
    assert (0, 1) == (done.code, len(json.loads(done.out)["conflicts"]))


def test_one_bad_archive_stops_all(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """Everything is checked before anything is written: a good archive beside a bad one is not merged either."""
    packed(tmp_path / "good", record())
    (tmp_path / "bad.zip").write_bytes(b"nothing")
    done = seqbench("import", "good.zip", "bad.zip", "--results", "here")
    assert 2 == done.code
    assert "bad.zip is no archive of seqbench export" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "here").exists()


def test_a_run_under_way_is_waited_for(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """While a run holds the folder nothing is written there; when it ends, the archive is merged."""
    packed(tmp_path / "one", record())
    store = results(tmp_path / "here", record("gru"))
    lock = store.run_lock()
    lock.acquire()
    ended: list[Any] = []
    waiting = threading.Thread(target=lambda: ended.append(seqbench("import", "one.zip", "--results", "here")))
    waiting.start()
    time.sleep(3)
    assert [record("gru").key] == [item.key for item in store.records()]
    lock.release()
    waiting.join()
    assert 0 == ended[0].code
    assert 2 == len(store.records())
    assert "waiting for its end" in ended[0].err
