"""Checks one by one, each with what it depends on: a spec or a name → a report."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from seqbench.errors import ConfigError, one_line
from seqbench.naming import nearest
from seqbench.spec import ModelSpec, TaskSpec
from seqbench.testing.findings import Check, Finding, InapplicableError, Report, UnmetError
from seqbench.testing.model_checks import MODEL_CHECKS
from seqbench.testing.origins import maker_of
from seqbench.testing.process_state import restored
from seqbench.testing.subjects import ModelSubject, TaskSubject, parameters, place_of
from seqbench.testing.task_checks import TASK_CHECKS

CORE = Path(__file__).parent.parent
PYTHON = str(Path(os.__file__).parent)
DEPRECATION = ".*seqbench"
"""What seqbench's own deprecations are told by: they name what goes and what takes its place."""
LONGEST = 400
"""Characters of an error's text that are shown."""
ESTIMATORS = "estimators"
EITHER = ("discovery", "process")
"""The modules whose checks hold for networks and for what fits itself."""
FITS_ITSELF = "it fits itself: there is no network to look at"


def check_model(model: ModelSpec | str, *, params: Any = None) -> Report:
    """Run every check of a model.

    model: a spec, or the name of an installed plugin's. params: a dict or an instance of its schema; its defaults.
    Raises ConfigError for an unknown name or parameters that its schema refuses.
    """
    return Inspection.of_model(model, params=params).report()


def check_task(task: TaskSpec | str, *, source: str = "builtin", params: Any = None) -> Report:
    """Run every check of a task on its data from `source`, as `--data` would name it.

    task: a spec, or the name of an installed plugin's. params: a dict or an instance of its schema; its defaults.
    Raises ConfigError for an unknown name or parameters that its schema refuses, DataError for a source that cannot be
    reached.
    """
    return Inspection.of_task(task, source=source, params=params).report()


class Inspection:
    """The checks of one plugin; each runs at most once, when it is first asked for."""

    def __init__(self, subject: ModelSubject | TaskSubject, checks: tuple[Check, ...]) -> None:
        self.subject = subject
        self.checks = {check.name: check for check in checks}
        self._findings: dict[str, Finding] = {}
        self._blocked: set[str] = set()

    @classmethod
    def of_model(cls, model: ModelSpec | str, *, params: Any = None) -> Inspection:
        """Of a model, given as check_model takes it."""
        spec = model if isinstance(model, ModelSpec) else _named("model", model)
        return cls(ModelSubject(spec, parameters(spec, params)), MODEL_CHECKS)

    @classmethod
    def of_task(cls, task: TaskSpec | str, *, source: str = "builtin", params: Any = None) -> Inspection:
        """Of a task, given as check_task takes it."""
        from seqbench.sources import absolute, obtain

        spec = task if isinstance(task, TaskSpec) else _named("task", task)
        subject = TaskSubject(spec, "", parameters(spec, params))
        subject.source = obtain(spec, absolute(source), subject.parsed)
        return cls(subject, TASK_CHECKS)

    @property
    def kind(self) -> Literal["model", "task"]:
        """What is inspected."""
        return "task" if isinstance(self.subject, TaskSubject) else "model"

    def report(self) -> Report:
        """Every finding."""
        begin = time.perf_counter()
        findings = tuple(self.finding(name) for name in self.checks)
        return Report(self.kind, self.subject.spec.name, findings, time.perf_counter() - begin)

    def finding(self, name: str) -> Finding:
        """One check's finding; those it depends on run before it."""
        if name not in self._findings:
            check = self.checks[name]
            lacking = next((need for need in check.needs if self._is_lacking(need)), None)
            if lacking is None:
                self._findings[name] = self._run(check)
            else:
                self._blocked.add(name)
                self._findings[name] = Finding(name, "skipped", check.expected, f"{lacking} has to hold first")
        return self._findings[name]

    def _is_lacking(self, need: str) -> bool:
        return self.finding(need).status == "failed" or need in self._blocked

    def _run(self, check: Check) -> Finding:
        subject = self.subject
        try:
            with _quietly(subject.deprecated):
                seen = _function(subject, check)(subject)
        except InapplicableError as reason:
            return Finding(check.name, "skipped", check.expected, str(reason))
        except UnmetError as problem:
            line = self._line_of(problem.__cause__) if problem.__cause__ else ""
            where = [line or place_of(problem.function or maker_of(subject.spec)), problem.where or check.where]
            return Finding(check.name, "failed", check.expected, problem.seen, "; ".join(filter(None, where)))
        except (Exception, SystemExit) as error:
            return Finding(check.name, "failed", check.expected, _told(error), self._line_of(error) or check.where)
        return Finding(check.name, "ok", check.expected, seen)

    def _line_of(self, error: BaseException) -> str:
        """The innermost line of the plugin's own source that the error went through; empty where it went through none.

        Of a plugin whose source is not known (a notebook's), the innermost line that is neither seqbench's nor a
        library's.
        """
        frames = traceback.extract_tb(error.__traceback__)
        folder = self.subject.origin.folder
        own = [frame for frame in frames if _is_own(frame.filename, folder)]
        if not own:
            return ""
        frame = own[-1]
        return f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {frame.line}"


def _is_own(file: str, folder: str) -> bool:
    if folder:
        return file.startswith(folder)
    return CORE not in Path(file).parents and not file.startswith(PYTHON) and "-packages" not in file


def _function(subject: ModelSubject | TaskSubject, check: Check) -> Callable[[Any], str]:
    """What checks it. Raises InapplicableError for what is only true of networks, or only of what fits itself."""
    if isinstance(subject, TaskSubject) or check.home in EITHER:
        found = check.function()
    elif subject.is_network:
        found = check.function() if check.home != ESTIMATORS else None
    else:
        found = check.function(ESTIMATORS)
    if found is None:
        is_network = isinstance(subject, ModelSubject) and subject.is_network
        raise InapplicableError("it is a network: it is given no targets" if is_network else FITS_ITSELF)
    return found


def _told(error: BaseException) -> str:
    text = f"{type(error).__name__}: {one_line(error)}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _named(kind: str, name: str) -> Any:
    """The installed model or task of that name. Raises ConfigError when there is none, with the reason if it failed."""
    from seqbench.registry import discover

    registry = discover()
    shelf: Any = registry.tasks if kind == "task" else registry.models
    if name not in shelf:
        raise ConfigError(f"there is no {kind} '{name}'{nearest(name, shelf)}")
    return shelf[name]


@contextlib.contextmanager
def _quietly(deprecated: set[str]) -> Iterator[None]:
    """While inside, no warning is shown and what is printed goes to stderr; the process is afterwards as before.

    deprecated: takes in the warnings of seqbench's own deprecations.
    """
    with restored(), warnings.catch_warnings(record=True) as seen, contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", DEPRECATION, DeprecationWarning)
        try:
            yield
        finally:
            deprecated.update(one_line(item.message) for item in seen if isinstance(item.message, Warning))
