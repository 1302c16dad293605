"""Models and tasks that a program or a notebook made, on their way to the processes that train."""

from __future__ import annotations

import copyreg
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from seqbench.errors import SpecError, one_line
from seqbench.hookspecs import hookimpl
from seqbench.spec import ModelSpec, TaskSpec

PROGRAM = "program"
"""In place of a distribution's name: the program that called `seqbench.run`."""


class OfferedPlugin:
    """What the registry asks, as it asks any plugin."""

    def __init__(self, models: Sequence[ModelSpec], tasks: Sequence[TaskSpec]) -> None:
        self._models, self._tasks = models, tasks

    @hookimpl
    def seqbench_models(self) -> Sequence[ModelSpec]:
        """The program's models."""
        return self._models

    @hookimpl
    def seqbench_tasks(self) -> Sequence[TaskSpec]:
        """The program's tasks."""
        return self._tasks


@dataclass(frozen=True)
class Offer:
    """Specs by value. payload: of this run's own processes, by cloudpickle; it is never written to a file.

    digests: by kind and name, the hash of each spec; part of its cells' keys. plugin: the specs themselves,
    in the process that made them.
    """

    payload: bytes = field(repr=False)
    digests: Mapping[tuple[str, str], str] = field(hash=False)
    plugin: OfferedPlugin | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, models: Sequence[ModelSpec], tasks: Sequence[TaskSpec], *, is_sent: bool = True) -> Offer:
        """Pack specs; not `is_sent` where all is run in this process.

        Raises SpecError, naming the spec, for one that cannot be sent to another process.
        """
        from seqbench.definition import definition_hash

        given: list[tuple[str, ModelSpec | TaskSpec]] = [("model", spec) for spec in models]
        given += [("task", spec) for spec in tasks]
        digests = {(kind, spec.name): definition_hash(spec) for kind, spec in given}
        payload = _packed(given) if is_sent else b""
        return cls(payload, digests, OfferedPlugin(models, tasks))

    def __reduce__(self) -> tuple[type[Offer], tuple[bytes, Mapping[tuple[str, str], str]]]:
        return type(self), (self.payload, self.digests)

    def load(self) -> OfferedPlugin:
        """The plugin, in whatever process this is."""
        if self.plugin is not None:
            return self.plugin
        import cloudpickle

        given = cloudpickle.loads(self.payload)
        return OfferedPlugin(*([spec for of, spec in given if of == kind] for kind in ("model", "task")))


def _name(name: str, sentinel: object) -> str:
    """How pickle is told that a sentinel is the global of that name."""
    return name


def _packed(given: Sequence[tuple[str, ModelSpec | TaskSpec]]) -> bytes:
    import cloudpickle

    # A dataclass made in a program keeps these by identity, which pickle does not by itself.
    for name in ("MISSING", "KW_ONLY"):
        copyreg.pickle(type(getattr(dataclasses, name)), partial(_name, name))
    for kind, spec in given:
        try:
            cloudpickle.dumps(spec)
        except Exception as error:
            raise SpecError(
                f"{kind} '{spec.name}' cannot be sent to worker processes ({one_line(error)}): make it in a file and "
                "give that with plugins=[...], or run with executor='inline'."
            ) from None
    packed: bytes = cloudpickle.dumps(given)
    return packed
