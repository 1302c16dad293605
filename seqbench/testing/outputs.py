"""Checks of outputs: shape, and what they must not depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.lives import outputs
from seqbench.testing.subjects import LENGTHS, Batch, Case, ModelSubject

if TYPE_CHECKING:
    import torch

RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""What sums in another order may differ."""
FURTHER = 5
"""Steps of padding that are added."""


def output_shape(subject: ModelSubject) -> str:
    """Of each case and of variants of it, for batches of eight and of one."""
    seen = []
    for case in (*subject.cases, *subject.variants()):
        module = case.still
        for batch in (case.batch(), case.batch(LENGTHS[:1])):
            found = outputs(module, batch)
            expected = (len(batch.lengths), case.output.size)
            _check_shape(case, batch, found, expected)
        seen.append(f"{case} {list(expected)}")
    return f"{len(seen)} cases, batches of {len(LENGTHS)} and of 1"


def _check_shape(case: Case, batch: Batch, found: object, expected: tuple[int, int]) -> None:
    import torch

    given = f"{case}, x {list(batch.x.shape)}"
    if not isinstance(found, torch.Tensor):
        raise UnmetError(f"{given}: forward gave {type(found).__name__}, not a tensor", "give the scores alone")
    if tuple(found.shape) != expected:
        raise UnmetError(f"{given}: outputs {list(found.shape)} where {list(expected)} are expected")
    if not found.is_floating_point():
        raise UnmetError(f"{given}: outputs are {found.dtype}", "give scores, not labels")
    if not torch.isfinite(found).all():
        raise UnmetError(f"{given}: outputs that are not finite", "what is divided by, or taken the logarithm of")


def evaluation_is_deterministic(subject: ModelSubject) -> str:
    """Two passes, one after the other."""
    for case in subject.cases:
        module, batch = case.still, case.batch()
        agree(outputs(module, batch), outputs(module, batch), f"{case}: two passes over one batch")
    return "two passes agree"


def length_one(subject: ModelSubject) -> str:
    """Batches of one step, and one step beside eight."""
    for case in subject.cases:
        module = case.still
        for lengths in ((1,), (1, 1, 1), (8, 1, 3)):
            batch = case.batch(lengths)
            _check_shape(case, batch, outputs(module, batch), (len(lengths), case.output.size))
    return "lengths [1], [1, 1, 1] and [8, 1, 3]"


def padding_invariance(subject: ModelSubject) -> str:
    """The whole batch padded further, then each example with its padding and without."""
    from torch.nn.functional import pad

    for case in subject.cases:
        module, batch = case.still, case.batch()
        wider = pad(batch.x, (0, FURTHER) if batch.x.dim() == 2 else (0, 0, 0, FURTHER))
        further = Batch(wider, batch.lengths, batch.targets)
        agree(outputs(module, batch), outputs(module, further), f"{case}: {FURTHER} more steps of padding")
        for row, length in enumerate(LENGTHS):
            padded = batch.rows(row)
            bare = Batch(padded.x[:, :length], padded.lengths, padded.targets)
            what = f"{case}: {len(batch.x[0]) - length} steps of padding after {length}"
            agree(outputs(module, bare), outputs(module, padded), what)
    return f"lengths {list(LENGTHS)}, padded to {max(LENGTHS)} and to {max(LENGTHS) + FURTHER}"


def batch_order_invariance(subject: ModelSubject) -> str:
    """Reversed, and turned by three."""
    count = len(LENGTHS)
    orders = (tuple(range(count))[::-1], tuple((place + 3) % count for place in range(count)))
    for case in subject.cases:
        module, batch = case.still, case.batch()
        together = outputs(module, batch)
        for order in orders:
            agree(together[list(order)], outputs(module, batch.rows(*order)), f"{case}: examples in another order")
    return f"{len(orders)} orders of {count} examples"


def batch_size_invariance(subject: ModelSubject) -> str:
    """The first one, two and seven examples of a batch, and a batch twice over; as wide as before."""
    count = len(LENGTHS)
    for case in subject.cases:
        module, batch = case.still, case.batch()
        together = outputs(module, batch)
        for size in (1, 2, count - 1):
            found = outputs(module, batch.rows(*range(size)))
            agree(together[:size], found, f"{case}: {size} of {count} examples")
        twice = outputs(module, batch.rows(*range(count), *range(count)))
        agree(together, twice[:count], f"{case}: a batch of {2 * count}")
    return f"batches of 1, 2, {count - 1} and {2 * count} against one of {count}"


def causality(subject: ModelSubject) -> str:
    """States before a step stay as they are when that step and all later ones change."""
    import torch

    if not subject.spec.causal:
        raise InapplicableError("it is not declared causal")
    for case in subject.cases:
        module = case.still
        states = getattr(module, "states", None)
        if not callable(states):
            raise UnmetError(
                f"{case}: {type(module).__name__} has no method states(x, lengths)",
                "seqbench.nn.SequenceModel has it; or leave out causal=True",
            )
        one, other = (case.batch((8,) * 4, seed) for seed in (0, 1))
        with torch.no_grad():
            before = states(one.x, one.lengths)
            if before.dim() != 3 or tuple(before.shape[:2]) != (4, 8):
                raise UnmetError(f"{case}: states {list(before.shape)} where [4, 8, size] is expected")
            for step in (1, 4, 7):
                mixed = torch.cat([one.x[:, :step], other.x[:, step:]], 1)
                after = states(mixed, one.lengths)
                agree(before[:, :step], after[:, :step], f"{case}: states before step {step}, later steps changed")
    return "steps from 1, 4 and 7 on changed"


def agree(
    one: torch.Tensor, other: torch.Tensor, what: str, relative: float = RELATIVE, absolute: float = ABSOLUTE
) -> None:
    """Raises UnmetError, with how far they are apart, where two outputs differ by more than rounding."""
    import torch

    if one.shape != other.shape:
        raise UnmetError(f"{what}: outputs {list(one.shape)} and {list(other.shape)}")
    if torch.allclose(one, other, rtol=relative, atol=absolute):
        return
    apart = float((one - other).abs().max())
    size = float(one.abs().mean())
    raise UnmetError(f"{what}: outputs differ by up to {apart:.3g}, where they are about {size:.3g}")
