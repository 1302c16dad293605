"""What cells will cost: records first, then pilots, then what came before; and what that makes together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqbench.config import build_config
from seqbench.estimates import PILOTS, Cost, Estimates, makespan, remember, remembered
from seqbench.execution.inline import InlineExecutor
from seqbench.execution.jobs import CellJob, PrepareJob
from seqbench.plan import Cell, Facts, plan
from seqbench.records import CellRecord, Costs, Outcome, blank_record
from seqbench.registry import discover

FACTS = Facts("cpu", {"torch": "2.11"}, {"toy": "builtin"}, "core")
PILOT = Cost(9.0, 90, 900, "pilot")


@pytest.fixture(scope="module")
def cells(toy: str) -> list[Cell]:
    """The toy task's baseline and three seeds of its GRU."""
    registry = discover([toy])
    return list(plan(build_config({}, {"models": "toy_gru", "tasks": "toy"}, registry), registry, FACTS))


@pytest.fixture
def cache_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def done(cell: Cell, seconds: float = 1.0, **changes: object) -> CellRecord:
    costs = Costs(build_seconds=0.5, fit_seconds=seconds, evaluate_seconds=0.5, peak_memory_bytes=100)
    return replace(blank_record(cell), status="ok", costs=costs, **changes)  # type: ignore[arg-type]


def test_records_are_believed_first(cells: list[Cell]) -> None:
    """The mean of what seeds took, built, fitted and evaluated, stands before a pilot of the same series."""
    seeds = cells[1:]
    estimates = Estimates.of([done(seeds[0], 2.0), done(seeds[1], 4.0)], {seeds[0].series: PILOT})
    assert Cost(4.0, 100, 0, "records") == estimates.cost(seeds[2])
    estimates.add(seeds[0].series, PILOT)
    assert Cost(4.0, 100, 0, "records") == estimates.cost(seeds[2])


def test_what_failed_tells_nothing(cells: list[Cell]) -> None:
    """A cell that ended otherwise than ok is no measure of one that ends well."""
    record = replace(done(cells[1]), status="failed")
    assert Estimates.of([record]).cost(cells[1]) is None
    assert PILOT == Estimates.of([record], {cells[1].series: PILOT}).cost(cells[1])


def test_an_earlier_version_is_better_than_nothing(cells: list[Cell]) -> None:
    """With no record of the series and no pilot, the latest of the same name on the same task and device counts."""
    earlier = [
        done(cells[1], 7.0, series="later", finished_at=2.0),
        done(cells[1], 3.0, series="first", finished_at=1.0),
        done(cells[1], 5.0, series="other", finished_at=3.0, device_kind="cuda"),
    ]
    assert Cost(8.0, 100, 0, "relative") == Estimates.of(earlier).cost(cells[1])
    assert PILOT == Estimates.of(earlier, {cells[1].series: PILOT}).cost(cells[1])
    assert Estimates.of(earlier).cost(cells[0]) is None


def test_disk_is_what_files_take(cells: list[Cell], tmp_path: Path) -> None:
    """The files of one cell of the series are measured; a folder that was deleted counts as nothing."""
    folder = tmp_path / "cells" / "a"
    folder.mkdir(parents=True)
    for name, count in (("log.txt", 10), ("predictions.csv", 300)):
        (folder / name).write_bytes(b"x" * count)
    records = [done(cells[0], folder="cells/gone"), done(cells[1], folder="cells/a")]
    estimates = Estimates.of(records, results=tmp_path)
    assert [0, 310] == [cost.disk_bytes for cost in map(estimates.cost, cells[:2]) if cost]


def test_totals_leave_out_what_is_not_known(cells: list[Cell]) -> None:
    """Three cells of 9 s on two workers take 18 s and the memory of two; a baseline nothing is known of is counted."""
    total = Estimates.of([], {cells[1].series: PILOT}).total(cells, 2)
    assert (18.0, 180, 2700) == (total.seconds, total.memory_bytes, total.disk_bytes)
    assert {"pilot": 3, "unknown": 1} == total.sources


@given(st.lists(st.floats(0, 1e4), max_size=40), st.integers(1, 8))
def test_the_longest_first_is_near_the_best(seconds: list[float], workers: int) -> None:
    """No schedule is quicker than its longest cell or the work shared out evenly, nor is this one slower than both."""
    bound = max(max(seconds, default=0.0), sum(seconds) / workers)
    assert bound * (1 - 1e-9) <= makespan(seconds, workers) <= sum(seconds) / workers + max(seconds, default=0.0) + 1e-6


def test_makespan_is_no_plain_division() -> None:
    """One long cell beside short ones is what a run waits for."""
    assert 10.0 == makespan([1.0, 10.0, 1.0], 2)
    assert 7.0 == makespan([2.0, 2.0, 3.0, 2.0, 3.0], 2)


def test_pilots_are_remembered(cache_here: Path) -> None:
    """What was remembered is there afterwards, the last word on each series."""
    assert {} == remembered()
    for series, cost in (("a", PILOT), ("b", PILOT), ("a", replace(PILOT, seconds=1.0))):
        remember(series, cost)
    assert {"a": replace(PILOT, seconds=1.0), "b": PILOT} == remembered()
    assert (cache_here / PILOTS).is_file()


@pytest.mark.parametrize(
    "rubbish", [b"\xff\x00", b'{"series": "x"', b'{"series": "x", "seconds": "soon"}', b"[]", b"3"]
)
def test_damaged_memory_is_forgotten(cache_here: Path, rubbish: bytes) -> None:
    """A line that is torn or no pilot is as if it were not there, and does not harm the next."""
    remember("a", PILOT)
    with (cache_here / PILOTS).open("ab") as file:
        file.write(b"\n" + rubbish)
    remember("b", PILOT)
    assert {"a": PILOT, "b": PILOT} == remembered()


def test_a_cache_out_of_reach_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache cannot be written nothing is remembered and nothing is raised."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "file" / "cache"))
    remember("a", PILOT)
    assert {} == remembered()


def test_a_pilot_is_near_the_truth(cells: list[Cell], toy: str, cache: Path) -> None:
    """Memory and disk of a pilot are those of the cell itself within a quarter, and it counts every epoch."""
    executor = InlineExecutor(discover([toy]))
    cell = cells[1]
    prepare = PrepareJob.of(cell)
    job = CellJob(cell, executor.prepare(prepare).result(), prepare, "cpu", {})
    result, cost = executor.cell(job).result(), executor.pilot(job).result()
    assert "pilot" == cost.source
    assert cost.seconds > 0
    assert cost.memory_bytes == pytest.approx(result.record.costs.peak_memory_bytes, rel=0.25)
    assert cost.disk_bytes == pytest.approx(sum(map(len, result.files.values())), rel=0.25)
    longer = replace(cell, trainer={**cell.trainer, "max_epochs": 400})
    assert executor.pilot(replace(job, cell=longer)).result().seconds > cost.seconds


def test_an_outcome_knows_its_device(cells: list[Cell]) -> None:
    """The kind of device goes from the cell into its record and comes back."""
    assert "cpu" == Outcome.from_json(done(cells[1]).to_json()).device_kind
