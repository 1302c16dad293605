"""Checks of what `build` gives, and of what it does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqbench.errors import SeqbenchError, one_line
from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.subjects import Case, ModelSubject
from seqbench.testing.watch import watched

if TYPE_CHECKING:
    import torch
    from torch import nn

BUDGET = 20_000
"""At least: with fewer parameters one unit more or less is much of a budget."""
MOST, LEAST = 1.1, 0.5
"""Of the budget."""
DEPTH = 4
"""How deep in lists and dicts parameters are looked for that are not registered."""


def builds(subject: ModelSubject) -> str:
    """Every case can be made, or is refused with a sentence; not all of an input that it says it accepts."""
    refused = []
    for case, error in subject.attempts:
        if isinstance(error, SeqbenchError):
            refused.append(f"{case} ({one_line(error)})")
        elif error is not None:
            raise error
    if {case.input.kind for case in subject.cases} != set(subject.spec.accepts):
        raise UnmetError(f"it refuses an input that it accepts: {'; '.join(refused)}", "ModelSpec.accepts")
    return ", ".join(map(str, subject.cases)) + (f"; refused: {'; '.join(refused)}" if refused else "")


def no_file_or_network_in_build(subject: ModelSubject) -> str:
    """Building, once all is imported, asks for nothing outside."""
    for case in subject.cases:
        with watched(subject.origin.folder) as seen:
            case.build()
        if seen:
            what, where = seen[0]
            more = f", and {len(seen) - 1} more" if len(seen) > 1 else ""
            raise UnmetError(f"build {what} at {where}{more}" if where else f"build {what}{more}")
    return f"{len(subject.cases)} builds watched"


def parameters_found(subject: ModelSubject) -> str:
    """There are trainable parameters, and none that `parameters()` does not know."""
    from torch.nn.parameter import is_lazy

    counts = []
    for case in subject.cases:
        module = case.still
        known = {id(item) for item in module.parameters()}
        lazy = [name for name, item in module.named_parameters() if is_lazy(item)]
        if lazy:
            raise UnmetError(f"{case}: '{lazy[0]}' has no shape before the first batch", "build layers of known sizes")
        for path, found in unregistered(module):
            if found.requires_grad and id(found) not in known:
                raise UnmetError(f"{case}: '{path}' is trainable but no registered parameter: it would never learn")
        count = sum(item.numel() for item in module.parameters() if item.requires_grad)
        if not count:
            raise UnmetError(f"{case}: the module has no trainable parameter")
        counts.append(f"{case} {count:,}")
    return "; ".join(counts)


def unregistered(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor that a module holds beside its parameters and buffers: in lists, in dicts, in modules in such."""
    known = {id(item) for item in (*module.parameters(), *module.buffers())}
    hidden = {"_parameters", "_buffers", "_modules"}
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            if key in hidden:
                continue
            for path, tensor in _tensors(value, f"{name}.{key}" if name else key, DEPTH):
                if id(tensor) not in known:
                    yield path, tensor


def _tensors(value: Any, path: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, torch.nn.Module):
        yield from ((f"{path}.{name}", item) for name, item in value.named_parameters())
    elif depth and isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _tensors(item, f"{path}[{place}]", depth - 1)
    elif depth and isinstance(value, dict):
        for key, item in value.items():
            yield from _tensors(item, f"{path}[{key!r}]", depth - 1)


def within_budget(subject: ModelSubject) -> str:
    """The model's own budget (at least 20,000) and twice as much are used, and not exceeded by more than a tenth."""
    from seqbench.params import field_names, validate

    if "parameter_budget" not in field_names(subject.spec.params):
        raise InapplicableError("it has no parameter 'parameter_budget': its size is its own")
    parsed = validate(subject.spec.params, subject.params, f"models.{subject.spec.name}")
    budget = max(BUDGET, int(getattr(parsed, "parameter_budget", None) or 0))
    return "; ".join(_used(subject, case, budget) for case in subject.cases)


def _used(subject: ModelSubject, case: Case, budget: int) -> str:
    from seqbench.nn import parameter_count

    counts = [parameter_count(case.build(parameter_budget=asked)) for asked in (budget, 2 * budget)]
    if subject.params and counts[0] == counts[1]:
        raise InapplicableError("with the parameters given its size is not the budget's")
    for asked, count in zip((budget, 2 * budget), counts, strict=True):
        if count > MOST * asked:
            raise UnmetError(f"{case}: {count:,} parameters with a budget of {asked:,}")
        if count < LEAST * asked:
            raise UnmetError(f"{case}: only {count:,} parameters with a budget of {asked:,}")
    return f"{case} {counts[0]:,} of {budget:,}"
