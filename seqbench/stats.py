"""Statistics of a board: pure functions over numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean of a metric over seeds, its sample standard deviation, and the interval of the mean.

    sd, ci_low, ci_high are None with fewer than two values: one seed says nothing about its own spread.
    """

    mean: float
    sd: float | None
    ci_low: float | None
    ci_high: float | None


def summarise(values: Sequence[float]) -> Summary:
    """Mean, sample sd (n - 1) and 95 % Student t interval of the mean (Student 1908) over seeds."""
    count = len(values)
    mean = fmean(values)
    if count < 2:
        return Summary(mean, None, None, None)
    sd = stdev(values)
    half = student_t(CONFIDENCE, count - 1) * sd / math.sqrt(count)
    return Summary(mean, sd, mean - half, mean + half)


def student_t(confidence: float, degrees: int) -> float:
    """The two-sided critical value of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2))
