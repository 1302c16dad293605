"""The commands that give the cells of records again: what was run, read back from labels, sources and seeds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seqbench.records import CellRecord
from seqbench.sources import BUILTIN

SETTING = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_.]*=)")
"""Between two settings of a label: a value may hold commas of its own."""
MOST_COMMANDS = 100


@dataclass(frozen=True, slots=True, order=True)
class _Selection:
    """What one command can run together: a task with its data and settings, and the settings of models."""

    task: str
    location: str
    task_settings: tuple[str, ...]
    model_settings: tuple[str, ...]
    seeds: tuple[int, ...]
    device: str


def commands(records: Iterable[CellRecord]) -> list[str]:
    """Command lines that run the records' cells; tasks that ask for the same models and seeds share one.

    Baselines run beside every model. What a label does not say (a plugin file, the number of workers) is not there.
    """
    seeds: dict[tuple[str, str], list[CellRecord]] = {}
    for record in records:
        if not record.is_baseline:
            seeds.setdefault((record.task_id, record.label), []).append(record)
    models: dict[_Selection, set[str]] = {}
    for group in seeds.values():
        models.setdefault(_selection(group), set()).add(group[0].model)
    together: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...], str], list[_Selection]] = {}
    for selection, names in sorted(models.items()):
        alone = (selection.task,) if selection.task_settings else ()
        key = (tuple(sorted(names)), (*selection.model_settings, *alone), selection.seeds, selection.device)
        together.setdefault(key, []).append(selection)
    return [_command(names, group) for (names, *_), group in together.items()][:MOST_COMMANDS]


def _selection(group: Sequence[CellRecord]) -> _Selection:
    first = group[0]
    settings = [
        setting if setting.startswith("trainer.") else f"models.{first.model}.{setting}"
        for setting in bracketed(first.label.removeprefix(first.model))
    ]
    known = first.parameters.get("task")
    names = set(known) if isinstance(known, dict) else set()
    of_task = [
        f"tasks.{first.task}.{setting}"
        for setting in bracketed(first.task_id.removeprefix(f"{first.task}@{first.source}"))
        if setting.partition("=")[0] in names
    ]
    return _Selection(
        task=first.task,
        location=str(first.provenance.get("location", first.source)),
        task_settings=tuple(of_task),
        model_settings=tuple(settings),
        seeds=tuple(sorted({record.seed for record in group})),
        device=first.device_kind,
    )


def bracketed(text: str) -> list[str]:
    """The settings of `[key=value,...]`; empty for anything else."""
    if not (text.startswith("[") and text.endswith("]")):
        return []
    return [setting for setting in SETTING.split(text[1:-1]) if "=" in setting]


def _command(models: Sequence[str], group: Sequence[_Selection]) -> str:
    first = group[0]
    words = ["seqbench", "run", "--tasks", ",".join(dict.fromkeys(selection.task for selection in group))]
    words += ["--models", ",".join(models), "--seeds", span(first.seeds)]
    for selection in group:
        if selection.location != BUILTIN:
            words += ["--data", f"{selection.task}={selection.location}"]
    for setting in dict.fromkeys((*first.task_settings, *first.model_settings)):
        words += ["--set", setting]
    if first.device not in ("", "cpu"):
        words += ["--device", first.device]
    return shlex.join(words)


def span(seeds: Sequence[int]) -> str:
    """Seeds as they are written on the command line: `0-4,7`."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], seed]
        else:
            parts.append([seed])
    return ",".join("-".join(map(str, part)) for part in parts)
