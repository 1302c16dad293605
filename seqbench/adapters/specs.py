"""What the tasks of adapters have in common: scores, defaults of training, and further fields of `TaskSpec`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any

from seqbench.adapters import scores
from seqbench.adapters.origin import belonging_to
from seqbench.adapters.parameters import Parameter, schema
from seqbench.errors import SpecError
from seqbench.naming import nearest
from seqbench.spec import Baseline, Classes, ExampleScores, Metric, TaskData, TaskSpec

TRAINER = {"max_epochs": 20, "patience": 5, "min_epoch_steps": 40}
"""Small data is passed over several times per epoch, so that patience means something there too."""

OWN_FIELDS = ("name", "prepare", "input_kind", "params")
"""Fields of TaskSpec that an adapter decides."""


def task_spec(
    name: str,
    home: str,
    prepare: Callable[[str, Any, Any], TaskData],
    input_kind: str,
    output_kind: str,
    parameters: Collection[Parameter],
    further: Mapping[str, Any],
    *,
    metrics: Mapping[str, Metric] | None = None,
    baselines: Mapping[str, Baseline] | None = None,
    example_scores: Mapping[str, ExampleScores] | None = None,
    sentinels: Mapping[str, Any] | None = None,
    distributions: tuple[str, ...] = (),
    made_of: Iterable[Any] = (),
) -> TaskSpec:
    """The spec. further: fields of TaskSpec that the user gave; metrics, baselines and trainer are added to the usual.

    made_of: functions of the user that load its data.

    The first of `metrics` is the primary one unless the user names another. Raises SpecError for what cannot be used.
    """
    who = f"task '{name}'"
    given = dict(further)
    known = [item.name for item in fields(TaskSpec) if item.name not in OWN_FIELDS]
    for key in given:
        if key not in known:
            raise SpecError(
                f"{who}: '{key}' is no argument of this function and no field of TaskSpec{nearest(key, known)}"
            )
    is_classes = output_kind == Classes.kind
    usual = dict(metrics or (scores.CLASSES if is_classes else scores.VALUES))
    per_example = dict(example_scores or scores.SCORES)
    primary = given.pop("primary", None) or next(iter(usual))
    own_metrics = dict(given.pop("metrics", None) or {})
    higher = given.pop("higher_is_better", scores.HIGHER_IS_BETTER.get(primary))
    if higher is None:
        raise SpecError(f"{who}: say whether more of '{primary}' is better: higher_is_better=True or False")
    chosen: dict[str, Any] = {
        "loss": "cross_entropy" if is_classes else "huber",
        "predictions": scores.texts if is_classes else scores.forecasts,
        "show": scores.show,
        "describe": scores.describe,
        "example_scores": None if primary in own_metrics else per_example.get(primary),
        "distributions": distributions,
        **given,
        "metrics": {**usual, **own_metrics},
        "baselines": {**(baselines or _baselines(is_classes=is_classes)), **given.get("baselines", {})},
        "trainer": {**TRAINER, **given.get("trainer", {})},
        "sentinels": {**(sentinels or {}), **given.get("sentinels", {})},
    }
    return TaskSpec(
        name=name,
        prepare=belonging_to(home, prepare, *made_of),
        input_kind=input_kind,
        primary=primary,
        higher_is_better=bool(higher),
        params=schema(name, home, parameters, f"The parameters of {who}."),
        **chosen,
    )


def _baselines(*, is_classes: bool) -> dict[str, Baseline]:
    return {"majority": scores.majority} if is_classes else {"mean": scores.mean}
