"""Checks of baselines: they run, and look at no target of what they predict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.subjects import TaskSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.spec import Predictor

CLOSE = 1e-9


def baselines_run(subject: TaskSubject) -> str:
    """Each is fitted once and predicts the test split; what it gave is kept."""
    data = subject.data
    if not subject.spec.baselines:
        raise InapplicableError("it has none")
    expected = (len(data.test), data.output.size)
    for name, predictor in _fitted(subject):
        outputs = np.asarray(predictor(data.test), dtype=np.float64)
        if outputs.shape != expected:
            seen = f"'{name}' gave {list(outputs.shape)} where {list(expected)} are expected"
            raise UnmetError(seen, function=subject.spec.baselines[name])
        if not np.isfinite(outputs).all():
            seen = f"'{name}' gave predictions that are not finite"
            raise UnmetError(seen, function=subject.spec.baselines[name])
        subject.kept[f"baseline {name}"] = (predictor, outputs)
    return ", ".join(_scored(subject))


def _fitted(subject: TaskSubject) -> Iterator[tuple[str, Predictor]]:
    from seqbench.testing.process_state import seed_generators

    data = subject.data
    for name, fit in subject.spec.baselines.items():
        seed_generators(0)
        yield name, fit(data.train, data.validation, data.output)


def _scored(subject: TaskSubject) -> Iterator[str]:
    spec = subject.spec
    for name in spec.baselines:
        outputs: NDArray[np.float64] = subject.kept[f"baseline {name}"][1]
        yield f"{name} {float(spec.metrics[spec.primary](outputs, subject.data.test)):.4g}"


def baselines_ignore_targets(subject: TaskSubject) -> str:
    """The same examples with the targets of others."""
    if not subject.spec.baselines:
        raise InapplicableError("it has none")
    test = subject.data.test
    order = np.random.default_rng(0).permutation(len(test))
    turned = replace(test, targets=np.asarray(test.targets)[order])
    for name, baseline in subject.spec.baselines.items():
        predictor, before = subject.kept[f"baseline {name}"]
        after = np.asarray(predictor(turned), dtype=np.float64)
        if not np.allclose(before, after, rtol=CLOSE, atol=CLOSE):
            seen = f"'{name}' predicts otherwise when the test examples have each other's targets"
            raise UnmetError(seen, function=baseline)
    return f"{len(subject.spec.baselines)} baselines with other targets"
