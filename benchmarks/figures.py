"""What a comparison hands over: figures beside their goals; and how they become JSON and Markdown.

A comparison is a module in this folder with a function `measure(setting: Setting) -> list[Figure]`. `run.py` finds it
by its name, and the module's docstring, which says what is counted, stands above its figures in RESULTS.md.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

JSON_NAME = "results.json"
MARKDOWN_NAME = "RESULTS.md"
VERSIONS_OF = ("seqbench", "torch", "numpy", "mlflow", "scikit-learn")


@dataclass(frozen=True)
class Setting:
    """How much is measured, and where files go.

    folder: an empty folder for what the comparison writes, deleted afterwards. quick: as little as shows that the
    comparison works (one seed, one round); its figures say little.
    """

    folder: Path
    quick: bool = False

    def rounds(self, full: int) -> int:
        """`full` rounds, or one when quick."""
        return 1 if self.quick else full


@dataclass(frozen=True)
class Figure:
    """One number that was measured. value: None where it could not be, for the reason that `detail` gives.

    unit: `x` for a ratio, `s`, `ms`, `%`, `MB`. goal: in words, empty where there is none; passed: None without a goal.
    detail: the times behind it, the spread, and versions of what was compared.
    """

    name: str
    value: float | None
    unit: str
    goal: str = ""
    passed: bool | None = None
    detail: str = ""


def at_most(name: str, value: float, unit: str, limit: float, detail: str = "") -> Figure:
    """A figure that should not be above `limit`."""
    return Figure(name, value, unit, f"at most {limit:g}{_spaced(unit)}", value <= limit, detail)


def at_least(name: str, value: float, unit: str, limit: float, detail: str = "") -> Figure:
    """A figure that should not be below `limit`."""
    return Figure(name, value, unit, f"at least {limit:g}{_spaced(unit)}", value >= limit, detail)


def missing(name: str, unit: str, reason: str) -> Figure:
    """A figure that could not be measured here."""
    return Figure(name, None, unit, detail=reason)


def write(folder: Path, abouts: Mapping[str, str], measured: Mapping[str, Sequence[Figure]]) -> str:
    """Write results.json and RESULTS.md; returns the Markdown.

    abouts: what each comparison counts. Comparisons that were measured before on the same machine and versions, and
    not now, stay in the files.
    """
    facts: dict[str, Any] = {"machine": machine(), "comparisons": {}}
    path = folder / JSON_NAME
    if path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier["machine"] == facts["machine"]:
            facts["comparisons"] = earlier["comparisons"]
    for name, figures in measured.items():
        facts["comparisons"][name] = {"about": abouts[name], "figures": [asdict(figure) for figure in figures]}
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    text = as_markdown(facts)
    (folder / MARKDOWN_NAME).write_text(text, encoding="utf-8")
    return text


def machine() -> dict[str, Any]:
    """What the figures depend on: processor, cores, memory, system and versions."""
    from seqbench.hardware import probe
    from seqbench.version import installed_version

    hardware = probe()
    return {
        "cpu": hardware.cpu,
        "cores": hardware.cores,
        "memory_gb": round(hardware.memory_bytes / 1e9, 1),
        "system": hardware.system,
        "python": platform.python_version(),
        "versions": {name: installed_version(name) for name in VERSIONS_OF},
    }


def as_markdown(facts: Mapping[str, Any]) -> str:
    """The whole page: the machine, then each comparison with its figures."""
    about = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        "# Speed, measured side by side",
        "",
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, {about['system']}.",
        f"Python {about['python']}, {versions}.",
        "Made by `python benchmarks/run.py`; how to read it: docs/benchmarks.md.",
    ]
    for name, comparison in facts["comparisons"].items():
        lines += ["", f"## {name}", "", comparison["about"].strip(), ""]
        lines += as_table([Figure(**figure) for figure in comparison["figures"]])
    return "\n".join(lines) + "\n"


def as_table(figures: Sequence[Figure]) -> list[str]:
    """The lines of a table of figures."""
    return [
        "| figure | measured | goal | reached | detail |",
        "|---|---:|---|---|---|",
        *(_row(figure) for figure in figures),
    ]


def _row(figure: Figure) -> str:
    value = "not measured" if figure.value is None else f"{shown(figure.value)}{_spaced(figure.unit)}"
    reached = {None: "", True: "yes", False: "**no**"}[figure.passed]
    return f"| {figure.name} | {value} | {figure.goal} | {reached} | {figure.detail.replace('|', '/')} |"


def shown(value: float) -> str:
    """A number as it is printed: three digits where it is small, none behind the point where it is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _spaced(unit: str) -> str:
    return unit if unit in ("", "x", "%") else f" {unit}"
