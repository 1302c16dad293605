"""What is checked: a model in small cases of each kind of input and output, or a task with its prepared data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.errors import ConfigError, SeqbenchError, SpecError
from seqbench.params import dump, field_names, validate
from seqbench.spec import Classes, Dense, Forecast, Input, ModelSpec, Output, TaskData, TaskSpec, Tokens
from seqbench.testing.findings import InapplicableError
from seqbench.testing.origins import Origin, origin_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from seqbench.sequences import SequenceSet
    from seqbench.spec import Predictor

FEATURES, VOCABULARY, VALUES = 3, 11, 2
LABELS = ("a", "b", "c")
LENGTHS = (8, 5, 3, 2, 6, 8, 4, 7)
"""Steps of the examples of a batch; of one step are those of a check of their own."""
TRAIN, VALIDATION = 48, 12
"""Examples that a model which fits itself is fitted to."""
NOTHING, STIRRED = 1e-3, 0.1
"""Below the first a parameter is switched off at the start; the second is the standard deviation in its place."""
OUTPUTS: tuple[Output, ...] = (Classes(LABELS), Forecast(VALUES))


@dataclass(frozen=True)
class Batch:
    """`x: float[batch, time, features]` or `long[batch, time]`, padded with zeros, and what goes with it."""

    x: torch.Tensor
    lengths: torch.Tensor
    targets: torch.Tensor

    def rows(self, *index: int) -> Batch:
        """The same with these rows alone, as wide as before."""
        rows = list(index)
        return Batch(self.x[rows], self.lengths[rows], self.targets[rows])


@dataclass(frozen=True)
class Case:
    """One kind of input with one kind of output."""

    spec: ModelSpec
    params: Mapping[str, Any]
    input: Input
    output: Output

    def __str__(self) -> str:
        """The kinds: `dense → classes`."""
        return f"{self.input.kind} → {self.output.kind}"

    def trouble(self) -> Exception | None:
        """What building, or fitting, raises; None when it does not."""
        try:
            if self.spec.fit is None:
                self.build()
            else:
                self.fitted()
        except (Exception, SystemExit) as error:
            return error if isinstance(error, Exception) else RuntimeError(f"exit({error})")
        return None

    def fitted(self) -> Predictor:
        """What fits itself, fitted as a cell of seed 0 would be. Raises what `fit` raises."""
        from seqbench.protocol import derive_seed
        from seqbench.testing.process_state import seed_generators

        if self.spec.fit is None:
            raise SpecError(f"model '{self.spec.name}' is a network")
        seed = derive_seed(0, "initialisation")
        seed_generators(seed % 2**32)
        params = validate(self.spec.params, self.params, f"models.{self.spec.name}")
        train, validation = self.split(TRAIN, "train"), self.split(VALIDATION, "validation")
        return self.spec.fit(train, validation, self.input, self.output, params, seed)

    def build(self, seed: int = 0, **params: Any) -> nn.Module:
        """The module as a cell with this seed would begin with it. Raises what `build` raises."""
        import torch

        from seqbench.cell import built

        module = built(self.spec, {**self.params, **params}, self.input, self.output, seed)
        torch.set_num_threads(1)  # whatever build has set: what is set is looked at elsewhere
        return module

    def stirred(self, seed: int = 0) -> nn.Module:
        """The module with random numbers in place of parameters that begin at nothing: what is switched off at
        the start (a gate, a head) must not hide what it will let through.
        """
        import torch
        from torch.nn.parameter import is_lazy

        module = self.build(seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in module.parameters():
                if is_lazy(parameter) or not parameter.is_floating_point() or not parameter.numel():
                    continue
                if float(parameter.abs().max()) < NOTHING:
                    drawn = torch.randn(parameter.shape, generator=generator) * STIRRED
                    parameter.copy_(drawn)
        return module

    @cached_property
    def still(self) -> nn.Module:
        """One stirred module in evaluation mode, for all checks that only look at it: building may take long."""
        return self.stirred().eval()

    def batch(self, lengths: tuple[int, ...] = LENGTHS, seed: int = 0) -> Batch:
        """Random sequences of these lengths with random targets; every label occurs."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        count, time = len(lengths), max(lengths)
        sizes = torch.tensor(lengths)
        is_padding = torch.arange(time) >= sizes[:, None]
        if isinstance(self.input, Dense):
            x = torch.randn((count, time, self.input.features), generator=generator)
            x = x.masked_fill(is_padding[..., None], 0)
        else:
            x = torch.randint(1, self.input.vocabulary, (count, time), generator=generator).masked_fill(is_padding, 0)
        if isinstance(self.output, Classes):
            targets = torch.arange(count) % self.output.size
        else:
            targets = torch.randn((count, self.output.size), generator=generator)
        return Batch(x, sizes, targets)

    def split(self, count: int, name: str, lengths: tuple[int, ...] = LENGTHS) -> SequenceSet:
        """Examples whose targets can be learned from their first values. name: what their ids begin with."""
        import numpy as np

        from seqbench.sequences import SequenceSet

        random = np.random.default_rng(sum(name.encode()))
        sizes = np.resize(lengths, count)
        if isinstance(self.input, Dense):
            features = self.input.features
            sequences = [random.normal(size=(size, features)).astype(np.float32) for size in sizes]
            first = np.array([sequence[0, 0] for sequence in sequences])
        else:
            sequences = [random.integers(1, self.input.vocabulary, size) for size in sizes]
            first = np.array([sequence[0] / self.input.vocabulary - 0.5 for sequence in sequences])
        if isinstance(self.output, Classes):
            targets = np.searchsorted(np.quantile(first, [1 / 3, 2 / 3]), first).clip(0, self.output.size - 1)
        else:
            targets = np.stack([first * (place + 1) for place in range(self.output.size)], 1).astype(np.float32)
        return SequenceSet.from_sequences(sequences, targets, [f"{name}-{place}" for place in range(count)])


@dataclass(frozen=True)
class ModelSubject:
    """A model with the parameters it is checked with.

    deprecated: what seqbench has warned of meanwhile. kept: what one check has found for another.
    """

    spec: ModelSpec
    params: Mapping[str, Any]
    deprecated: set[str] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def origin(self) -> Origin:
        """Where it comes from."""
        return origin_of(self.spec)

    @property
    def is_network(self) -> bool:
        """Does it build a network, or does it fit itself?"""
        return self.spec.fit is None

    @cached_property
    def attempts(self) -> tuple[tuple[Case, Exception | None], ...]:
        """Each kind of input that it accepts with each kind of output, and what making a model of it raised."""
        return tuple(
            (case, case.trouble())
            for given in (Dense(FEATURES), Tokens(VOCABULARY))
            if given.kind in self.spec.accepts
            for case in (Case(self.spec, self.params, given, output) for output in OUTPUTS)
        )

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Those that it does not refuse with a sentence (a regressor has no labels, say)."""
        return tuple(case for case, error in self.attempts if not isinstance(error, SeqbenchError))

    def has(self, name: str) -> bool:
        """Has it a parameter of that name that nobody has given a value here?"""
        return name in field_names(self.spec.params) and name not in self.params

    def variants(self) -> Iterator[Case]:
        """Further cases: one feature, one output, two labels, vectors that a task brings."""
        import numpy as np

        for case in self.cases:
            yield replace(case, output=Forecast(1) if isinstance(case.output, Forecast) else Classes(("a", "b")))
        first = self.cases[0]
        if isinstance(first.input, Dense):
            yield replace(first, input=Dense(1))
        if isinstance(self.cases[-1].input, Tokens):
            vectors = np.random.default_rng(0).normal(size=(VOCABULARY, 5)).astype(np.float32)
            yield replace(self.cases[-1], input=Tokens(VOCABULARY, vectors))


@dataclass
class TaskSubject:
    """A task with the source and parameters it is checked with; what was prepared of them is kept.

    seconds: that the first preparation took. deprecated: what seqbench has warned of meanwhile.
    """

    spec: TaskSpec
    source: str
    params: Mapping[str, Any]
    seconds: float = 0.0
    kept: dict[str, Any] = field(default_factory=dict)
    deprecated: set[str] = field(default_factory=set)

    @cached_property
    def origin(self) -> Origin:
        """Where it comes from."""
        return origin_of(self.spec)

    @property
    def parsed(self) -> Any:
        """The parameters as `prepare` gets them."""
        return validate(self.spec.params, self.params, f"tasks.{self.spec.name}")

    @cached_property
    def values(self) -> dict[str, Any]:
        """Every parameter's value, JSON-able."""
        return dump(self.spec.params, self.parsed)

    def prepare(self, source: str | None = None, params: Any = None) -> TaskData:
        """Prepare anew, with the global generators seeded alike each time. Raises what `prepare` raises."""
        from seqbench.cache import downloads_folder, made
        from seqbench.testing.process_state import seed_generators

        seed_generators(0)
        given = self.parsed if params is None else params
        return self.spec.prepare(self.source if source is None else source, given, made(downloads_folder()))

    @property
    def data(self) -> TaskData:
        """The data of the first preparation. Raises InapplicableError before there is any."""
        if "data" not in self.kept:
            raise InapplicableError("nothing could be prepared")
        found: TaskData = self.kept["data"]
        return found


def parameters(spec: ModelSpec | TaskSpec, params: Any) -> dict[str, Any]:
    """The parameters that were given, as values by name: of a mapping or of an instance of the spec's schema.

    Raises ConfigError for what the schema does not know.
    """
    where = f"{'tasks' if isinstance(spec, TaskSpec) else 'models'}.{spec.name}"
    if params is None:
        return {}
    if isinstance(params, Mapping):
        validate(spec.params, params, where)
        return dict(params)
    if not isinstance(params, spec.params):
        raise ConfigError(f"params of '{where}' are {params!r}: give {spec.params.__qualname__}, or a dict of values.")
    defaults = dump(spec.params, validate(spec.params, {}, where))
    return {key: value for key, value in dump(spec.params, params).items() if value != defaults.get(key)}


def place_of(function: Callable[..., Any]) -> str:
    """`file.py:line name`: where a function begins; empty where that is not known.

    Of a spec that an adapter made: where the user's function or class begins, if it is made of one.
    """
    thing = getattr(function, "__seqbench_adapted__", function)
    if isinstance(thing, type):
        return _place_of_class(thing)
    code = getattr(getattr(thing, "func", thing), "__code__", None)
    if code is None:
        return ""
    return f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_name}"


def _place_of_class(kind: type) -> str:
    try:
        line = inspect.getsourcelines(kind)[1]
        return f"{Path(inspect.getfile(kind)).name}:{line} {kind.__name__}"
    except (OSError, TypeError):  # of a notebook, or made by a program
        return ""
