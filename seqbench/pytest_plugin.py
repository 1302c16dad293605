"""The pytest plugin (entry point group pytest11): one test per check of the conformance kit.

Every pytest session on a machine with seqbench loads this module: it imports pytest and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seqbench.testing import Inspection

FIXTURE = "seqbench_check"
"""The argument of a test that is made once per check of its class's `seqbench_checks`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seqbench-check NAME`, `--seqbench-plugin FILE`."""
    group = parser.getgroup("seqbench", "conformance of seqbench plugins")
    group.addoption(
        "--seqbench-check",
        action="append",
        default=[],
        metavar="NAME",
        help="add a test per check of this model or task, found as seqbench finds it; again for more",
    )
    group.addoption(
        "--seqbench-plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file with hooks of seqbench whose models and tasks --seqbench-check may name; again for more",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Classes like seqbench.testing.ModelTests: a test per check, by its name."""
    checks: Sequence[Any] = getattr(metafunc.cls, "seqbench_checks", ())
    if checks and FIXTURE in metafunc.fixturenames:
        left_out = set(getattr(metafunc.cls, "left_out", ()))
        unknown = left_out - {check.name for check in checks}
        if unknown:
            raise pytest.UsageError(f"{metafunc.cls.__name__}.left_out names '{min(unknown)}', which is no check")
        metafunc.parametrize(FIXTURE, [check.name for check in checks if check.name not in left_out])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests that `--seqbench-check` asks for, after those that were collected and before `-k` chooses."""
    names = config.getoption("--seqbench-check")
    if names:
        items.extend(_items(session, names, config.getoption("--seqbench-plugin")))


def _items(session: pytest.Session, names: Sequence[str], files: Sequence[str]) -> Iterator[pytest.Item]:
    from seqbench.errors import SeqbenchError
    from seqbench.testing.named import inspection_of

    for name in dict.fromkeys(names):
        try:
            inspection = inspection_of(name, plugins=files)
        except SeqbenchError as error:
            raise pytest.UsageError(str(error)) from None
        parent = Plugin.from_parent(session, name=f"seqbench:{name}", nodeid=f"seqbench:{name}")
        for check in inspection.checks:
            yield CheckItem.from_parent(parent, name=check, inspection=inspection)


class Plugin(pytest.Collector):
    """The model or task whose checks are items."""

    def collect(self) -> list[pytest.Item]:
        """Its items are added by name."""
        return []


class CheckItem(pytest.Item):
    """One check as a test."""

    def __init__(self, *, inspection: Inspection, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inspection = inspection

    def runtest(self) -> None:
        """Fail in words, or skip with the reason, where the check does not hold."""
        from seqbench.testing.pytest_cases import tell

        tell(self.inspection.finding(self.name))

    def reportinfo(self) -> tuple[str, None, str]:
        """What pytest calls it."""
        where = self.parent.name if self.parent is not None else "seqbench"
        return where, None, f"{where} {self.name}"
