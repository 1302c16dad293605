"""Other people's modules, called so that padding changes nothing, and their outputs as a task wants them.

Imported inside `build` only: it imports torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from seqbench.errors import SpecError
from seqbench.nn import Pooling, last_state, resolve_pooling, size_for_budget
from seqbench.spec import Dense, Input, Output

Module = TypeVar("Module", bound=nn.Module)

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
TRIAL_STEPS = (8, 64, 512)
"""Lengths that a module is tried with, to see what it gives: convolutions may need more than a few steps."""


def takes_lengths(module: nn.Module, who: str) -> bool:
    """Does `forward` take `(x, lengths)`? Told by `len` in its second parameter's name.

    Raises SpecError where it needs a second argument of another name.
    """
    parameters = list(inspect.signature(module.forward).parameters.values())
    positional = [item for item in parameters if item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2:
        return False
    if "len" in positional[1].name.lower():
        return True
    if positional[1].default is inspect.Parameter.empty:
        raise SpecError(
            f"{who}: forward needs '{positional[1].name}' beside x: let it take (x, lengths), or x alone, or say "
            "lengths=True if these are the lengths"
        )
    return False


def sized_by_budget(make: Callable[[int], Module], budget: int) -> Module:
    """`make(size)` of the size for which it has about `budget` parameters, embeddings left out.

    Modules are counted as they are, not on the meta device: other people's may look at their numbers when they are
    made. What is made for counting uses up no random number.
    """

    def counted(size: int) -> Module:
        with torch.device("cpu"), torch.random.fork_rng(devices=[]):
            return make(size)

    return make(size_for_budget(counted, budget))


def fitted_to(module: Any, input: Input, output: Output, who: str) -> Any:
    """A module whose `forward` takes `(x, lengths)` as it is; one that takes x alone, wrapped."""
    if not isinstance(module, nn.Module) or takes_lengths(module, who):
        return module
    return Wrapped(module, input, output, takes_lengths=False, has_output=True, who=who)


class Wrapped(nn.Module):
    """A module with what it lacks: `forward(x, lengths) -> float[batch, output.size]`, and padding changes nothing.

    input: what the module itself reads. embedding: of tokens, before it. takes_lengths: is it called with `(x,
    lengths)` or with x alone, then by groups of one length? has_output: was it told the output's size? pooling: of
    states over time. A linear head is put on what does not have the output's size.

    A module that needs a few steps (a convolution) gets shorter sequences with zeros after them, always to the same
    number of steps, found by trying. In training a group of one sequence is batch-normalised as in evaluation.
    """

    def __init__(
        self,
        module: nn.Module,
        input: Input,
        output: Output,
        *,
        takes_lengths: bool,
        has_output: bool,
        who: str,
        embedding: nn.Embedding | None = None,
        pooling: str = "last",
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.module = module
        self.embedding = embedding
        self.takes_lengths = takes_lengths
        self.output_size = output.size
        self.who = who
        self.is_time_first = getattr(module, "batch_first", True) is False
        given, self.least_steps = self._tried(input)
        mode = resolve_pooling(pooling, output)
        is_over_time = given.dim() == 3
        self.pooling = Pooling(mode, given.shape[-1]) if is_over_time else None
        size = self.pooling.size if self.pooling is not None else given.shape[-1]
        needs_head = not has_output or (is_over_time and size != output.size)
        self.head = nn.Linear(size, output.size) if needs_head else None
        own = getattr(module, "configuration", None)
        known = dict(own) if isinstance(own, Mapping) else {}
        self.configuration: dict[str, Any] = {**known, **(configuration or {})}
        if is_over_time:
            self.configuration["pooling"] = mode
        if self.least_steps > 1:
            self.configuration["least_steps"] = self.least_steps
        if not needs_head and size != output.size:
            raise SpecError(f"{who}: it gives {size} numbers per example, the task wants {output.size}")

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`x: float[batch, time, features]` or `long[batch, time]`, right-padded; `lengths: long[batch]`."""
        if self.embedding is not None:
            x = self.embedding(x)
        scores = self._by_length(x, lengths) if not self.takes_lengths else self._padded(x, lengths)
        if scores.shape != (len(x), self.output_size):
            raise ValueError(
                f"{self.who}: it gave {tuple(scores.shape)} for {len(x)} sequences, expected "
                f"{(len(x), self.output_size)}"
            )
        return scores

    def states(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`float[batch, time, size]`, of a causal model: its own `states`, or what it gives at each step."""
        if self.embedding is not None:
            x = self.embedding(x)
        own = getattr(self.module, "states", None)
        found: Tensor = own(x, lengths) if callable(own) else self._called(x, lengths)
        if found.dim() != 3:
            raise ValueError(f"{self.who}: it gives nothing step by step: a causal model needs a method states")
        return found

    def _padded(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self._scores(self._called(x, lengths), lengths)

    def _by_length(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The module sees sequences of one length at a time, without any padding."""
        found = sorted(set(lengths.tolist()))
        if len(found) == 1:
            return self._of_one_length(x[:, : found[0]], lengths)
        rows = [(lengths == length).nonzero()[:, 0] for length in found]
        parts = [
            self._of_one_length(x[index, :length], lengths[index]) for index, length in zip(rows, found, strict=True)
        ]
        return torch.cat(parts)[torch.cat(rows).argsort()]

    def _of_one_length(self, x: Tensor, lengths: Tensor) -> Tensor:
        missing = self.least_steps - x.shape[1]
        if missing > 0:
            x = torch.cat([x, x.new_zeros(len(x), missing, *x.shape[2:])], 1)
        norms = [part for part in self.module.modules() if isinstance(part, BATCH_NORMS) and part.training]
        if len(x) > 1 or not norms:
            return self._scores(self._called(x, lengths), lengths)
        for part in norms:  # one sequence has no statistics
            part.eval()
        try:
            return self._scores(self._called(x, lengths), lengths)
        finally:
            for part in norms:
                part.train()

    def _called(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What the module gives, batch first: `[batch, size]` or `[batch, time, size]`."""
        if self.is_time_first:
            x = x.transpose(0, 1)
        given = self.module(x, lengths) if self.takes_lengths else self.module(x)
        while isinstance(given, (tuple, list)) and given:
            given = given[0]
        if not isinstance(given, Tensor):
            raise TypeError(f"{self.who}: forward gave {type(given).__name__}, expected a tensor")
        if self.is_time_first and given.dim() == 3:
            given = given.transpose(0, 1)
        return given.reshape(len(lengths), -1) if given.dim() < 2 else given

    def _scores(self, given: Tensor, lengths: Tensor) -> Tensor:
        if self.pooling is not None and given.dim() == 2:  # squeezed: a batch of one, or sequences of one step
            given = given[None] if len(lengths) == 1 else given[:, None]
        if given.dim() == 3:
            if self.pooling is None:
                raise ValueError(f"{self.who}: forward gave {tuple(given.shape)} now, two dimensions before")
            if not self.takes_lengths:  # all of one length, which strides may have shortened
                lengths = torch.full_like(lengths, given.shape[1])
            given = self.pooling(given, last_state(given, lengths), lengths)
        return given if self.head is None else self.head(given)

    def _tried(self, input: Input) -> tuple[Tensor, int]:
        """What the module gives for three made-up sequences, and the fewest steps that it can read.

        No random number of the caller's is used up.
        """
        was_training = self.module.training
        self.module.eval()
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                given, steps = self._tried_with(input)
                return given, 1 if self.takes_lengths else self._fewest(input, steps)
        finally:
            self.module.train(was_training)

    def _trial(self, input: Input, steps: int) -> Tensor:
        shape = (3, steps)
        x = torch.randn(*shape, input.features) if isinstance(input, Dense) else torch.ones(shape, dtype=torch.long)
        return self._called(x, torch.full((3,), steps))

    def _fewest(self, input: Input, most: int) -> int:
        """The fewest steps that the module reads without an error; it reads `most`."""
        low, high = 0, most
        while high - low > 1:
            steps = 1 if low == 0 else (low + high) // 2
            try:
                self._trial(input, steps)
            except Exception:
                low = steps
            else:
                high = steps
        return high

    def _tried_with(self, input: Input) -> tuple[Tensor, int]:
        problem: Exception | None = None
        for steps in TRIAL_STEPS:
            try:
                given = self._trial(input, steps)
            except Exception as error:
                problem = problem or error
                continue
            if given.dim() in (2, 3) and len(given) == 3:
                return given, steps
            raise SpecError(
                f"{self.who}: forward gives {tuple(given.shape)} for 3 sequences of {steps} steps: expected [batch, "
                "output_size] or [batch, time, features]"
            )
        raise SpecError(
            f"{self.who}: forward cannot read x: {'float' if isinstance(input, Dense) else 'long'}[batch, time"
            f"{', features' if isinstance(input, Dense) else ''}] ({type(problem).__name__}: {problem})"
        ) from problem
