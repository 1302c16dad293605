"""A task whose file computes for most of a second when it is discovered."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from seqbench import Classes, Dense, SequenceSet, TaskData, TaskSpec, hookimpl

BEGIN = time.process_time()
while time.process_time() - BEGIN < 0.6:
    TABLE = np.sin(np.arange(1000.0))


def prepare(source: str, params: Any, cache: Any) -> TaskData:
    random = np.random.default_rng(0)

    def split(count: int) -> SequenceSet:
        labels = random.integers(0, 2, count)
        return SequenceSet.from_sequences([random.normal(size=(4, 1)).astype(np.float32) for _ in labels], labels)

    return TaskData(Dense(1), Classes(("no", "yes")), split(40), split(20), split(40))


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    def accuracy(outputs: Any, split: SequenceSet) -> float:
        return float((outputs.argmax(1) == split.targets).mean())

    return [TaskSpec("slow_import", prepare, "dense", {"accuracy": accuracy}, "accuracy", True, "cross_entropy")]
