"""Many cells: a plan, a run that has everything already, and the board, at 100 to 100,000 records.

Whole processes, from start to exit, on records as a run writes them (ten epochs each, about 5 kB): one task, four
models, as many seeds as it takes. `variants` are 400 models of 25 seeds in one results folder. Peak memory is the
process's. `growth` is the processor's time from 10,000 to 100,000 cells over that from 1,000 to 10,000: 10 is linear,
100 is quadratic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from figures import Figure, Setting, at_most
from processes import Process, seqbench
from seqbench.benchmark import Benchmark, Options, load
from seqbench.plan import Cell
from seqbench.records import CellRecord, Costs, EpochRecord, blank_record
from seqbench.store import encode

TASK = "sentiment"
MODELS = 4
COUNTS = (100, 1_000, 10_000, 100_000)
QUICK = (100, 1_000)
JUDGED = 10_000
VARIANTS = 400
GOALS = {"plan": 1.0, "plan, all recorded": 1.0, "run, all recorded": 3.0, "leaderboard": 2.0}
LINEAR = 15.0
MEMORY_MB = 500.0


def measure(setting: Setting) -> list[Figure]:
    """Seconds and memory of each command by the number of cells."""
    counts = QUICK if setting.quick else COUNTS
    for _ in _commands(setting, _written(setting.folder / "warm", MODELS), MODELS):
        pass  # writes bytecode
    seconds: dict[str, dict[int, float]] = {name: {} for name in GOALS}
    figures = []
    for count in counts:
        results = _written(setting.folder / str(count), count)
        for name, process in _commands(setting, results, count):
            seconds[name][count] = process.cpu_seconds
            figures += _figures(name, count, process)
        (results / "records.jsonl").unlink()
    if max(counts) == COUNTS[-1]:
        figures += [_growth(name, measured) for name, measured in seconds.items()]
    if JUDGED in counts:
        results = _written(setting.folder / "variants", JUDGED, variants=True)
        board = seqbench(setting.folder, "leaderboard", "--results", str(results))
        figures += _figures("leaderboard", JUDGED, board, f" of {VARIANTS} variants")
    return figures


def _commands(setting: Setting, results: Path, count: int) -> Iterator[tuple[str, Process]]:
    cells = ("--tasks", TASK, "--no-baselines", "--seeds", _seeds(count), "--results")
    empty = setting.folder / "empty"
    yield "plan", seqbench(setting.folder, "plan", "--no-pilot", *cells, str(empty))
    yield "plan, all recorded", seqbench(setting.folder, "plan", *cells, str(results))
    yield "run, all recorded", seqbench(setting.folder, "run", *cells, str(results))
    yield "leaderboard", seqbench(setting.folder, "leaderboard", "--results", str(results))


def _figures(name: str, count: int, process: Process, of: str = "") -> list[Figure]:
    title = f"{name}{of}: {count:,} cells"
    memory = f"{title}, peak memory"
    detail = f"{process.cpu_seconds:.2f} s of processor"
    if count != JUDGED:
        return [Figure(title, process.seconds, "s", detail=detail), Figure(memory, process.peak_mb, "MB")]
    return [
        at_most(title, process.seconds, "s", GOALS[name], detail),
        at_most(memory, process.peak_mb, "MB", MEMORY_MB),
    ]


def _growth(name: str, seconds: dict[int, float]) -> Figure:
    few, many, most = (seconds[count] for count in COUNTS[1:])
    return at_most(f"{name}: growth", (most - many) / (many - few), "x", LINEAR)


def _seeds(count: int) -> str:
    return f"0-{count // MODELS - 1}"


def _written(results: Path, count: int, *, variants: bool = False) -> Path:
    """A results folder with `count` records, as a run of today's version would have written them."""
    section = {"tasks": TASK, "seeds": _seeds(count), "baselines": False, "results": str(results)}
    benchmark = load(Options(section=section))
    benchmark.store.create()
    with benchmark.store.records_path.open("wb") as file:
        for record in _records(benchmark, benchmark.cells):
            file.write(encode(_variant(record) if variants else record))
    return results


def _variant(record: CellRecord) -> CellRecord:
    """The record as one of a hundred settings of its model, by its seed."""
    number = record.seed % (VARIANTS // MODELS)
    return replace(record, series=f"{record.series}-{number}", label=f"{record.model}[hidden_size={number}]")


def _records(benchmark: Benchmark, cells: Iterable[Cell]) -> Iterator[CellRecord]:
    history = tuple(
        EpochRecord(number, 0.6931471805599453 / number, 0.7 / number, 0.9 - 0.3 / number, 1.23456789, 2e-3, 0.87654321)
        for number in range(1, 11)
    )
    for cell in cells:
        yield replace(
            blank_record(cell),
            status="ok",
            metrics={"accuracy": 0.9 - cell.seed / 1e6, "macro_f1": 0.89},
            history=history,
            best_epoch=7,
            costs=Costs(71_746, 1_234_567, 400_000_000, 0.5, 0.01, 8.0, 0.1),
            output={"kind": "classes", "size": 2, "labels": ["negative", "positive"]},
            configuration={"hidden_size": 101},
            environment=benchmark.hardware.to_json(),
            data={"fingerprint": "0" * 64, "sizes": [2400, 400, 800], "notes": {"vocabulary": 900}},
            started_at=1.7e9,
            finished_at=1.7e9 + 9,
        )
