"""Checks that a plugin leaves the process as it found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.process_state import generator_states, restored, seed_generators, setting_values
from seqbench.testing.subjects import ModelSubject, TaskSubject

Subject = ModelSubject | TaskSubject

SEEDS = (11, 12)


def _live(subject: Subject) -> None:
    """All that a plugin does in a cell: it prepares; or it is built, trained for a step, and asked.

    What it raises is told by the check that is for it.
    """
    try:
        _lived(subject)
    except (Exception, SystemExit) as error:
        raise InapplicableError(f"it raised {type(error).__name__} before it was done") from error


def _lived(subject: Subject) -> None:
    if isinstance(subject, TaskSubject):
        from seqbench.cache import downloads_folder, made

        subject.spec.prepare(subject.source, subject.parsed, made(downloads_folder()))
        return
    from seqbench.testing.lives import live

    live(subject)


def no_global_random_state(subject: Subject) -> str:
    """Preparing touches no generator; a model may draw from them: the harness seeds them for each cell."""
    return _untouched(subject) if isinstance(subject, TaskSubject) else _unseeded(subject)


def _untouched(subject: TaskSubject) -> str:
    before = generator_states()
    _live(subject)
    touched = [name for name, state in generator_states().items() if before.get(name, state) != state]
    if touched:
        raise UnmetError(
            f"prepare draws from, or seeds, the global generator of {' and '.join(touched)}",
            "give prepare a generator of its own with a fixed seed: numpy.random.default_rng(seed)",
        )
    return "Python's, NumPy's and PyTorch's are as they were"


def _unseeded(subject: ModelSubject) -> str:
    """After two different seeds the generators differ still, and after the same seed they are the same."""
    after = []
    for seed in (*SEEDS, SEEDS[0]):
        seed_generators(seed)
        _live(subject)
        after.append(generator_states())
    one, other, again = after
    seeded = [name for name, state in one.items() if other.get(name) == state]
    if seeded:
        raise UnmetError(
            f"after two different seeds the generator of {' and '.join(seeded)} is in one and the same state"
        )
    unsteady = [name for name, state in one.items() if again.get(name, state) != state]
    if unsteady:
        raise UnmetError(f"after the same seed twice the generator of {' and '.join(unsteady)} is in two states")
    return "building, a step of training and a prediction draw from them and seed none"


def no_thread_settings(subject: Subject) -> str:
    """Threads are the same before and after."""
    return _unchanged(subject, of_threads=True)


def no_global_settings(subject: Subject) -> str:
    """Every other setting is the same before and after."""
    return _unchanged(subject, of_threads=False)


def deprecations(subject: Subject) -> str:
    """Of all checks before this one, and of discovery. No failure: what is deprecated works for some releases yet."""
    return f"deprecated: {'; '.join(sorted(subject.deprecated))}" if subject.deprecated else "none was told"


def _unchanged(subject: Subject, *, of_threads: bool) -> str:
    """What an import changes is not the plugin's doing, and happens once: what counts is changed twice."""
    if "changes" not in subject.kept:
        first = _changes(subject)
        again = _changes(subject) if any(found.changes for found in first.values()) else first
        subject.kept["changes"] = {kind: found.also_in(again[kind]) for kind, found in first.items()}
    found: _Changes = subject.kept["changes"][of_threads]
    if found.changes:
        raise UnmetError("; ".join(f"{name} ({change})" for name, change in found.changes.items()))
    return f"{found.looked_at} {'setting is' if found.looked_at == 1 else 'settings are'} as before"


@dataclass(frozen=True)
class _Changes:
    """What each setting has become that is another now, by its name. looked_at: how many settings there are."""

    changes: Mapping[str, str]
    looked_at: int

    def also_in(self, other: _Changes) -> _Changes:
        """Those that both have."""
        return _Changes({name: text for name, text in self.changes.items() if name in other.changes}, self.looked_at)


def _changes(subject: Subject) -> dict[bool, _Changes]:
    """After a cell's work, of settings of threads (True) and of all others (False)."""
    with restored():
        before = {kind: setting_values(of_threads=kind) for kind in (True, False)}
        _live(subject)
        after = {kind: setting_values(of_threads=kind) for kind in (True, False)}
    found = {}
    for kind, values in before.items():
        told = {name: _change(old, after[kind][name]) for name, old in values.items() if old != after[kind][name]}
        found[kind] = _Changes({name: text for name, text in told.items() if text}, len(values))
    return found


def _change(before: Any, after: Any) -> str:
    """What is another now; empty where something is only known now that was not before."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in before if name in after and before[name] != after[name]]
        if all(isinstance(value, str) for value in before.values()):  # of the environment, what is new counts as well
            names += [name for name in before.keys() ^ after.keys() if not name.startswith("KMP_")]
        return ", ".join(
            f"{name}: {before.get(name, 'absent')} → {after.get(name, 'absent')}" for name in sorted(names)
        )
    return f"{before} → {after}"
