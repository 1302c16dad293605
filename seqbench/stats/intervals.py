"""Means with their intervals: Student's over seeds alone, and the hierarchical bootstrap over seeds and examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqbench.stats.samples import Sample, Spread

    Scores = NDArray[np.float64]

CONFIDENCE = 0.95
LEVEL = 0.05
"""The error of a test, over all that is tested together."""
REPLICATES = 2000
"""Of a bootstrap: enough that an end of the interval varies by about 3 % of its width."""
SEED = 20_240_229
"""Of every resampling: the same records give the same board."""
CHUNK = 1 << 22
"""Draws at once, so that a large test set needs no large memory."""


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


def student_t(confidence: float, degrees: float) -> float:
    """The two-sided critical value of Student's t distribution."""
    from scipy.special import ndtri, stdtrit

    if math.isinf(degrees):
        return float(ndtri(0.5 + confidence / 2))
    return float(stdtrit(degrees, 0.5 + confidence / 2))


def bootstrap_means(samples: Sequence[Sample], spreads: Sequence[Spread]) -> Scores:
    """Replicates of each sample's mean: `float64[samples, REPLICATES]`. All samples have the same test examples.

    Hierarchical: seeds, then test examples. Examples are drawn with replacement, the same ones for all samples and
    seeds, because all were tested on the same set; of a series in time, blocks of consecutive moments are drawn
    (circular blocks, Politis & Romano 1992; as long as the horizon, or the cube root of the number of moments). To
    each replicate is added the mean of as many seeds as there are, drawn from the deviations of the seeds, which are
    scaled to the variance that is due to seeds (the reflated residuals of Carpenter, Goldstein & Rasbash 2003). Plain
    resampling of three seeds would have them vary too little, and count chance in the test set twice.
    """
    import numpy as np

    stacked = np.stack([sample.by_example for sample in samples if sample.by_example is not None])
    horizon = max(sample.horizon for sample in samples)
    replicates = _example_means(stacked, horizon)
    generator = np.random.default_rng(SEED)
    for row, (sample, spread) in enumerate(zip(samples, spreads, strict=True)):
        replicates[row] += _seed_deviations(sample, spread, generator)
    return replicates


def _example_means(scores: Scores, horizon: int) -> Scores:
    import numpy as np

    count = scores.shape[1]
    length = min(count, max(horizon, math.ceil(count ** (1 / 3)))) if horizon else 1
    blocks = -(-count // length)
    # A block's sum is all that is needed of it; the last block may be longer than what is missing, so means divide.
    ends = np.cumsum(np.concatenate([scores, scores[:, :length]], axis=1), axis=1)
    starts = np.concatenate([np.zeros((len(scores), 1)), ends], axis=1)
    sums = (starts[:, length : length + count] - starts[:, :count]) if length > 1 else scores
    generator = np.random.default_rng(SEED)
    found = np.empty((len(scores), REPLICATES))
    step = max(1, CHUNK // count)
    for first in range(0, REPLICATES, step):
        number = min(step, REPLICATES - first)
        drawn = generator.integers(0, count, (number, blocks))
        flat = drawn + count * np.arange(number)[:, None]
        weights = np.bincount(flat.ravel(), minlength=number * count).reshape(number, count)
        found[:, first : first + number] = sums @ weights.T.astype(np.float64) / (blocks * length)
    return found


def _seed_deviations(sample: Sample, spread: Spread, generator: np.random.Generator) -> Scores:
    """`float64[REPLICATES]`: how far the mean over as many new seeds would be from this one."""
    import numpy as np

    if spread.of_seeds <= 0:
        return np.zeros(REPLICATES)
    deviations = sample.by_seed - sample.mean
    size = float(np.sqrt(np.square(deviations).mean()))
    if size <= 0:
        return generator.normal(0.0, math.sqrt(spread.of_seeds / sample.seeds), REPLICATES)
    drawn = deviations[generator.integers(0, sample.seeds, (REPLICATES, sample.seeds))].mean(axis=1)
    return np.asarray(drawn * math.sqrt(spread.of_seeds) / size)


def interval(replicates: Scores, mean: float, degrees: float) -> tuple[float, float]:
    """The 95 % percentile interval around `mean`, widened from the normal to Student's t with `degrees`.

    A bootstrap has the tails of a normal distribution even where the spread is known from three seeds only.
    """
    import numpy as np

    low, high = np.quantile(replicates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    wider = student_t(CONFIDENCE, degrees) / student_t(CONFIDENCE, math.inf)
    centre = float(replicates.mean())
    return mean - wider * (centre - float(low)), mean + wider * (float(high) - centre)
