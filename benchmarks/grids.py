"""The default grid as `seqbench run` runs it, watched from outside, and what others need to run the same cells."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from cases import cases
from figures import Setting
from pairs import FailedProcessError, environment, seqbench
from seqbench.records import CellRecord
from seqbench.store import Store

LOOK_SECONDS = 0.25
QUICK = ("--seeds", "0", "--set", "trainer.max_epochs=2")


@dataclass(frozen=True)
class Look:
    """CPU seconds used so far at `time` (since 1970): by worker processes, and by all of the run's processes."""

    time: float
    workers: float
    all: float


@dataclass(frozen=True)
class Run:
    """A finished run. seconds: wall clock of the whole process."""

    seconds: float
    records: Sequence[CellRecord]
    looks: Sequence[Look]

    @property
    def span(self) -> tuple[float, float]:
        """The first cell's start and the last cell's end."""
        return min(record.started_at for record in self.records), max(record.finished_at for record in self.records)

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU seconds within the span: of workers, and of all processes."""
        begin, end = (self._at(moment) for moment in self.span)
        return end.workers - begin.workers, end.all - begin.all

    def _at(self, moment: float) -> Look:
        """Between two looks, as if the processors had been used evenly."""
        earlier = max((look for look in self.looks if look.time <= moment), key=lambda look: look.time)
        later = min((look for look in self.looks if look.time >= moment), key=lambda look: look.time, default=earlier)
        part = (moment - earlier.time) / max(later.time - earlier.time, 1e-9)
        return Look(
            moment,
            earlier.workers + part * (later.workers - earlier.workers),
            earlier.all + part * (later.all - earlier.all),
        )


def arguments(setting: Setting) -> tuple[str, ...]:
    """What the default grid's command line has beyond `seqbench run`."""
    return QUICK if setting.quick else ()


def prepare_data() -> None:
    """Have the data prepared, so that no run has to."""
    cases({})


def run_grid(setting: Setting, command: Sequence[str] | None = None) -> Run:
    """`seqbench run` (or `command` in its place) in a folder of its own, deleted afterwards."""
    folder = Path(tempfile.mkdtemp(dir=setting.folder))
    started = [*(command or seqbench()), "run", *arguments(setting), "--results", str(folder / "results")]
    begin = time.perf_counter()
    with (folder / "output.txt").open("w+b") as output:
        process = subprocess.Popen(started, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        watcher = _Watcher(process.pid)
        watcher.start()
        code = process.wait()
        seconds = time.perf_counter() - begin
        watcher.stop()
    if code:
        last = (folder / "output.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise FailedProcessError(f"seqbench run ended with {code}: {' / '.join(last)}")
    records = Store(folder / "results").records()
    shutil.rmtree(folder)
    return Run(seconds, records, watcher.looks)


def write_epochs(path: Path, records: Sequence[CellRecord]) -> None:
    """Keep how many epochs each cell trained, so that others train as many. path: JSON, `task/model/seed` → epochs."""
    epochs = {f"{record.task}/{record.model}/{record.seed}": len(record.history) for record in records}
    path.write_text(json.dumps(epochs), encoding="utf-8")


class _Watcher(threading.Thread):
    """Adds up CPU seconds of a process and its descendants; those of a process that has ended stay in the sum."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.looks: list[Look] = [Look(0.0, 0.0, 0.0)]
        self._root = psutil.Process(pid)
        self._used: dict[int, float] = {}
        self._workers: set[int] = set()
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            try:
                children = self._root.children()
                below = [process for child in children for process in child.children(recursive=True)]
            except psutil.Error:
                continue
            self._workers |= {process.pid for process in below}
            for process in (self._root, *children, *below):
                try:
                    used = process.cpu_times()
                except psutil.Error:
                    continue
                self._used[process.pid] = used.user + used.system
            workers = sum(used for pid, used in self._used.items() if pid in self._workers)
            self.looks.append(Look(time.time(), workers, sum(self._used.values())))

    def stop(self) -> None:
        self._done.set()
        self.join()
