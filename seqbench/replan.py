"""A recorded cell planned again: what it would be made of with the plugins and the data that are here now."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from seqbench.benchmark import fetched
from seqbench.config import RunConfig, Source
from seqbench.errors import ConfigError
from seqbench.facts import gather
from seqbench.plan import Cell, plan
from seqbench.sources import BUILTIN, absolute

if TYPE_CHECKING:
    from seqbench.records import CellRecord
    from seqbench.registry import Registry


def replanned(record: CellRecord, registry: Registry) -> Cell:
    """The cell of a record, from its parameters and its source; its key is the record's if nothing has changed since.

    Raises ConfigError when the model or the task is not here or knows its parameters no more, DataError when the source
    is not here.
    """
    provenance, parameters = record.provenance, record.parameters
    check_known("task", record.task, registry.tasks, provenance)
    if not record.is_baseline:
        check_known("model", record.model, registry.models, provenance)
    where = absolute(str(provenance.get("location") or BUILTIN))
    config = RunConfig(
        models=() if record.is_baseline else (record.model,),
        tasks=(record.task,),
        seeds=(record.seed,),
        model_settings={} if record.is_baseline else {record.model: parameters.get("model", {})},
        task_settings={record.task: parameters.get("task", {})},
        task_trainer_settings={} if record.is_baseline else {record.task: parameters.get("trainer", {})},
        sources={record.task: Source(where, record.source, where)},
        baselines=record.is_baseline,
    )
    config = fetched(config, registry)
    for cell in plan(config, registry, gather(config, registry, record.device_kind or "cpu")):
        if cell.model == record.model:
            return cell
    raise ConfigError(f"task '{record.task}' has no baseline '{record.model}' any more.")


def check_known(kind: str, name: str, known: Container[str], provenance: Mapping[str, Any]) -> None:
    """Raises ConfigError, with what would help, when a record's model or task is not here."""
    if name in known:
        return
    part = provenance.get(kind)
    origin = str((part.get("distribution") if isinstance(part, Mapping) else None) or "")
    if origin.endswith(".py"):
        raise ConfigError(f"there is no {kind} '{name}' here: give the plugin's file with --plugin {origin}.")
    raise ConfigError(f"there is no {kind} '{name}' here: install {origin or 'the plugin that it comes from'}.")
