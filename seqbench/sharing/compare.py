"""Two records of one cell: do they say the same? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqbench.records import CellRecord

MACHINE = ("cpu", "device", "system", "torch", "numpy", "python")
"""Facts of a record's environment that explain why the same cell may come out differently."""
MOST_TOLD = 3
"""Of more differing metrics only so many are told."""


def differences(own: CellRecord, other: CellRecord) -> tuple[str, ...]:
    """What differs between two records of the same key, in words; empty when both say the same, bit for bit.

    Not compared is what may honestly differ: clocks, peak memory, the machine, where the data lay, notes of its
    preparation (which may name files), and which version of seqbench wrote the record. What decides the result is in
    the key, and so the same.
    """
    if own.status != other.status:
        return (f"status {own.status} here, {other.status} there",)
    if own.failure or other.failure:
        kinds = [record.failure.type if record.failure else "none" for record in (own, other)]
        return () if kinds[0] == kinds[1] else (f"failure {kinds[0]} here, {kinds[1]} there",)
    found = [*_metrics(own, other), *_history(own, other), *_rest(own, other)]
    return tuple(found)


def explained(own: CellRecord, other: CellRecord) -> str:
    """How the machines of two records differ, to say beside what differs; empty where they do not."""
    pairs = [(name, own.environment.get(name), other.environment.get(name)) for name in MACHINE]
    found = [f"{name} {_short(mine)} here, {_short(theirs)} there" for name, mine, theirs in pairs if mine != theirs]
    if "rescored" in own.provenance or "rescored" in other.provenance:
        found.append("metrics were computed again from stored predictions")
    return "; ".join(found)


def same_number(one: float | None, other: float | None) -> bool:
    """Bit for bit the same for what metrics are for: NaN is NaN, and nothing is nothing."""
    if one is None or other is None:
        return one is other
    return one == other or (one != one and other != other)  # noqa: PLR0124 - only NaN is not itself


def _metrics(own: CellRecord, other: CellRecord) -> list[str]:
    """The primary metric first, then those that are furthest apart."""
    names = sorted({*own.metrics, *other.metrics}, key=lambda name: (name != own.primary, name))
    differing = [name for name in names if not same_number(own.metrics.get(name), other.metrics.get(name))]
    found = [_metric(name, own.metrics.get(name), other.metrics.get(name)) for name in differing[:MOST_TOLD]]
    if len(differing) > MOST_TOLD:
        found.append(f"and {len(differing) - MOST_TOLD} more metrics")
    return found


def _metric(name: str, mine: float | None, theirs: float | None) -> str:
    if mine is None or theirs is None:
        return f"{name} only {'here' if theirs is None else 'there'}"
    return f"{name} {mine:.6g} here, {theirs:.6g} there (by {abs(mine - theirs):.2g})"


def _history(own: CellRecord, other: CellRecord) -> list[str]:
    """The first epoch that went otherwise."""
    pairs = zip(own.reproducible()["history"], other.reproducible()["history"], strict=False)
    for number, (mine, theirs) in enumerate(pairs, 1):
        differing = [name for name in mine if not same_number(mine[name], theirs[name])]
        if differing:
            return [
                f"training from epoch {number} on ({_metric(differing[0], mine[differing[0]], theirs[differing[0]])})"
            ]
    if len(own.history) != len(other.history):
        return [f"{len(own.history)} epochs here, {len(other.history)} there"]
    return []


def _rest(own: CellRecord, other: CellRecord) -> list[str]:
    """What else a run of the same cell has in common, whatever the machine."""
    names = ("primary", "higher_is_better", "best_epoch", "output", "configuration")
    found = [name for name in names if getattr(own, name) != getattr(other, name)]
    found += [f"costs.{name}" for name in ("parameters", "macs") if _cost(own, name) != _cost(other, name)]
    found += [f"data.{name}" for name in ("fingerprint", "sizes") if own.data.get(name) != other.data.get(name)]
    return [f"{name.replace('_', ' ')} differs" for name in found]


def _cost(record: CellRecord, name: str) -> Any:
    return getattr(record.costs, name)


def _short(value: Any) -> str:
    text = str(dict(value) if isinstance(value, Mapping) else value)
    return text if len(text) <= 60 else text[:59] + "…"
