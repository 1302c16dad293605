"""Checks of what a task prepares: that it does, and that inputs and targets are what models and losses take."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench.describe import splits_of
from seqbench.params import dump, validate
from seqbench.protocol import TrainerConfig
from seqbench.spec import Classes, Dense, Forecast, TaskData
from seqbench.testing.findings import UnmetError
from seqbench.testing.subjects import TaskSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray


def trainer_defaults(subject: TaskSubject) -> str:
    """The trainer's schema takes the defaults, and JSON the advice to models."""
    spec = subject.spec
    dump(TrainerConfig, validate(TrainerConfig, spec.trainer, f"tasks.{spec.name}.trainer"))
    try:
        json.dumps(dict(spec.model_defaults))
    except (TypeError, ValueError) as error:
        raise UnmetError(f"model_defaults are no JSON ({error})") from None
    return f"{len(spec.trainer)} of the trainer, {len(spec.model_defaults)} of models"


def prepares(subject: TaskSubject) -> str:
    """Prepared for the first time; the data is kept for the checks that follow."""
    begin = time.perf_counter()
    data = subject.prepare()
    subject.seconds = time.perf_counter() - begin
    if not isinstance(data, TaskData):
        raise UnmetError(f"prepare gave {type(data).__name__}, not a seqbench.TaskData")
    if data.input.kind != subject.spec.input_kind:
        raise UnmetError(f"{data.input.kind} input, where the spec says input_kind '{subject.spec.input_kind}'")
    for name in ("train", "test"):
        if not len(getattr(data, name)):
            raise UnmetError(f"the {name} split has no example")
    subject.kept["data"] = data
    sizes = ", ".join(f"{name} {len(split):,}" for name, split in splits_of(data).items())
    return f"{sizes}, in {subject.seconds:.1f} s"


def inputs_in_range(subject: TaskSubject) -> str:
    """Of the steps that belong to an example."""
    data = subject.data
    for name, split in splits_of(data).items():
        if not len(split):
            continue
        values = split.values
        if isinstance(data.input, Dense):
            if values.dtype != np.float32 or values.ndim != 2 or values.shape[1] != data.input.features:
                expected = f"float32[steps, {data.input.features}]"
                raise UnmetError(f"values of {name} are {_kind(values)}, where {data.input!r} is {expected}")
            if not np.isfinite(values).all():
                raise UnmetError(f"{int((~np.isfinite(values)).sum())} values of {name} are not finite")
            continue
        if values.dtype.kind not in "iu" or values.ndim != 1:
            raise UnmetError(f"values of {name} are {_kind(values)}, where tokens are int64[steps]")
        tokens = values[_used(split.starts, split.lengths, len(values))]
        low, high = int(tokens.min()), int(tokens.max())
        if low < 1 or high >= data.input.vocabulary:
            raise UnmetError(f"{name} has token {low if low < 1 else high}, outside 1 to {data.input.vocabulary - 1}")
    return repr(data.input)


def targets_in_range(subject: TaskSubject) -> str:
    """Of every split."""
    data = subject.data
    for name, split in splits_of(data).items():
        targets = np.asarray(split.targets)
        if isinstance(data.output, Classes):
            if targets.dtype.kind not in "iu" or targets.ndim != 1:
                raise UnmetError(f"targets of {name} are {_kind(targets)}, where classes are int64[N]")
            if len(targets) and not 0 <= targets.min() <= targets.max() < data.output.size:
                wrong = targets.max() if targets.min() >= 0 else targets.min()
                raise UnmetError(f"{name} has the label number {wrong}, outside 0 to {data.output.size - 1}")
            continue
        assert isinstance(data.output, Forecast)
        if targets.dtype.kind != "f" or (
            len(targets) and (targets.ndim != 2 or targets.shape[1] != data.output.values)
        ):
            raise UnmetError(
                f"targets of {name} are {_kind(targets)}, where float32[N, {data.output.values}] is expected"
            )
        if not np.isfinite(targets).all():
            raise UnmetError(f"{int((~np.isfinite(targets)).sum())} targets of {name} are not finite")
    if isinstance(data.output, Classes):
        return f"{data.output.size} labels"
    return f"{data.output.size} values"


def _kind(array: NDArray[Any]) -> str:
    return f"{array.dtype}{list(array.shape)}"


def _used(starts: NDArray[np.int64], lengths: NDArray[np.int64], total: int) -> NDArray[np.bool_]:
    """`bool[total]`: the rows of a split's buffer that an example of it covers."""
    edges = np.zeros(total + 1, dtype=np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + lengths, -1)
    used: NDArray[np.bool_] = edges[:total].cumsum() > 0
    return used
