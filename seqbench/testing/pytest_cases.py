"""Classes for an author's tests: one test per check, made by the pytest plugin (seqbench.pytest_plugin)."""

from __future__ import annotations

from typing import Any, ClassVar

from seqbench.spec import ModelSpec, TaskSpec
from seqbench.testing.findings import Check, Finding, in_words
from seqbench.testing.inspection import Inspection
from seqbench.testing.model_checks import MODEL_CHECKS
from seqbench.testing.task_checks import TASK_CHECKS


class _Tests:
    """What both kinds share. params: a dict or an instance of the plugin's schema, or None for its defaults.

    left_out: checks that are not made, by name; say why in a comment.
    """

    params: ClassVar[Any] = None
    left_out: ClassVar[tuple[str, ...]] = ()
    seqbench_checks: ClassVar[tuple[Check, ...]] = ()
    _inspection: ClassVar[Inspection | None] = None

    @classmethod
    def inspect(cls) -> Inspection:
        """The inspection that all tests of the class share."""
        if "_inspection" not in vars(cls) or cls._inspection is None:
            cls._inspection = cls._inspect()
        return cls._inspection

    @classmethod
    def _inspect(cls) -> Inspection:
        raise NotImplementedError

    def test_holds(self, seqbench_check: str) -> None:
        """Each check holds; one that has nothing to look at is skipped with the reason."""
        tell(self.inspect().finding(seqbench_check))


class ModelTests(_Tests):
    """`class TestMyCell(ModelTests): model = "mycell"` (or a ModelSpec): one test per check of a model."""

    model: ClassVar[ModelSpec | str] = ""
    seqbench_checks = MODEL_CHECKS

    @classmethod
    def _inspect(cls) -> Inspection:
        return Inspection.of_model(cls.model, params=cls.params)


class TaskTests(_Tests):
    """`class TestMyTask(TaskTests): task = "mytask"` (or a TaskSpec): one test per check of a task.

    source: its data, as `--data` would name it.
    """

    task: ClassVar[TaskSpec | str] = ""
    source: ClassVar[str] = "builtin"
    seqbench_checks = TASK_CHECKS

    @classmethod
    def _inspect(cls) -> Inspection:
        return Inspection.of_task(cls.task, source=cls.source, params=cls.params)


def tell(finding: Finding) -> None:
    """Tell pytest what a check found: nothing, a failure in words, or a skip with its reason."""
    import pytest

    if finding.status == "failed":
        pytest.fail(in_words(finding), pytrace=False)
    if finding.status == "skipped":
        pytest.skip(f"{finding.check}: {finding.seen}")
