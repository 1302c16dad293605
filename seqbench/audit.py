"""Sentinels: checks that ring if a task lets somebody fool themselves. Those for every task, and the task's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqbench.cache import downloads_folder
from seqbench.describe import contents, duplicates, splits_of
from seqbench.spec import Classes, TaskData, TaskSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.sequences import SequenceSet
    from seqbench.spec import Predictor

CHANCE_P = 1e-3
"""A score under shuffled labels that pure chance would reach less often than this is no chance."""
FEWEST_TRIALS = 30
SHUFFLES = 10
"""Of what lies in two clear clusters, labels in one order out of two tell which is which by luck alone; a leak tells
it in every order."""
LAST_DIGITS = 1e-4
"""Of features in units of their scaler."""
MAX_AUDITED = 5000
"""Training examples that the shuffled-label check uses: more make it slow and no sharper."""


@dataclass(frozen=True)
class Finding:
    """What one sentinel found. problem: empty when all is well. detail: what was looked at, with figures."""

    sentinel: str
    problem: str
    detail: str = ""

    @property
    def is_well(self) -> bool:
        """Did the sentinel stay silent?"""
        return not self.problem


def audit(spec: TaskSpec, data: TaskData, source: str, params: Any) -> Iterator[Finding]:
    """Every sentinel's finding: the general ones, then the task's. A sentinel that raises is a finding too."""
    checks: dict[str, Callable[[], Finding]] = {
        "splits_are_disjoint": lambda: splits_are_disjoint(data),
        "ids_are_unique": lambda: ids_are_unique(data),
        "shuffled_labels_give_chance": lambda: shuffled_labels_give_chance(spec, data),
    }
    if spec.serving is not None:
        checks["raw_inputs_are_as_prepared"] = lambda: raw_inputs_are_as_prepared(spec, data)
    for name, sentinel in spec.sentinels.items():
        checks[name] = lambda name=name, sentinel=sentinel: Finding(  # type: ignore[misc]
            name, sentinel(source, params, downloads_folder())
        )
    for name, check in checks.items():
        try:
            yield check()
        except Exception as error:
            yield Finding(name, f"it could not be checked: {type(error).__name__}: {' '.join(str(error).split())}")


def splits_are_disjoint(data: TaskData) -> Finding:
    """No example's content is in two splits.

    Windows of a forecast may repeat by chance: which days are in two splits is for the task's own sentinels.
    """
    if not isinstance(data.output, Classes):
        return Finding("splits_are_disjoint", "", "a forecast: left to the task's own sentinels")
    shared = {pair: count for pair, count in duplicates(splits_of(data))["across"].items() if count}
    problem = "; ".join(f"{count} examples are in {pair}" for pair, count in shared.items())
    return Finding("splits_are_disjoint", problem, f"{sum(len(part) for part in splits_of(data).values())} examples")


def ids_are_unique(data: TaskData) -> Finding:
    """No id occurs twice in a split: predictions could not be joined by id."""
    problems = []
    for name, split in splits_of(data).items():
        ids, counts = np.unique(split.ids.astype(np.str_), return_counts=True)
        if (counts > 1).any():
            problems.append(
                f"{int((counts > 1).sum())} ids of {name} occur more than once, '{ids[counts > 1][0]}' for one"
            )
    total = sum(len(split) for split in splits_of(data).values())
    return Finding("ids_are_unique", "; ".join(problems), f"{total} ids")


def raw_inputs_are_as_prepared(spec: TaskSpec, data: TaskData) -> Finding:
    """The encoder of served models makes of each raw example the sequence that models are tested on."""
    name = "raw_inputs_are_as_prepared"
    assert spec.serving is not None
    encode = spec.serving.encoder(json.loads(json.dumps(dict(data.state))))
    places = {str(identity): place for place, identity in enumerate(data.test.ids)}
    problems = []
    for identity, raw in data.raw_examples.items():
        if identity not in places:
            problems.append(f"'{identity}' is no id of test")
        elif not _is_alike(data.test.example(places[identity]), np.asarray(encode(raw))):
            problems.append(f"'{identity}' is encoded otherwise than it was prepared")
    if not data.raw_examples:
        problems.append("there are no raw examples, so that no model can be registered")
    return Finding(name, "; ".join(problems), f"{len(data.raw_examples)} raw examples")


def shuffled_labels_give_chance(spec: TaskSpec, data: TaskData) -> Finding:
    """Baselines fitted to labels in random order do no better on test than the most frequent class.

    Judged by the upper tail of the binomial distribution, where examples of one content are one trial. More than that,
    in whatever order the labels are, would mean that a label is told by something else than what a model may see. Tasks
    that forecast are left to their own sentinels.
    """
    name = "shuffled_labels_give_chance"
    if not isinstance(data.output, Classes):
        return Finding(name, "", "no classes: left to the task's own sentinels")
    from scipy.stats import binom

    targets = np.asarray(data.test.targets)
    trials = len(set(contents(data.test)))
    if trials < FEWEST_TRIALS:
        return Finding(name, "", f"{trials} different test examples are too few to judge")
    chance = float(np.bincount(targets).max() / len(targets))
    scores: list[str] = []
    problems: list[str] = []
    for baseline, fit in spec.baselines.items():
        score = 0.0
        for seed in range(SHUFFLES):
            random = np.random.default_rng(seed)
            train, validation = _shuffled(data.train, random), _shuffled(data.validation, random)
            predict: Predictor = fit(train, validation, data.output)
            score = float((np.asarray(predict(data.test)).argmax(1) == targets).mean())
            if binom.sf(round(score * trials) - 1, trials, chance) >= CHANCE_P:
                break
        else:
            problems.append(f"'{baseline}' reaches {score:.3f} with shuffled labels, where chance is {chance:.3f}")
        scores.append(f"{baseline} {score:.3f}")
    return Finding(name, "; ".join(problems), f"{', '.join(scores)}; most frequent class {chance:.3f}")


def _is_alike(prepared: NDArray[Any], encoded: NDArray[Any]) -> bool:
    """Equal, but for what different devices make of the last digits."""
    return prepared.shape == encoded.shape and np.allclose(prepared, encoded, rtol=0, atol=LAST_DIGITS)


def _shuffled(split: SequenceSet, random: np.random.Generator) -> SequenceSet:
    """At most MAX_AUDITED examples with each other's targets."""
    rows: NDArray[np.int64] = np.sort(random.permutation(len(split))[:MAX_AUDITED])
    return replace(
        split,
        starts=split.starts[rows],
        lengths=split.lengths[rows],
        targets=split.targets[rows][random.permutation(len(rows))],
        ids=split.ids[rows],
        extras={name: array[rows] for name, array in split.extras.items()},
    )
