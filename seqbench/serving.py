"""What a trained cell keeps beside its weights, so that its model can answer raw inputs where its data is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqbench.errors import StoreError
from seqbench.prepare import input_of, noun_to_json, output_of
from seqbench.spec import Input, Output, TaskData, TaskSpec, Tokens

WEIGHTS = "weights.safetensors"
SERVING = "serving.json"
"""The files of a trained cell that its model is made from again."""
FORMAT = 1


@dataclass(frozen=True)
class Kept:
    """What the file holds. state: the task's own; raw_examples: raw inputs of the test split by their example's id."""

    input: Input
    output: Output
    state: Mapping[str, Any]
    raw_examples: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Kept | None:
        """From a cell's folder; None when it has no such file. Raises StoreError for one that cannot be used."""
        path = folder / SERVING
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls.from_json(values)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{path} cannot be used ({error}): train the cell again with --force.") from None

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Kept:
        """From `to_json`'s values. Raises ValueError, KeyError or TypeError when they are none."""
        if values["format"] != FORMAT:
            raise ValueError(f"it has format {values['format']}, where this version of seqbench knows {FORMAT}")
        # An embedding's vectors are among the weights: what the model is built with needs their size alone.
        shape = values["vectors"]
        vectors = None if shape is None else np.zeros(shape, dtype=np.float32)
        made = input_of(values["input"], vectors)
        return cls(made, output_of(values["output"]), dict(values["state"]), dict(values["raw_examples"]))

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        has_vectors = isinstance(self.input, Tokens) and self.input.vectors is not None
        return {
            "format": FORMAT,
            "input": noun_to_json(self.input),
            "output": noun_to_json(self.output),
            "vectors": list(self.input.vectors.shape) if has_vectors else None,  # type: ignore[union-attr]
            "state": dict(self.state),
            "raw_examples": dict(self.raw_examples),
        }


def packed(spec: TaskSpec, data: TaskData) -> dict[str, bytes]:
    """The file by its name; none for a task whose models cannot be served."""
    if spec.serving is None:
        return {}
    kept = Kept(data.input, data.output, data.state, data.raw_examples)
    return {SERVING: json.dumps(kept.to_json()).encode()}
