"""Cells trained in this process, in seconds: what tests of trained models start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seqbench.cell import run_cell
from seqbench.config import RunConfig, Source
from seqbench.facts import gather
from seqbench.plan import Cell, plan
from seqbench.prepare import prepare
from seqbench.records import CellRecord
from seqbench.registry import discover
from seqbench.store import Store

SMALL: Mapping[str, Mapping[str, Any]] = {
    "sentiment": {"reviews": [300, 40, 40]},
    "speech_commands": {"words": ["yes", "no", "up"], "noise_draws": 1},
    "stock_forecasting": {"look_back": 8},
}
"""Parameters that make a task's embedded data small."""


def planned(
    task: str,
    models: tuple[str, ...] = ("gru",),
    seeds: tuple[int, ...] = (0,),
    params: Mapping[str, Any] | None = None,
    plugin_files: Iterable[str] = (),
    source: str = "builtin",
    **trainer: Any,
) -> tuple[Cell, ...]:
    """The cells of a task without its baselines."""
    registry = discover(plugin_files)
    config = RunConfig(
        models=models,
        tasks=(task,),
        seeds=seeds,
        task_settings={task: SMALL.get(task, {}) if params is None else params},
        trainer_settings={"max_epochs": 1, "min_epoch_steps": 0, **trainer},
        sources={task: Source(source, Path(source).stem)},
        baselines=False,
    )
    return plan(config, registry, gather(config, registry, "cpu"))


def train(results: Path, cells: Iterable[Cell], plugin_files: Iterable[str] = ()) -> list[CellRecord]:
    """Run the cells and keep them in the results folder; the records."""
    store, registry, records = Store(results), discover(plugin_files), []
    store.create()
    for cell in cells:
        spec = registry.tasks[cell.task]
        prepared = prepare(spec, cell.location, cell.task_params, cell.data_key)
        result = run_cell(cell, registry, prepared, "cpu", {}, lambda _: None)
        store.append(result.record, result.files)
        records.append(result.record)
    return records
