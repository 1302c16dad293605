"""The data that a recorded cell was trained on, found here again: the same files, wherever they lie now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from seqbench.benchmark import fetched
from seqbench.config import RunConfig, Source
from seqbench.errors import ConfigError, DataError
from seqbench.facts import gather
from seqbench.naming import nearest
from seqbench.plan import canonical_hash, data_key
from seqbench.replan import check_known
from seqbench.run_file import apply_settings
from seqbench.sources import BUILTIN, absolute, is_remote

if TYPE_CHECKING:
    from seqbench.plan import Facts
    from seqbench.records import CellRecord
    from seqbench.registry import Registry
    from seqbench.spec import TaskSpec


@dataclass(frozen=True)
class Located:
    """A record whose source and files are those that were found here, and what a plan needs to know of them."""

    record: CellRecord
    config: RunConfig
    facts: Facts

    @property
    def location(self) -> str:
        """The source as `prepare` gets it."""
        return self.config.source(self.record.task).location

    def data_key(self, registry: Registry) -> str:
        """Of the data prepared with the task's code as it is here."""
        return data_key(self.config, registry, self.facts, self.record.task)


@dataclass(frozen=True)
class RecordedData:
    """Where to look for the data of records.

    sources: by task, what `--data` gave. files: by task and parameter, what `--set tasks.TASK.PARAMETER=FILE` gave for
    parameters that name files. trusts_records: do the records come from here, so that the paths in them may be looked
    at? What an archive says of a path may lead anywhere. An address in a record is never fetched of itself.
    """

    registry: Registry
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trusts_records: bool = True
    _known: dict[str, tuple[RunConfig, Facts]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def given(cls, registry: Registry, data: Iterable[str], settings: Iterable[str], *, trusts_records: bool) -> Self:
        """From `--data TASK=SOURCE` and `--set tasks.TASK.PARAMETER=FILE`, each any number of times.

        Raises ConfigError for one that is not of this form, or that would change what was claimed.
        """
        sources: dict[str, tuple[str, ...]] = {}
        for item in data:
            task, _, source = item.partition("=")
            if not source:
                raise ConfigError(f"--data {item!r}: write TASK=SOURCE, sentiment=reviews.csv for example.")
            _check_task(task, registry)
            sources[task] = (*sources.get(task, ()), absolute(source))
        return cls(registry, sources, _files(registry, settings), trusts_records)

    def located(self, record: CellRecord) -> Located:
        """The record with the source that has the fingerprint of its data.

        Raises ConfigError when its task is not here or knows its parameters no more, DataError when its data is not.
        """
        check_known("task", record.task, self.registry.tasks, record.provenance)
        spec = self.registry.tasks[record.task]
        claimed = _fingerprint_of(record)
        parameters = dict(record.parameters)
        parameters["task"] = {**_mapping(parameters.get("task")), **self.files.get(record.task, {})}
        self._check_files(record, spec, parameters["task"])
        reasons = []
        for source in self._candidates(record):
            try:
                config, facts = self._facts(spec, source, parameters["task"])
            except DataError as error:
                reasons.append(str(error).rstrip("."))
                continue
            if facts.source_fingerprints[record.task] == claimed:
                found = replace(record, parameters=parameters, provenance={**record.provenance, "location": source})
                return Located(found, config, facts)
            reasons.append(f"{source} has not the files that it was trained on (their names and contents count)")
        raise DataError(
            "; ".join([*reasons, f"give --data {record.task}=SOURCE with the data it was trained on"]) + "."
        )

    def _candidates(self, record: CellRecord) -> list[str]:
        """What was given, then where the record says that it lay. Raises DataError where there is nothing to try."""
        recorded = str(record.provenance.get("location") or BUILTIN)
        found = list(self.sources.get(record.task, ()))
        if recorded == BUILTIN or (self.trusts_records and not is_remote(recorded)):
            found.append(absolute(recorded))
        if not found:
            raise DataError(f"its data came from {recorded}: give --data {record.task}=SOURCE to say where it is here.")
        return found

    def _check_files(self, record: CellRecord, spec: TaskSpec, params: Mapping[str, Any]) -> None:
        if self.trusts_records:
            return
        for name in spec.file_params:
            if params.get(name) and name not in self.files.get(record.task, {}):
                raise DataError(
                    f"its parameter {name} names a file, {params[name]}: give --set tasks.{record.task}.{name}=FILE to "
                    "say where it is here."
                )

    def _facts(self, spec: TaskSpec, source: str, params: Mapping[str, Any]) -> tuple[RunConfig, Facts]:
        """The fingerprint of a source, looked at once for all the records that share it."""
        place = canonical_hash([spec.name, source, params])
        if place not in self._known:
            config = RunConfig(
                models=(),
                tasks=(spec.name,),
                task_settings={spec.name: params},
                sources={spec.name: Source(source, "", source)},
            )
            config = fetched(config, self.registry)
            self._known[place] = config, gather(config, self.registry, "cpu")
        return self._known[place]


def _files(registry: Registry, settings: Iterable[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for setting in settings:
        tables = apply_settings({}, [setting])
        task, values = next(iter(_mapping(tables.get("tasks")).items()), ("", {}))
        if task:
            _check_task(task, registry)
        known = registry.tasks[task].file_params if task else ()
        if not task or not isinstance(values, dict) or not set(values) <= set(known):
            raise ConfigError(
                f"--set {setting!r}: here only parameters that name files can be given, tasks.TASK.PARAMETER=FILE; "
                "all else is as it was recorded."
            )
        found.setdefault(task, {}).update({name: absolute(str(value)) for name, value in values.items()})
    return found


def _check_task(name: str, registry: Registry) -> None:
    if name not in registry.tasks:
        raise ConfigError(f"there is no task '{name}'{nearest(name, registry.tasks)}")


def _fingerprint_of(record: CellRecord) -> str:
    return str(_mapping(record.provenance.get("task")).get("fingerprint"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
