"""Pairs of rows on the same test examples: permutation or Diebold-Mariano, widened by seeds; Holm over all pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqbench.stats.intervals import CHUNK, SEED
from seqbench.stats.power import Variances
from seqbench.stats.samples import Sample, Spread

Scores = NDArray[np.float64]

PERMUTATIONS = 9_999
FEWEST = 20
"""With fewer permutations as extreme as what was seen, the tail is the normal one of the same variance."""
MOST_DRAWS = 200_000_000


@dataclass(frozen=True)
class Comparison:
    """One sample against another.

    difference: mean of the one minus mean of the other. variance: of that difference; degrees: its degrees of freedom.
    variances: what it is made of, None where nothing is known of seeds.
    effect_size: the difference over the sd of per-example differences. p_value: two-sided; None where nothing is known.
    test: in words.
    """

    difference: float
    variance: float
    degrees: float
    p_value: float | None
    test: str
    variances: Variances | None = None
    effect_size: float | None = None
    scale: float | None = None


def compare(samples: Sequence[Sample], spreads: Sequence[Spread], pairs: Sequence[tuple[int, int]]) -> list[Comparison]:
    """Compare pairs of samples (by their numbers), all tested on the same examples, or all without any.

    The hypothesis is that both *procedures* score the same, over seeds and over test examples. Per-example differences
    of the means over seeds give the part of the examples: by random flips of their signs (a permutation test for
    pairs; Fisher 1935) or, for a series in time, by Diebold & Mariano (1995) with the correction of Harvey, Leybourne
    & Newbold (1997). The spread of seeds beyond that is added to the variance, and the tail is Student's with the
    degrees of freedom of the sum (Satterthwaite 1946). Where nothing is known of seeds, the answer is for the trained
    models as they are. Without examples, it is a t test over seeds.
    """
    if not pairs:
        return []
    found = []
    means = [sample.by_example for sample in samples if sample.by_example is not None]
    horizon = max(sample.horizon for sample in samples)
    permuted = _Permutations(np.stack(means)) if means and not horizon else None
    for one, other in pairs:
        parts = ((samples[one], spreads[one]), (samples[other], spreads[other]))
        if len(means) < len(samples):
            found.append(_by_seeds(parts))
        elif permuted is not None:
            found.append(_by_permutation(means[one] - means[other], permuted.means(one, other), parts))
        else:
            found.append(_by_time(means[one] - means[other], horizon, parts))
    return found


Part = tuple[Sample, Spread]


def degrees_of(examples_variance: float, count: int, parts: Sequence[Part]) -> float:
    """Of a variance from `count` examples, and from the seeds of each part, together; after Satterthwaite (1946)."""
    whole = examples_variance + of_seeds(parts)
    doubt = examples_variance**2 / max(count - 1, 1)
    shared = [spread.degrees for _, spread in parts if 0 < spread.degrees < math.inf]
    if shared:
        # The parts' variances are one estimate, or larger: what is wrong with the one is wrong with the other.
        doubt += sum(spread.variance / sample.seeds for sample, spread in parts) ** 2 / min(shared)
    return whole**2 / doubt if doubt > 0 else math.inf


def of_seeds(parts: Sequence[Part]) -> float:
    """The variance that new seeds would bring into the sum or difference of the parts' means."""
    return sum(spread.of_seeds / sample.seeds for sample, spread in parts)


def _by_permutation(differences: Scores, permuted: Scores, parts: Sequence[Part]) -> Comparison:
    mean, count = float(differences.mean()), len(differences)
    examples = float(np.square(differences).mean() / count)
    variance = examples + of_seeds(parts)
    if mean and examples > 0:
        # As many standard deviations of the permutations as the difference has of its whole spread.
        deviate = _deviate(permuted, abs(mean) * math.sqrt(examples / variance), math.sqrt(examples))
    else:
        deviate = 0.0
    return _compared(differences, examples, deviate, "permutation of per-example scores", parts)


def _by_time(differences: Scores, horizon: int, parts: Sequence[Part]) -> Comparison:
    examples = long_run_variance(differences, horizon)
    variance = examples + of_seeds(parts)
    mean = float(differences.mean())
    deviate = abs(mean) / math.sqrt(variance) if variance > 0 else 0.0
    return _compared(differences, examples, deviate, "Diebold-Mariano", parts)


def _compared(differences: Scores, examples: float, deviate: float, test: str, parts: Sequence[Part]) -> Comparison:
    is_known = all(spread.degrees > 0 for _, spread in parts)
    about = ", widened by the spread over seeds" if is_known else ", for the trained models as they are (one seed)"
    degrees = degrees_of(examples, len(differences), parts)
    sd = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    mean = float(differences.mean())
    return Comparison(
        difference=mean,
        variance=examples + of_seeds(parts),
        degrees=degrees,
        p_value=student_tail(deviate, degrees),
        test=test + about,
        variances=_made_of(examples, parts) if is_known else None,
        effect_size=mean / sd if sd > 0 else 0.0,
        scale=sd if sd > 0 else None,
    )


def _made_of(examples: float, parts: Sequence[Part]) -> Variances:
    """A difference's variance as a function of the number of seeds; what seeds err on by chance goes with them, too."""
    noise = sum(sample.noise / sample.seeds for sample, _ in parts)
    return Variances(
        max(0.0, examples - noise),
        sum(spread.of_seeds + (sample.noise if examples else 0.0) for sample, spread in parts if sample.is_random),
    )


def _by_seeds(parts: Sequence[Part]) -> Comparison:
    difference = parts[0][0].mean - parts[1][0].mean
    if any(spread.degrees <= 0 for _, spread in parts):
        return Comparison(difference, 0.0, 0.0, None, "none: one seed, and no per-example scores are kept")
    whole = [(sample, Spread(spread.variance, spread.variance, spread.degrees)) for sample, spread in parts]
    variance = of_seeds(whole)
    if variance <= 0:
        return Comparison(difference, 0.0, 0.0, None, "none: no per-example scores are kept, and no seed changes these")
    degrees = degrees_of(0.0, 1, whole)
    p_value = student_tail(abs(difference) / math.sqrt(variance), degrees)
    return Comparison(difference, variance, degrees, p_value, "t over seeds", _made_of(0.0, whole))


def student_tail(deviate: float, degrees: float) -> float:
    """The two-sided p-value of a statistic."""
    from scipy.special import ndtr, stdtr

    if not deviate:
        return 1.0
    deviate = abs(deviate)
    return float(2 * (ndtr(-deviate) if math.isinf(degrees) else stdtr(degrees, -deviate)))


def long_run_variance(differences: Scores, horizon: int) -> float:
    """The variance of the mean of `differences: float64[T]` in the order of time, for forecasts `horizon` ahead.

    With `horizon - 1` autocovariances (Diebold & Mariano 1995), weighted down linearly where these give no positive
    variance, and the correction of Harvey, Leybourne & Newbold (1997).
    """
    count = len(differences)
    if count < 2:
        return 0.0
    centred = differences - differences.mean()
    lags = min(horizon, count) - 1
    covariances = np.array([centred[lag:] @ centred[: count - lag] / count for lag in range(lags + 1)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:
        variance = covariances[0] + 2 * ((1 - np.arange(1, lags + 1) / (lags + 1)) * covariances[1:]).sum()
    steps = lags + 1
    correction = max((count + 1 - 2 * steps + steps * (steps - 1) / count) / count, 1 / count)
    return max(0.0, float(variance)) / count / correction


class _Permutations:
    """Means of `scores: float64[rows, examples]` under random signs, the same signs for all rows.

    The mean of a pair's differences under these signs is the difference of the two rows' means.
    """

    def __init__(self, scores: Scores) -> None:
        rows, count = scores.shape
        number = int(min(PERMUTATIONS, max(999, MOST_DRAWS // count)))
        generator = np.random.default_rng(SEED)
        self._means = np.empty((rows, number))
        step = max(1, CHUNK // count)
        for first in range(0, number, step):
            size = min(step, number - first)
            signs = generator.integers(0, 2, (size, count), dtype=np.int8).astype(np.float64)
            self._means[:, first : first + size] = scores @ (2 * signs - 1).T / count

    def means(self, one: int, other: int) -> Scores:
        """Of the differences between two rows."""
        return np.asarray(self._means[one] - self._means[other])


def _deviate(permuted: Scores, difference: float, deviation: float) -> float:
    """How many standard deviations of a normal distribution are as rare as so large a difference.

    deviation: the standard deviation of the permuted means.
    """
    from scipy.special import ndtri

    # Sums of the same numbers in another order differ by rounding.
    extreme = int((np.abs(permuted) >= difference * (1 - 1e-9)).sum())
    if extreme < FEWEST:
        return difference / deviation
    return float(-ndtri((extreme + 1) / (len(permuted) + 1) / 2))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values stepped down over all of a family (Holm 1979); None stays None and is no member of it."""
    from statsmodels.stats.multitest import multipletests

    known = [value for value in p_values if value is not None]
    adjusted = iter(multipletests(known, method="holm")[1].tolist() if known else ())
    return [None if value is None else float(next(adjusted)) for value in p_values]
