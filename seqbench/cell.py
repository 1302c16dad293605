"""One cell: load prepared data, build, fit, evaluate → a record and the cell's files."""

from __future__ import annotations

import errno
import json
import platform
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqbench.cell_log import LogLines
from seqbench.checkpoints import Checkpoint
from seqbench.costs import (
    bound_of,
    count_macs,
    latency,
    peak_memory_bytes,
    predictor_latency,
    reset_peak_memory,
    training_rate,
)
from seqbench.errors import one_line
from seqbench.evaluation import evaluate
from seqbench.examples import PREDICTIONS
from seqbench.optimisation import LOSS_FUNCTIONS, Objective
from seqbench.params import validate
from seqbench.plan import Cell
from seqbench.prepare import Prepared, load
from seqbench.pristine import determinism, pristine, seed_all
from seqbench.protocol import TrainerConfig, derive_seed
from seqbench.records import CellRecord, CellResult, Costs, EpochRecord, Failure, blank_record
from seqbench.registry import Registry
from seqbench.sequences import BatchSource
from seqbench.serving import WEIGHTS, packed
from seqbench.spec import Classes, Input, ModelSpec, Output, Predictor, TaskData, TaskSpec
from seqbench.trainer import DivergedError, fit, predict

MEMORY_WORDS = ("not enough memory", "bad_alloc", "annot allocate memory")
"""What libraries say where memory is short."""

OnEpoch = Callable[[EpochRecord], None]


def run_cell(
    cell: Cell,
    registry: Registry,
    prepared: Prepared,
    device: str,
    environment: Mapping[str, Any],
    on_epoch: OnEpoch,
    checkpoints: str = "",
    is_alone: bool = False,
) -> CellResult:
    """Run one cell in this process. Whatever the model or task raises becomes a record that says so.

    checkpoints: the folder where training is kept between epochs; empty for none. is_alone: no other cell of the run
    can be under way, which its costs say.
    """
    lines = LogLines()
    where = torch.device(device)
    blank = replace(
        blank_record(cell),
        environment={**environment, **_software(), "device": device, "determinism": determinism(where)},
        started_at=time.time(),
        data={"fingerprint": prepared.fingerprint, "sizes": list(prepared.sizes), "notes": dict(prepared.notes)},
    )
    checkpoint = Checkpoint(Path(checkpoints), cell.key) if checkpoints else None
    try:
        reset_peak_memory(device)
        with pristine(cell.seed, where), lines.captured():
            result = _Attempt(cell, registry, prepared, where, lines, on_epoch, checkpoint, is_alone).run(blank)
        json.dumps(result.record.to_json())  # what a plugin has put in must be as plain as a record
    except (Exception, SystemExit) as error:
        lines.add(traceback.format_exc())
        result = CellResult(replace(blank, **_failure(error)))
    finished = replace(result.record, finished_at=time.time())
    return CellResult(finished, {**result.files, "log.txt": lines.encoded()})


def _failure(error: BaseException) -> dict[str, Any]:
    """The fields of a record that an exception decides."""
    text = " ".join(str(error).split())
    if isinstance(error, SystemExit):
        text = f"the plugin called exit({text})"
    reason = Failure(type(error).__name__, text, traceback.format_exc())
    if isinstance(error, DivergedError):
        return {"status": "diverged", "failure": reason, "history": error.history}
    is_memory = (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or any(words in str(error) for words in MEMORY_WORDS)
    )
    return {"status": "oom" if is_memory else "failed", "failure": reason}


@dataclass
class _Attempt:
    """The steps of one cell, each with its own clock."""

    cell: Cell
    registry: Registry
    prepared: Prepared
    device: torch.device
    lines: LogLines
    on_epoch: OnEpoch
    checkpoint: Checkpoint | None
    is_alone: bool

    def run(self, blank: CellRecord) -> CellResult:
        """Load, then the way of a network or of what fits itself."""
        spec = self.registry.tasks[self.cell.task]
        data = load(Path(self.prepared.folder))
        output = {"kind": data.output.kind, "size": data.output.size}
        if isinstance(data.output, Classes):
            output["labels"] = list(data.output.labels)
        record = replace(blank, status="ok", output=output)
        if self.cell.is_network:
            return self._network(spec, data, record)
        return self._fitted(spec, data, record, self._baseline if self.cell.is_baseline else self._estimator)

    def _baseline(self, spec: TaskSpec, data: TaskData) -> Predictor:
        seed_all(derive_seed(self.cell.seed, "baseline"))
        return spec.baselines[self.cell.model](data.train, data.validation, data.output)

    def _estimator(self, spec: TaskSpec, data: TaskData) -> Predictor:
        model, seed = self.registry.models[self.cell.model], derive_seed(self.cell.seed, "initialisation")
        if model.fit is None:
            raise TypeError(f"model '{model.name}' has no fit any more")
        seed_all(seed)
        params = validate(model.params, self.cell.model_params, f"models.{model.name}")
        return model.fit(data.train, data.validation, data.input, data.output, params, seed)

    def _fitted(
        self, spec: TaskSpec, data: TaskData, record: CellRecord, fit: Callable[[TaskSpec, TaskData], Predictor]
    ) -> CellResult:
        """What no trainer trains: fit it, and score what it predicts."""
        begin = time.perf_counter()
        predictor = fit(spec, data)
        fitted = time.perf_counter()
        outputs = np.asarray(predictor(data.test), dtype=np.float64)
        costs = Costs(
            peak_memory_bytes=peak_memory_bytes(self.device),
            prepare_seconds=self.prepared.seconds,
            fit_seconds=fitted - begin,
            evaluate_seconds=time.perf_counter() - fitted,
            alone=self.is_alone,
        )
        result = self._evaluated(spec, data, replace(record, costs=costs), outputs, {})
        return self._timed(result, lambda: predictor_latency(predictor, data.test, bound_of(costs.fit_seconds)))

    def _network(self, spec: TaskSpec, data: TaskData, record: CellRecord) -> CellResult:
        config = TrainerConfig(**self.cell.trainer)
        begin = time.perf_counter()
        module = build_module(self.cell, self.registry, data).to(self.device)
        built = time.perf_counter()
        parameters = sum(item.numel() for item in module.parameters() if item.requires_grad)
        self.lines.add(f"built {self.cell.model} with {parameters:,} parameters on {self.device}")
        objective = objective_of(self.cell, spec)
        seed, device = self.cell.seed, self.device
        result = fit(module, data.train, data.validation, objective, config, seed, device, self._epoch, self.checkpoint)
        fitted = time.perf_counter()
        if result.earlier_epochs:
            self.lines.add(f"the first {result.earlier_epochs} epochs come from a checkpoint of an earlier attempt")
        source = BatchSource(data.test, self.device)
        outputs = predict(module, source, config)
        costs = Costs(
            parameters=parameters,
            peak_memory_bytes=peak_memory_bytes(self.device),
            prepare_seconds=self.prepared.seconds,
            build_seconds=built - begin,
            fit_seconds=fitted - built + result.earlier_seconds,
            evaluate_seconds=time.perf_counter() - fitted,
            macs=count_macs(module, data.train, self.device),
            examples_per_second=training_rate(result.history, len(data.train), config),
            alone=self.is_alone,
        )
        configuration = getattr(module, "configuration", None)
        record = replace(
            record,
            costs=costs,
            history=result.history,
            best_epoch=result.best_epoch,
            configuration=dict(configuration) if isinstance(configuration, Mapping) else {},
        )
        files = {WEIGHTS: _weights(module), **packed(spec, data)}
        evaluated = self._evaluated(spec, data, record, outputs, files)
        return self._timed(evaluated, lambda: latency(module, source, config, bound_of(costs.fit_seconds)))

    def _timed(self, result: CellResult, measure: Callable[[], Mapping[str, Any]]) -> CellResult:
        """The result with its latency, taken when all else is done: no pass of it can move a result."""
        try:
            costs = replace(result.record.costs, **measure())
        except (Exception, SystemExit) as error:
            self.lines.add(f"latency could not be measured ({one_line(error)})")
            return result
        return CellResult(replace(result.record, costs=costs), result.files)

    def _epoch(self, epoch: EpochRecord) -> None:
        self.lines.add(
            f"epoch {epoch.epoch}: train loss {epoch.train_loss:.5g}, validation loss {_shown(epoch.validation_loss)}, "
            f"validation {self.cell.primary} {_shown(epoch.validation_metric)}, gradient norm "
            f"{epoch.gradient_norm:.3g}, learning rate {epoch.learning_rate:.3g}, {epoch.seconds:.2f} s"
        )
        self.on_epoch(epoch)

    def _evaluated(
        self, spec: TaskSpec, data: TaskData, record: CellRecord, outputs: NDArray[np.float64], files: dict[str, bytes]
    ) -> CellResult:
        expected = (len(data.test), data.output.size)
        if outputs.shape != expected:
            raise ValueError(f"'{self.cell.model}' gave outputs of shape {outputs.shape}, expected {expected}")
        if not np.isfinite(outputs).all():
            raise ValueError(f"'{self.cell.model}' gave outputs that are not finite on the test split")
        found = evaluate(spec, outputs, data.test)
        self.lines.add("test: " + ", ".join(f"{name} {value:.5g}" for name, value in found.metrics.items()))
        for remark in found.remarks:
            self.lines.add(f"remark: {remark}")
        files[PREDICTIONS] = found.predictions
        return CellResult(replace(record, metrics=found.metrics, remarks=found.remarks), files)


def build_module(cell: Cell, registry: Registry, data: TaskData) -> nn.Module:
    """The cell's model, initialised from its seed, on the CPU. Raises TypeError when the plugin builds no module."""
    return built(registry.models[cell.model], cell.model_params, data.input, data.output, cell.seed)


def built(spec: ModelSpec, model_params: Mapping[str, Any], input: Input, output: Output, seed: int) -> nn.Module:
    """A model as `build_module` gives it, from what decides it."""
    seed_all(derive_seed(seed, "initialisation"))
    params = validate(spec.params, model_params, f"models.{spec.name}")
    module = spec.build(input, output, params)
    if not isinstance(module, nn.Module):
        raise TypeError(f"build of model '{spec.name}' gave {type(module).__name__}, not a torch.nn.Module")
    return module


def objective_of(cell: Cell, spec: TaskSpec) -> Objective:
    """What the cell's training minimises, and what its validation watches."""
    loss = LOSS_FUNCTIONS[spec.loss] if isinstance(spec.loss, str) else spec.loss
    params = validate(spec.params, cell.task_params, f"tasks.{spec.name}")
    return Objective(loss, spec.metrics[spec.primary], spec.higher_is_better, spec.augment, params)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _weights(module: nn.Module) -> bytes:
    from safetensors.torch import save

    return save({name: value.detach().cpu().contiguous().clone() for name, value in module.state_dict().items()})


def _software() -> dict[str, str]:
    # torch's version is an object of torch: the parent would import all of it to read the record.
    return {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": np.__version__}
