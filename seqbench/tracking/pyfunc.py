"""A trained cell as a folder that MLflow can load: weights and description, signature, example, and requirements."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seqbench.answering import DESCRIPTION, PLUGINS, Answerer, Description
from seqbench.errors import DataError
from seqbench.examples import PREDICTIONS
from seqbench.records import CellRecord
from seqbench.registry import Registry
from seqbench.serving import WEIGHTS, Kept
from seqbench.version import installed_version

if TYPE_CHECKING:
    import pandas as pd

LOADER = "seqbench.tracking.serving"
NEEDED = ("mlflow", "numpy", "pandas", "safetensors", "seqbench", "torch")
"""Distributions that every served model needs, beside its plugins and those that its task names."""

TOLERANCE, LOOSE_TOLERANCE = 1e-4, 5e-2
"""How far a model made again may be from its stored predictions, as a part of these (or of 1, if that is more): on the
kind of processor and in the precision that it was trained with, and otherwise."""


@dataclass(frozen=True)
class Package:
    """A cell that is to be served."""

    record: CellRecord
    folder: Path
    registry: Registry

    def write(self, target: Path) -> None:
        """Write the model into the new folder `target`, once it has been seen to answer as it did when it was tested.

        Raises DataError with a sentence when the cell cannot be served.
        """
        kept = Kept.read(self.folder)
        if kept is None:
            raise DataError("it was trained before seqbench kept what serving needs: train it again with --force.")
        if not (self.folder / WEIGHTS).is_file():
            raise DataError(f"its weights are not in {self.folder}: train it again with --force.")
        if not kept.raw_examples:
            raise DataError(f"the task '{self.record.task}' gave no raw example to check and to show.")
        description = Description.of(self.record, replace(kept, raw_examples={}))
        answerer = Answerer.made(description, self.folder / WEIGHTS, self.registry)
        raw = list(kept.raw_examples.values())
        self._check(answerer, list(kept.raw_examples), raw)
        data = target.with_name(f"{target.name}-data")
        self._write_data(description, data)
        _save(target, data, answerer, raw[:1], self.requirements())
        shutil.rmtree(data)

    def _check(self, answerer: Answerer, ids: Sequence[str], raw: Sequence[str]) -> None:
        """Raises DataError when the answers to test examples are not those that were stored."""
        import numpy as np

        stored = stored_outputs(self.folder / PREDICTIONS, ids)
        outputs = answerer.outputs(raw)
        is_alike = self.record.device_kind in ("", "cpu") and answerer.config.precision == "float32"
        tolerance = TOLERANCE if is_alike else LOOSE_TOLERANCE
        for name, found in zip(ids, outputs, strict=True):
            expected = np.array(stored[name]) if name in stored else None
            if expected is None or expected.shape != found.shape:
                raise DataError(f"its predictions have no test example '{name}' to be checked by.")
            scale = max(1.0, float(np.abs(expected).max()))
            if not float(np.abs(found - expected).max()) <= tolerance * scale:
                raise DataError(
                    f"made again it does not answer as it did when it was tested (example '{name}'): a plugin has "
                    "changed since; train it again."
                )

    def _write_data(self, description: Description, data: Path) -> None:
        data.mkdir()
        (data / DESCRIPTION).write_text(json.dumps(description.to_json()), encoding="utf-8")
        shutil.copyfile(self.folder / WEIGHTS, data / WEIGHTS)
        for number, file in enumerate(sorted(filter(is_file, self._origins()))):
            (data / PLUGINS).mkdir(exist_ok=True)
            shutil.copyfile(file, data / PLUGINS / f"{number}_{Path(file).name}")

    def _origins(self) -> set[str]:
        """Of the task and of the model: the distribution, or the file of a plugin that is one."""
        names = (("task", self.record.task), ("model", self.record.model))
        return {self.registry.info(kind, name).distribution for kind, name in names}

    def requirements(self) -> list[str]:
        """`name==version` of every distribution that the model needs, as installed here."""
        plugins = {origin for origin in self._origins() if not is_file(origin)}
        task = self.registry.tasks[self.record.task]
        versions = {name: installed_version(name) for name in sorted({*NEEDED, *plugins, *task.distributions})}
        # What follows a + (`2.11.0+cpu`) names a build, which an index does not have.
        return [f"{name}=={version.partition('+')[0]}" for name, version in versions.items() if version != "absent"]


def is_file(origin: str) -> bool:
    """Is a plugin one file, given by `--plugin`, rather than of an installed distribution?"""
    return origin.endswith(".py")


def stored_outputs(path: Path, ids: Sequence[str]) -> dict[str, list[float]]:
    """The outputs of these examples in a cell's stored predictions, by id. Raises DataError for an unreadable file."""
    wanted, found = set(ids), {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["id"] in wanted and row["id"] not in found:
                    found[row["id"]] = [float(value) for name, value in row.items() if name.startswith("output_")]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DataError(
            f"its predictions cannot be read ({type(error).__name__}): train it again with --force."
        ) from None
    return found


def _save(target: Path, data: Path, answerer: Answerer, raw: Sequence[str], requirements: list[str]) -> None:
    import pandas as pd
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.pyfunc import save_model
    from mlflow.types import ColSpec, DataType, Schema

    column = answerer.serving.column
    example = pd.DataFrame({column: list(raw)})
    answers: pd.DataFrame = pd.DataFrame(answerer.answers(raw))
    outputs = infer_signature(example, answers).outputs
    with _without_surroundings():
        save_model(
            target,
            loader_module=LOADER,
            data_path=data,
            signature=ModelSignature(Schema([ColSpec(DataType.string, column)]), outputs),
            input_example=example,
            pip_requirements=requirements,
        )


@contextmanager
def _without_surroundings() -> Iterator[None]:
    """While inside, MLflow does not take the current folder's project for the model's."""
    name = "MLFLOW_UV_AUTO_DETECT"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before
