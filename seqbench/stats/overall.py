"""Models over several tasks: ranks, interquartile means, probabilities of improvement, profiles, Nemenyi's test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seqbench.stats.intervals import CONFIDENCE, SEED

Scores = NDArray[np.float64]
Tasks = Mapping[str, Scores]
"""By task, `float64[runs]`: normalised scores of one model, higher is better."""

REPLICATES = 2000
TRIMMED = 0.25
"""From each end, for the interquartile mean."""


def normalised(scores: Sequence[Scores], means: Sequence[float], *, higher_is_better: bool) -> list[Scores]:
    """Scores of one task on a common scale: 0 is the worst mean of its board, 1 the best; all 0.5 where these agree."""
    low, high = (min(means), max(means)) if higher_is_better else (max(means), min(means))
    if low == high:
        return [np.full(len(values), 0.5) for values in scores]
    return [(np.asarray(values) - low) / (high - low) for values in scores]


def mean_ranks(table: Scores) -> Scores:
    """Mean ranks `float64[models]` of scores `float64[tasks, models]`, higher better, ties sharing the mean rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-table, axis=1).mean(axis=0))


def interquartile_mean(tasks: Tasks) -> tuple[float, float, float]:
    """The mean of the middle half of all runs of all tasks, with its 95 % interval.

    By a bootstrap stratified by task (Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical
    precipice", sections 4.2 and 4.3).
    """
    from scipy.stats import trim_mean

    generator = np.random.default_rng(SEED)
    drawn = np.concatenate([_resampled(scores, generator) for scores in tasks.values()], axis=1)
    value = float(trim_mean(np.concatenate(list(tasks.values())), TRIMMED))
    low, high = np.quantile(trim_mean(drawn, TRIMMED, axis=1), _ends())
    return value, float(low), float(high)


def improvement(one: Tasks, other: Tasks) -> tuple[float, float, float]:
    """The probability that a run of the one model is better than one of the other, averaged over tasks, with its
    95 % interval; a tie counts one half (Agarwal et al. 2021, section 4.3; per task it is Mann & Whitney's U over the
    number of pairs of runs).
    """
    generator = np.random.default_rng(SEED)
    values, drawn = [], np.zeros(REPLICATES)
    for task, scores in one.items():
        values.append(_superiority(scores[None], other[task][None])[0])
        drawn += _superiority(_resampled(scores, generator), _resampled(other[task], generator)) / len(one)
    low, high = np.quantile(drawn, _ends())
    return float(np.mean(values)), float(low), float(high)


def profile(tasks: Tasks, taus: Scores) -> Scores:
    """The share of runs with a score above each tau, averaged over tasks (Dolan & More 2002; Agarwal et al. 2021)."""
    shares = [(scores[:, None] > taus).mean(axis=0) for scores in tasks.values()]
    return np.asarray(np.mean(shares, axis=0))


def friedman(table: Scores) -> float:
    """The p-value of the hypothesis that all models are the same, of scores `float64[tasks, models]`.

    Friedman's test as Iman & Davenport (1980) have it: F = (N-1) chi2 / (N (k-1) - chi2) with k-1 and (k-1)(N-1)
    degrees of freedom (Demsar 2006, equation 2). chi2 is corrected for ties.
    """
    from scipy.special import fdtrc
    from scipy.stats import friedmanchisquare

    tasks, models = table.shape
    if bool((table == table[:, :1]).all()):
        return 1.0
    statistic = float(friedmanchisquare(*table.T).statistic)
    rest = tasks * (models - 1) - statistic
    if rest <= 0:
        return 0.0
    return float(fdtrc(models - 1, (models - 1) * (tasks - 1), (tasks - 1) * statistic / rest))


def critical_difference(models: int, tasks: int, level: float = 1 - CONFIDENCE) -> float:
    """The difference of mean ranks from which on two of `models` over `tasks` differ (Nemenyi 1963; Demsar 2006)."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - level, models, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(models * (models + 1) / (6 * tasks))


def _superiority(one: Scores, other: Scores) -> Scores:
    """Of each row, the share of pairs in which the one is greater, ties counting one half."""
    above = (one[:, :, None] > other[:, None, :]).mean(axis=(1, 2))
    return np.asarray(above + 0.5 * (one[:, :, None] == other[:, None, :]).mean(axis=(1, 2)))


def _resampled(scores: Scores, generator: np.random.Generator) -> Scores:
    return scores[generator.integers(0, len(scores), (REPLICATES, len(scores)))]


def _ends() -> list[float]:
    return [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
