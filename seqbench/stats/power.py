"""How likely a difference is to be found, and how many seeds it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqbench.stats.intervals import student_t

POWER = 0.8
"""Chance of finding a difference of the size that was seen, that `seeds_needed` asks for."""
MOST_SEEDS = 200


@dataclass(frozen=True)
class Variances:
    """What the variance of a difference is made of: `fixed + per_seed / seeds`.

    fixed: from the test set being finite, whatever the number of seeds; per_seed: of one seed of each side together.
    """

    fixed: float
    per_seed: float

    def at(self, seeds: int) -> float:
        """The variance with so many seeds of each side."""
        return self.fixed + self.per_seed / seeds


def power(difference: float, variance: float, level: float, degrees: float = math.inf) -> float:
    """The probability that a two-sided t test at `level` finds a true `difference`, in its direction.

    variance: of the estimated difference; degrees: of freedom of that variance. By the normal approximation of the
    non-central t distribution, which is within 0.02 from five degrees on.
    """
    from scipy.special import ndtr

    if variance <= 0:
        return 1.0 if difference else level / 2
    return float(ndtr(abs(difference) / math.sqrt(variance) - student_t(1 - level, degrees)))


def seeds_needed(difference: float, variances: Variances, level: float, now: int) -> int | None:
    """The smallest number of seeds above `now` with which a true `difference` is found with a chance of 80 %.

    None where no number up to 200 does: the test set is too small, or the difference too near to nothing.
    """
    for seeds in range(now + 1, MOST_SEEDS + 1):
        degrees = 2.0 * (seeds - 1) if variances.per_seed > 0 else math.inf
        share = variances.per_seed / seeds / variances.at(seeds) if variances.at(seeds) > 0 else 0.0
        if share > 0:
            degrees /= share**2
        if power(difference, variances.at(seeds), level, degrees) >= POWER:
            return seeds
    return None
