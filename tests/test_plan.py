"""A plan is a pure function; a cell's key changes with everything that decides its result, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seqbench.config import build_config
from seqbench.plan import Cell, Facts, plan
from seqbench.registry import Registry, discover
from seqbench.run_file import apply_settings

FACTS = Facts("cpu", {"torch": "2.11", "numpy": "2"}, {"toy": "builtin", "sentiment": "builtin"}, "core")


@pytest.fixture(scope="module")
def registry(toy: str) -> Registry:
    return discover([toy])


def cells(registry: Registry, settings: list[str] | None = None, facts: Facts = FACTS, **options: Any) -> list[Cell]:
    options = {"models": "toy_gru", "tasks": "toy", **options}
    return list(plan(build_config(apply_settings({}, settings or []), options, registry), registry, facts))


def test_a_plan_is_tasks_by_models_by_seeds_and_baselines(registry: Registry) -> None:
    """Two models with two seeds on a task with one baseline are five cells with five keys."""
    planned = cells(registry, models="toy_gru,toy_broken", seeds="0-1")
    assert [("majority", 0), ("toy_gru", 0), ("toy_gru", 1), ("toy_broken", 0), ("toy_broken", 1)] == [
        (cell.model, cell.seed) for cell in planned
    ]
    assert 5 == len({cell.key for cell in planned})
    assert planned == cells(registry, models="toy_gru,toy_broken", seeds="0-1")


def test_baselines_can_be_left_out(registry: Registry) -> None:
    """`--no-baselines` plans models only."""
    assert [False] == [cell.is_baseline for cell in cells(registry, seeds="0", baselines=False)]


@pytest.mark.parametrize(
    "setting", ["trainer.max_epochs=9", "models.toy_gru.hidden_size=3", "tasks.toy.examples=20", "tasks.toy.name=other"]
)
def test_settings_change_the_key(registry: Registry, setting: str) -> None:
    """A parameter of the trainer, the model or the task gives the model's cells other keys."""
    before, after = cells(registry), cells(registry, [setting])
    assert {cell.key for cell in before if not cell.is_baseline}.isdisjoint(cell.key for cell in after)


def test_the_trainer_is_nothing_to_a_baseline(registry: Registry) -> None:
    """A baseline keeps its key when only the training protocol changes."""
    assert cells(registry)[0].key == cells(registry, ["trainer.max_epochs=9"])[0].key


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, versions={"torch": "2.12", "numpy": "2"}),
        replace(FACTS, device_kind="cuda"),
        replace(FACTS, core_hash="other"),
        replace(FACTS, source_fingerprints={"toy": "other"}),
    ],
)
def test_the_world_changes_the_key(registry: Registry, facts: Facts) -> None:
    """Another torch, device, data or core gives a model's cells other keys."""
    assert {cell.key for cell in cells(registry)[1:]}.isdisjoint(cell.key for cell in cells(registry, facts=facts))


def test_a_given_default_is_no_variant(registry: Registry) -> None:
    """Setting a parameter to the value it has anyway changes neither label nor key."""
    assert cells(registry) == cells(registry, ["trainer.max_epochs=4", "tasks.toy.examples=300"])


def test_labels_tell_what_differs(registry: Registry) -> None:
    """What differs from the defaults stands in the task's id and the model's label."""
    cell = cells(registry, ["trainer.max_epochs=9", "models.toy_gru.hidden_size=3", "tasks.toy.examples=20"])[1]
    assert "toy@builtin[examples=20]" == cell.task_id
    assert "toy_gru[hidden_size=3,trainer.max_epochs=9]" == cell.label


def test_a_tasks_advice_is_a_default(registry: Registry) -> None:
    """A task's default for a model parameter counts where the model has it, and the user's word wins."""
    assert 8 == cells(registry)[1].model_params["hidden_size"]
    assert "toy_gru" == cells(registry)[1].label
    assert 5 == cells(registry, ["models.toy_gru.hidden_size=5"])[1].model_params["hidden_size"]


def test_seeds_share_a_series(registry: Registry) -> None:
    """Cells that differ in the seed alone have one series."""
    assert 1 == len({cell.series for cell in cells(registry)[1:]})


def test_a_pair_that_cannot_work_is_skipped_with_the_reason(registry: Registry) -> None:
    """A model for tokens on a dense task is planned as skipped."""
    planned = cells(registry, models="toy_reader", baselines=False)
    assert {"toy_reader takes tokens input, toy gives dense"} == {cell.skip for cell in planned}


def test_one_task_can_have_its_own_protocol(registry: Registry) -> None:
    """`tasks.toy.trainer` wins over `trainer`, for that task alone."""
    settings = ["trainer.max_epochs=7", "tasks.toy.trainer.max_epochs=2"]
    planned = cells(registry, settings, models="toy_gru,lstm", tasks="toy,sentiment", baselines=False)
    assert {"toy": 2, "sentiment": 7} == {cell.task: cell.trainer["max_epochs"] for cell in planned}


def test_augmentation_is_no_part_of_prepared_data() -> None:
    """A parameter that only training looks at gives other cells and the same data; the path of a file gives neither."""
    registry = discover()

    def planned(*settings: str) -> Cell:
        return cells(registry, list(settings), tasks="sentiment", models="lstm", baselines=False)[0]

    plain, dropped = planned(), planned("tasks.sentiment.word_dropout=0.1")
    assert plain.data_key == dropped.data_key
    assert plain.key != dropped.key
    assert planned("tasks.sentiment.max_length=9").data_key != plain.data_key
    here, there = planned("tasks.sentiment.embeddings=/a/x.txt"), planned("tasks.sentiment.embeddings=/b/x.txt")
    assert here.data_key == there.data_key
