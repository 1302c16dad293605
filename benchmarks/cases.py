"""The default grid's cells with their prepared data, for contestants that train the same thing in another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.benchmark import Options
from seqbench.benchmark import load as load_benchmark
from seqbench.plan import Cell
from seqbench.prepare import Prepared, load, prepare
from seqbench.protocol import TrainerConfig
from seqbench.registry import Registry
from seqbench.spec import TaskData, TaskSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from seqbench.optimisation import Objective
    from seqbench.sequences import SequenceSet

TASKS = ("sentiment", "speech_commands", "stock_forecasting")
MODELS = ("rnn", "lstm", "gru", "bidirectional")


@dataclass(frozen=True)
class Case:
    """A cell with all that training it needs."""

    cell: Cell
    registry: Registry
    prepared: Prepared
    data: TaskData

    @property
    def spec(self) -> TaskSpec:
        """The cell's task."""
        return self.registry.tasks[self.cell.task]

    @property
    def config(self) -> TrainerConfig:
        """The protocol of its training."""
        return TrainerConfig(**self.cell.trainer)

    @property
    def objective(self) -> Objective:
        """Loss, watched metric and augmentation."""
        from seqbench.cell import objective_of

        return objective_of(self.cell, self.spec)

    def module(self) -> nn.Module:
        """The cell's model, freshly initialised from its seed."""
        from seqbench.cell import build_module

        return build_module(self.cell, self.registry, self.data)


def cases(
    section: dict[str, Any], settings: Sequence[str] = (), run_file: Path | None = None, data: Sequence[str] = ()
) -> list[Case]:
    """The cells of a run with these fields of `[run]`, `--set`tings, run file and sources; their data is prepared if
    need be.
    """
    benchmark = load_benchmark(Options(run_file, settings, section, data))
    registry = benchmark.registry
    prepared: dict[str, tuple[Prepared, TaskData]] = {}
    for cell in benchmark.cells:
        if cell.data_key not in prepared:
            made = prepare(registry.tasks[cell.task], cell.location, cell.task_params, cell.data_key)
            prepared[cell.data_key] = (made, load(Path(made.folder)))
    return [Case(cell, registry, *prepared[cell.data_key]) for cell in benchmark.cells]


def case(task: str, model: str, settings: Sequence[str] = (), source: str | None = None) -> Case:
    """The cell of one model on one task, seed 0; source: of its data, the built-in one by default."""
    section = {"tasks": [task], "models": [model], "seeds": "0", "baselines": False}
    return cases(section, settings, data=[f"{task}={source}"] if source else ())[0]


def tensors(split: SequenceSet) -> tuple[list[Tensor], Tensor]:
    """A split as scripts hold it: a list with a tensor per example, and the targets."""
    import torch

    sequences = [torch.tensor(split.example(index)) for index in range(len(split))]
    return sequences, torch.tensor(split.targets)
