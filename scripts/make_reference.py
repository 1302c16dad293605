"""Make `results/reference/`: the board of the default run as Markdown, JSON and plots, with the machine described.

Run it from anywhere with seqbench installed: `python scripts/make_reference.py`. It runs `seqbench run` in an empty
results folder, so the figures are what a newcomer gets; the README's board is replaced by the new one.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seqbench.hardware import probe
from seqbench.leaderboard import latest
from seqbench.records import CellRecord
from seqbench.report.plots import plots_for
from seqbench.store import Store
from seqbench.version import __version__, installed_version

REPOSITORY = Path(__file__).resolve().parent.parent
REFERENCE = REPOSITORY / "results" / "reference"
PACKAGES = ("torch", "torchaudio", "numpy", "scikit-learn", "arch", "datasets", "mlflow")
MARKS = ("<!-- board -->", "<!-- /board -->")


def seqbench(*arguments: str) -> str:
    """The output of a seqbench command; a failure ends this script."""
    return subprocess.run(
        [sys.executable, "-m", "seqbench.cli", *arguments], check=True, text=True, stdout=subprocess.PIPE
    ).stdout


def best_models(rows: list[dict[str, object]]) -> dict[str, str]:
    """The best model of each task (no baseline), whose plots are kept."""
    best: dict[str, str] = {}
    for row in rows:
        if not row["is_baseline"] and row["rank"] is not None:
            best.setdefault(str(row["task"]), str(row["model"]))
    return best


def write_plots(results: Path, rows: list[dict[str, object]]) -> list[str]:
    """Plots of the best model's first seed on each task; gives Markdown image links."""
    records = latest(Store(results).records()).values()
    links = []
    for task, model in best_models(rows).items():
        record: CellRecord = next(item for item in records if (item.task_id, item.label, item.seed) == (task, model, 0))
        for name, content in plots_for(record, results / record.folder).items():
            file = f"{record.task}-{model}-{name}"
            (REFERENCE / file).write_bytes(content)
            links.append(f"![{task}, {model}, seed 0: {Path(name).stem}]({file})")
    return links


def machine(seconds: float) -> str:
    """The machine, the versions and the wall clock."""
    found = probe()
    devices = ", ".join(f"{device.id} ({device.name})" for device in found.devices)
    lines = [
        f"- machine: {found.cores} cores, {found.memory_bytes / 2**30:.0f} GiB of memory; {devices}",
        f"- system: {platform.platform()}, Python {platform.python_version()}",
        f"- seqbench {__version__}; " + ", ".join(f"{name} {installed_version(name)}" for name in PACKAGES),
        f"- wall clock of the whole run: {seconds:.0f} s",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run, then write the board and everything beside it."""
    shutil.rmtree(REFERENCE, ignore_errors=True)
    REFERENCE.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        begin = time.monotonic()
        seqbench("run", "--results", str(results))
        seconds = time.monotonic() - begin
        board = seqbench("leaderboard", "--results", str(results), "--format", "markdown").strip()
        rows = json.loads(seqbench("leaderboard", "--results", str(results), "--format", "json"))
        links = write_plots(results, rows)
    (REFERENCE / "board.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    made = "Made by `python scripts/make_reference.py`, which calls `seqbench run`.\n\n"
    text = f"# The board of the default run\n\n{made}{machine(seconds)}\n\n{board}\n\n" + "\n\n".join(links) + "\n"
    (REFERENCE / "README.md").write_text(text, encoding="utf-8")
    readme = REPOSITORY / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    readme.write_text(f"{before}{MARKS[0]}\n{board}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
