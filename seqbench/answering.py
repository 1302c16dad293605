"""A trained model that answers raw inputs: made again from its weights and what lies beside them, without its data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqbench.cell import built
from seqbench.errors import DataError, SeqbenchError, SpecError, one_line
from seqbench.protocol import TrainerConfig
from seqbench.records import CellRecord
from seqbench.registry import Registry
from seqbench.sequences import BatchSource, SequenceSet
from seqbench.serving import WEIGHTS, Kept
from seqbench.spec import Classes, Decode, Dense, Encode, Input, Output, Serving, Tokens
from seqbench.trainer import predict

DESCRIPTION = "model.json"
"""The file that says what a model is made of; beside it are its weights, and `PLUGINS` where it needs any."""
PLUGINS = "plugins"
"""The folder of plugins that are one file and not installed."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Description:
    """What a model is made of. task, model: plugins by name; the rest as in the record of the cell."""

    task: str
    model: str
    seed: int
    model_params: Mapping[str, Any]
    trainer: Mapping[str, Any]
    distributions: Mapping[str, str]
    kept: Kept

    @classmethod
    def of(cls, record: CellRecord, kept: Kept) -> Description:
        """Of a cell that was trained."""
        came_from = {
            kind: Path(str((record.provenance.get(kind) or {}).get("distribution", ""))).name
            for kind in ("task", "model")
        }
        return cls(
            task=record.task,
            model=record.model,
            seed=record.seed,
            model_params=record.parameters.get("model", {}),
            trainer=record.parameters.get("trainer", {}),
            distributions=came_from,
            kept=kept,
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {**vars(self), "kept": self.kept.to_json()}

    @classmethod
    def read(cls, folder: Path) -> Description:
        """From a folder. Raises DataError when it holds no model."""
        path = folder / DESCRIPTION
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**values, "kept": Kept.from_json(values["kept"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} describes no model of seqbench ({one_line(error)}): register it again.") from None


@dataclass(frozen=True)
class Answerer:
    """A model in evaluation mode on the CPU. Several threads may ask it at once."""

    serving: Serving
    module: nn.Module
    input: Input
    output: Output
    config: TrainerConfig
    encode: Encode
    decode: Decode

    @classmethod
    def load(cls, folder: Path, registry: Registry) -> Answerer:
        """From a folder with a description and weights.

        Raises DataError when a plugin that it needs is not there or has no use for it any more.
        """
        return cls.made(Description.read(folder), folder / WEIGHTS, registry)

    @classmethod
    def made(cls, description: Description, weights: Path, registry: Registry) -> Answerer:
        """From a description and a file of weights. Raises DataError as `load` does."""
        from safetensors.torch import load_file

        kept = description.kept
        for kind, name, shelf in (
            ("task", description.task, registry.tasks),
            ("model", description.model, registry.models),
        ):
            if name not in shelf:
                origin = description.distributions.get(kind) or "a plugin"
                raise DataError(f"the {kind} '{name}' of {origin} is not installed here: install it.")
        serving = registry.tasks[description.task].serving
        if serving is None:
            raise DataError(f"the task '{description.task}' that is installed here takes no raw inputs.")
        spec = registry.models[description.model]
        try:
            module = built(spec, description.model_params, kept.input, kept.output, description.seed)
            module.load_state_dict(load_file(weights))
            encode = serving.encoder(kept.state)
            decode = serving.decoder(kept.state) if serving.decoder else _plain(kept.output)
        except SeqbenchError:
            raise
        except Exception as error:
            raise DataError(
                f"'{description.model}' cannot be made again from {weights.name} ({type(error).__name__}: "
                f"{one_line(error)}): the plugin has changed since it was trained; train the cell again."
            ) from None
        config = TrainerConfig(**description.trainer)
        return cls(serving, module.eval(), kept.input, kept.output, config, encode, decode)

    def outputs(self, raw: Sequence[Any]) -> NDArray[np.float64]:
        """The model's outputs `float64[N, output.size]` for N raw inputs.

        Raises DataError for an input that cannot be used, with its row from 1 where there are several.
        """
        sequences = [self._sequence(one, _where(row, len(raw))) for row, one in enumerate(raw, 1)]
        if not sequences:
            return np.zeros((0, self.output.size))
        split = SequenceSet.from_sequences(sequences, np.zeros(len(sequences), dtype=np.int64))
        return predict(self.module, BatchSource(split, CPU), self.config)

    def answers(self, raw: Sequence[Any]) -> list[dict[str, Any]]:
        """An answer for each raw input, JSON-able. Raises DataError as `outputs` does."""
        outputs = self.outputs(raw)
        return [dict(self.decode(row, one)) for row, one in zip(outputs, raw, strict=True)]

    def _sequence(self, raw: Any, where: str) -> NDArray[Any]:
        try:
            sequence = np.asarray(self.encode(raw))
        except DataError as error:
            raise DataError(f"{where}{error}") from None
        if sequence.ndim and not len(sequence):
            raise DataError(f"{where}'{self.serving.column}' has nothing in it: give one that has.")
        if not _fits(sequence, self.input):
            raise SpecError(
                f"{where}the task's encoder gave {sequence.dtype}{list(sequence.shape)}, which is no sequence of "
                f"{self.input!r}: correct the task."
            )
        if isinstance(self.input, Tokens) and not 0 <= sequence.min() <= sequence.max() < self.input.vocabulary:
            raise SpecError(f"{where}the task's encoder gave tokens outside its vocabulary: correct the task.")
        if not np.isfinite(sequence).all():
            raise DataError(f"{where}'{self.serving.column}' gives values that are not finite: correct it.")
        return sequence


def _fits(sequence: NDArray[Any], input: Input) -> bool:
    """Is it what a model of this input takes?"""
    if isinstance(input, Dense):
        return sequence.dtype.kind == "f" and sequence.ndim == 2 and sequence.shape[1] == input.features
    return sequence.dtype.kind == "i" and sequence.ndim == 1


def _where(row: int, rows: int) -> str:
    return f"row {row}: " if rows > 1 else ""


def _plain(output: Output) -> Decode:
    """Answers of a task that has no decoder: a label with the probability of each, or the values."""

    def label(outputs: NDArray[np.float64], raw: Any) -> Mapping[str, Any]:
        assert isinstance(output, Classes)
        shifted = np.exp(outputs - outputs.max())
        found = shifted / shifted.sum()
        best = int(outputs.argmax())
        probabilities = dict(zip(output.labels, map(float, found), strict=True))
        return {"label": output.labels[best], "probability": float(found[best]), "probabilities": probabilities}

    def values(outputs: NDArray[np.float64], raw: Any) -> Mapping[str, Any]:
        return {"values": [float(value) for value in outputs]}

    return label if isinstance(output, Classes) else values
