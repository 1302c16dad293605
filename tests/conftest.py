"""What tests share: the real data where it is there, the command line as a process, and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


SLOW = ("execution", "third_party", "tracking", "docs", "cli")
"""Folders of slow tests, which begin first: what begins last should be quick, or one process works for itself."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow folders first; else in the order of the files."""
    places = {name: place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: places.get(item.path.relative_to(REPOSITORY / "tests").parts[0], len(SLOW)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: `SEQBENCH_TEST_DATA`, else `../shared/data` beside the repository."""
    folder = Path(os.environ.get("SEQBENCH_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"there is no real data at {folder}: set SEQBENCH_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of prepared data for the whole test session, and for the processes that tests start."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("SEQBENCH_CACHE")
    os.environ["SEQBENCH_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["SEQBENCH_CACHE"]
    else:
        os.environ["SEQBENCH_CACHE"] = before


@dataclass(frozen=True)
class Finished:
    """A process that ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Finished]


@pytest.fixture
def seqbench(tmp_path: Path, cache: Path) -> Command:
    """`seqbench ARGUMENTS` as a real process in an empty folder."""

    def call(*arguments: str, timeout: float = 240) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "seqbench.cli", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return call


TOY = REPOSITORY / "tests" / "toy_plugin.py"


@pytest.fixture(scope="session")
def toy() -> str:
    """The path of the plugin file with the toy task and models."""
    return str(TOY)
