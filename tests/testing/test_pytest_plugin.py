"""The kit in an author's own tests."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

BROKEN = Path(__file__).resolve().parents[1] / "third_party" / "broken"

AUTHORS_TESTS = f"""
from pathlib import Path

from seqbench.registry import load_file
from seqbench.testing import ModelTests, TaskTests

FOLDER = Path({str(BROKEN)!r})
MODELS = {{spec.name: spec for spec in load_file(FOLDER / "models.py").seqbench_models()}}
TASKS = {{spec.name: spec for spec in load_file(FOLDER / "tasks.py").seqbench_tasks()}}


class TestSound(ModelTests):
    model = MODELS["sound"]
    left_out = ("overfits_one_batch",)


class TestMean(ModelTests):
    model = MODELS["padding_in_mean"]
    params = {{"parameter_budget": 1200}}


class TestLabels(TaskTests):
    task = TASKS["sound_labels"]
    params = {{"seed": 5}}
"""


class Outcomes:
    """Collects what became of each test."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.texts: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The test's own outcome, or a skip."""
        if report.when == "call" or report.skipped:
            self.found[report.nodeid] = report.outcome
            self.texts[report.nodeid] = str(report.longrepr)


def run(*arguments: str) -> tuple[int, Outcomes]:
    """An inner session in this process, with the plugin if it is not installed."""
    installed = any(point.name == "seqbench" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "seqbench.pytest_plugin"]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:timeout", "--import-mode=importlib", "-c", "/dev/null"]
    outcomes = Outcomes()
    return int(pytest.main([*plugin, *options, *arguments], plugins=[outcomes])), outcomes


def test_an_authors_class_is_a_test_per_check(tmp_path: Path, cache: Path) -> None:
    """Each check is a test of its own: what holds passes, what fails says why, what is left out is not run."""
    (tmp_path / "test_mine.py").write_text(AUTHORS_TESTS)
    code, outcomes = run("--rootdir", str(tmp_path), str(tmp_path / "test_mine.py"))
    assert 1 == code
    failed = [name for name, outcome in outcomes.found.items() if outcome == "failed"]
    assert ["test_mine.py::TestMean::test_holds[padding_invariance]"] == failed
    text = outcomes.texts[failed[0]]
    assert "expected: padding changes no output" in text
    assert "look at:  models.py:" in text
    assert "Traceback" not in text
    assert "passed" == outcomes.found["test_mine.py::TestSound::test_holds[causality]"]
    assert "test_mine.py::TestSound::test_holds[overfits_one_batch]" not in outcomes.found
    assert "passed" == outcomes.found["test_mine.py::TestLabels::test_holds[deterministic]"]


def test_checks_are_collected_by_name(tmp_path: Path) -> None:
    """`--seqbench-check` adds the checks of a plugin that is installed or given as a file."""
    arguments = ("--rootdir", str(tmp_path), "--seqbench-plugin", str(BROKEN / "models.py"), str(tmp_path))
    code, outcomes = run("--seqbench-check", "squeezed_outputs", *arguments)
    assert 1 == code
    assert "failed" == outcomes.found["seqbench:squeezed_outputs::output_shape"]
    assert "skipped" == outcomes.found["seqbench:squeezed_outputs::padding_invariance"]
    code, outcomes = run("--seqbench-check", "sound", "-k", "builds or length", *arguments)
    assert (0, {"seqbench:sound::builds", "seqbench:sound::length_one"}) == (code, set(outcomes.found))
    assert 4 == run("--seqbench-check", "squeesed", *arguments)[0]


def test_other_peoples_sessions_pay_nothing() -> None:
    """Loading the plugin imports neither torch nor NumPy, nor anything of seqbench but itself."""
    program = (
        "import pytest, sys; before = set(sys.modules); import seqbench.pytest_plugin;"
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "['seqbench', 'seqbench.pytest_plugin']" == done.stdout.strip()
