"""What will be run: config and registry → cells, each keyed by everything that decides its result.

Pure: no file is read and no torch imported here; what it needs of the world comes in as Facts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seqbench.config import RunConfig
from seqbench.naming import variant_label
from seqbench.params import dump, field_names, validate
from seqbench.protocol import PROTOCOL_VERSION, TrainerConfig
from seqbench.registry import Registry
from seqbench.spec import ModelSpec, TaskSpec

FITTING = ("scikit-learn", "scipy", "numpy")
"""Distributions whose versions decide what baselines, and models that fit themselves, give."""


@dataclass(frozen=True)
class Facts:
    """What a plan needs to know of the world.

    device_kind: `cpu`, `cuda` or `mps`. versions: of the distributions that decide results. source_fingerprints: by
    task, of the data's files. core_hash: of the core's own source that decides results.
    """

    device_kind: str
    versions: Mapping[str, str]
    source_fingerprints: Mapping[str, str]
    core_hash: str


@dataclass(frozen=True)
class Cell:
    """One training (or one baseline): a task, a model, a seed, and everything else that decides its result.

    task: its name; task_id: as on the board, `task@source` with the parameters that differ from the defaults.
    model: its name; label: as on the board, with the parameters that differ from the defaults.
    location: where the task's data is: `builtin`, or a path here; origin: the source as it was given, before a
    download; source: what the board calls it. is_baseline: is it one of the task's baselines? seed: 0 for a baseline.
    device_kind: `cpu`, `cuda` or `mps`. primary: the metric that ranks; higher_is_better: is more of it better?
    task_params, model_params, trainer: every parameter in force. provenance: versions and hashes of the code and data
    that decide the result. key: SHA-256 over all that decides the result; series: the same without the seed, which the
    cells of a row share; data_key: SHA-256 over what decides the prepared data alone.
    skip: why this pair cannot work, or empty.
    """

    task: str
    location: str
    source: str
    task_id: str
    model: str
    label: str
    is_baseline: bool
    seed: int
    device_kind: str
    primary: str
    higher_is_better: bool
    task_params: Mapping[str, Any]
    model_params: Mapping[str, Any]
    trainer: Mapping[str, Any]
    provenance: Mapping[str, Any]
    data_key: str = ""
    series: str = ""
    key: str = ""
    skip: str = ""
    origin: str = ""

    def to_json(self) -> dict[str, Any]:
        """The cell as JSON-able values."""
        return dict(vars(self))

    @property
    def is_network(self) -> bool:
        """Is it trained by the harness's trainer? Baselines and models that fit themselves are not."""
        return bool(self.trainer)

    @property
    def folder(self) -> str:
        """The name of the cell's folder: readable, and unique by its key."""
        return f"{self.task}@{self.source}-{self.model}-{self.seed}-{self.key[:12]}"


def canonical_hash(values: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def plan(config: RunConfig, registry: Registry, facts: Facts) -> tuple[Cell, ...]:
    """Every cell of the run: tasks in order, baselines first, then every seed of every model."""
    cells: list[Cell] = []
    for task in config.tasks:
        spec = registry.tasks[task]
        planner = _TaskPlanner(config, registry, facts, spec)
        if config.baselines:
            cells += [planner.baseline(name) for name in spec.baselines]
        for model in config.models:
            cells += planner.model(registry.models[model], config.seeds)
    return tuple(cells)


def data_key(config: RunConfig, registry: Registry, facts: Facts, task: str) -> str:
    """Of a task's prepared data (Cell.data_key), whatever models there are."""
    return _TaskPlanner(config, registry, facts, registry.tasks[task]).data_key


class _TaskPlanner:
    """The cells of one task; what they share is worked out once."""

    def __init__(self, config: RunConfig, registry: Registry, facts: Facts, spec: TaskSpec) -> None:
        self.config, self.registry, self.facts, self.spec = config, registry, facts, spec
        where = f"tasks.{spec.name}"
        settings = config.task_settings.get(spec.name, {})
        self.params = dump(spec.params, validate(spec.params, settings, where))
        defaults = dump(spec.params, validate(spec.params, {}, where))
        self.source = config.source(spec.name)
        suffix = (spec.suffix or variant_label)(_changed(self.params, defaults))
        self.task_id = f"{spec.name}@{self.source.label}{suffix}"
        advised = validate(TrainerConfig, spec.trainer, f"{where}.trainer")
        self.trainer_defaults = dump(TrainerConfig, advised)
        overrides = {**config.trainer_settings, **config.task_trainer_settings.get(spec.name, {})}
        merged = {**spec.trainer, **overrides}
        self.trainer = dump(TrainerConfig, validate(TrainerConfig, merged, f"{where}.trainer"))
        info = registry.info("task", spec.name)
        self.identity = {
            "name": spec.name,
            "distribution": info.distribution,
            "version": info.version,
            "source_hash": info.source_hash,
            "params": self._without(spec.file_params),  # their content is in the fingerprint
            "fingerprint": facts.source_fingerprints[spec.name],
            "distributions": {name: facts.versions.get(name, "absent") for name in spec.distributions},
        }

    @property
    def data_key(self) -> str:
        """Of the prepared data: what only training looks at is left out."""
        params = self._without((*self.spec.file_params, *self.spec.training_params))
        return canonical_hash({**self.identity, "params": params})

    def _without(self, names: Iterable[str]) -> dict[str, Any]:
        left_out = set(names)
        return {name: value for name, value in self.params.items() if name not in left_out}

    def baseline(self, name: str) -> Cell:
        """A baseline's one cell; it uses no trainer, no device but the CPU, and seed 0."""
        identity = {"baseline": name, "versions": self._versions(*FITTING)}
        return self._cells(name, name, True, {}, {}, identity, "cpu", (0,))[0]

    def model(self, spec: ModelSpec, seeds: Iterable[int]) -> list[Cell]:
        """A model's cells, one per seed."""
        where = f"models.{spec.name}"
        names = field_names(spec.params)
        advised = {key: value for key, value in self.spec.model_defaults.items() if key in names}
        defaults = dump(spec.params, validate(spec.params, advised, where))
        settings = self.config.model_settings.get(spec.name, {})
        params = dump(spec.params, validate(spec.params, {**advised, **settings}, where))
        changed = _changed(params, defaults)
        trainer: Mapping[str, Any] = {} if spec.fit else self.trainer
        if trainer:
            changed |= {f"trainer.{key}": value for key, value in _changed(trainer, self.trainer_defaults).items()}
        info = self.registry.info("model", spec.name)
        identity = {
            "model": spec.name,
            "distribution": info.distribution,
            "version": info.version,
            "source_hash": info.source_hash,
            "params": params,
            "trainer": trainer,
            "versions": self._versions(*(FITTING if spec.fit else ("torch",)), *spec.distributions),
        }
        label = spec.name + variant_label(changed)
        skip = ""
        if self.spec.input_kind not in spec.accepts:
            takes = " and ".join(map(str, spec.accepts))
            skip = f"{spec.name} takes {takes} input, {self.spec.name} gives {self.spec.input_kind}"
        kind = "cpu" if spec.fit else self.facts.device_kind
        return self._cells(spec.name, label, False, params, trainer, identity, kind, seeds, skip)

    def _versions(self, *names: str) -> dict[str, str]:
        return {name: self.facts.versions.get(name, "absent") for name in names}

    def _cells(
        self,
        model: str,
        label: str,
        is_baseline: bool,
        model_params: Mapping[str, Any],
        trainer: Mapping[str, Any],
        identity: Mapping[str, Any],
        device_kind: str,
        seeds: Iterable[int],
        skip: str = "",
    ) -> list[Cell]:
        core = {"protocol": PROTOCOL_VERSION, "core": self.facts.core_hash}
        provenance = {"task": self.identity, "model": identity, **core, "device_kind": device_kind}
        series = canonical_hash({**provenance, "label": [self.task_id, label]})
        shared: dict[str, Any] = {
            "task": self.spec.name,
            "location": self.source.location,
            "origin": self.source.origin,
            "source": self.source.label,
            "task_id": self.task_id,
            "model": model,
            "label": label,
            "is_baseline": is_baseline,
            "device_kind": device_kind,
            "primary": self.spec.primary,
            "higher_is_better": self.spec.higher_is_better,
            "task_params": self.params,
            "model_params": model_params,
            "trainer": trainer,
            "provenance": provenance,
            "data_key": self.data_key,
            "series": series,
            "skip": skip,
        }
        return [Cell(**shared, seed=seed, key=canonical_hash([series, seed])) for seed in seeds]


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value != defaults.get(key)}
