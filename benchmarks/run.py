"""Speed, measured side by side: one command for all comparisons, or those that are named.

    python benchmarks/run.py [NAMES] [--out FOLDER] [--quick]

Writes results.json and RESULTS.md: each figure beside its goal, and whether it was reached. What is compared, and how
to read it: docs/benchmarks.md. Exit code 1 when a goal was missed, 0 otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import psutil

from figures import Figure, Setting, as_table, missing, write

HERE = Path(__file__).parent
LOOK_SECONDS = 2.0
QUIET_PERCENT = 10.0
COMPARISONS = (
    *("loop", "frameworks", "keras_stock", "grid", "benchopt_grid", "empty_cells", "memory", "tracking"),
    *("scale", "startup"),
)


def main() -> int:
    """Measure, write and print."""
    found = [name for name in COMPARISONS if find_spec(name) is not None]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"comparisons: {', '.join(found)}; all")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for results.json and RESULTS.md")
    parser.add_argument("--quick", action="store_true", help="one round, one seed: shows only that it works")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in found]:
        parser.error(f"no comparison '{unknown[0]}': choose from {', '.join(found)}")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    reached = True
    for name in given.names or found:
        sys.stderr.write(f"{name} ...\n")
        busy = psutil.cpu_percent(LOOK_SECONDS)
        if busy > QUIET_PERCENT:
            sys.stderr.write(f"the machine is {busy:.0f} % busy with other work: times say little now\n")
        about, figures = measured(name, quick=given.quick)
        write(given.out, {name: about}, {name: figures})
        sys.stdout.write("\n".join([*as_table(figures), "", ""]))
        reached = reached and all(figure.passed is not False for figure in figures)
    return 0 if reached else 1


def measured(name: str, *, quick: bool) -> tuple[str, Sequence[Figure]]:
    """What a comparison counts, and its figures; one that fails says so in its place."""
    module = importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix=f"seqbench-{name}-") as folder:
        try:
            figures: Sequence[Figure] = module.measure(Setting(Path(folder), quick))
        except Exception as error:
            traceback.print_exc()
            figures = [missing(name, "", " ".join(f"{type(error).__name__}: {error}".split()))]
    return (module.__doc__ or "").strip(), figures


if __name__ == "__main__":
    sys.exit(main())
