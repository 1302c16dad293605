"""How many more seeds would settle the open ties of a board. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqbench.board import Board, Pair
from seqbench.stats import Variances, seeds_needed

LEVEL = 0.05


@dataclass(frozen=True)
class Open:
    """A pair of models that the data cannot tell apart.

    seeds: how many each needs, so that a true difference as large as the one seen is found with a chance of 80 %, at
    the level that Holm's first step asks of it; None where no number up to 200 is enough, or nothing is known. why: in
    words, where it is None.
    """

    pair: Pair
    seeds: int | None
    why: str = ""


def open_pairs(board: Board, *, all_pairs: bool = False) -> list[Open]:
    """The ties of trained models for a place in the first tie group; all ties of trained models with `all_pairs`."""
    trained = {row.model: row for row in board.rows if not row.is_baseline and row.rank is not None}
    first = {name for name, row in trained.items() if row.rank == 1}
    level = LEVEL / max(1, len(board.pairs))
    return [
        _opened(pair, level)
        for pair in board.pairs
        if not pair.is_different
        and {pair.one, pair.other} <= trained.keys()
        and (all_pairs or {pair.one, pair.other} <= first)
    ]


def _opened(pair: Pair, level: float) -> Open:
    if pair.fixed_variance is None or pair.seed_variance is None:
        return Open(pair, None, "one seed tells nothing of the spread: run three or more first")
    if not pair.difference:
        return Open(pair, None, "there is no difference")
    variances = Variances(pair.fixed_variance, pair.seed_variance)
    seeds = seeds_needed(pair.difference, variances, level, min(pair.seeds))
    if seeds is not None:
        return Open(pair, seeds)
    if pair.examples and seeds_needed(pair.difference, Variances(0.0, variances.per_seed), level, min(pair.seeds)):
        return Open(pair, None, f"{pair.examples} test examples are too few for so small a difference")
    return Open(pair, None, "the difference is too small beside the spread over seeds")


def wanted_seeds(found: Sequence[Open]) -> dict[str, int]:
    """By model, the seeds that settle all of its ties that seeds can settle."""
    needed: dict[str, int] = {}
    for one in found:
        for model in (one.pair.one, one.pair.other) if one.seeds is not None else ():
            needed[model] = max(needed.get(model, 0), one.seeds or 0)
    return needed
