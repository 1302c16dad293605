"""Paired tests and intervals: against known values, and by how often they are wrong on simulated boards."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import permutation_test, ttest_1samp

from seqbench.stats import (
    Sample,
    Spread,
    Variances,
    bootstrap_means,
    compare,
    degrees_of,
    holm,
    interval,
    long_run_variance,
    power,
    seeds_needed,
    spreads,
    student_t,
)

BOARDS = 2000
EXAMPLES = 200
KNOWN = Spread(0.0, 0.0, math.inf)
Scores = NDArray[np.float64]


def simulated(
    generator: np.random.Generator, seeds: int, spread: tuple[float, ...], *, better: float = 0.0
) -> list[Sample]:
    """A board whose models differ, if at all, by `better` for the first: scores of 0 and 1 from a latent quality.

    It has what real scores have: examples that are hard for all, some that are hard for one model, seeds that are good
    or bad as a whole (by `spread`, for each model), and chance for each seed on each example.
    """
    hard = generator.normal(size=EXAMPLES)
    samples = []
    for number, sd in enumerate(spread):
        own = 0.3 * generator.normal(size=EXAMPLES)
        noise = 0.8 * generator.normal(size=(seeds, EXAMPLES)) + sd * generator.normal(size=(seeds, 1))
        latent = 1.0 + hard + own + noise + (better if number == 0 else 0.0)
        samples.append(Sample.of((latent > 0).astype(float)))
    return samples


def found_on(samples: list[Sample]) -> list[bool]:
    """Of all pairs, which are told apart."""
    pairs = list(combinations(range(len(samples)), 2))
    adjusted = holm([comparison.p_value for comparison in compare(samples, spreads(samples), pairs)])
    return [value is not None and value <= 0.05 for value in adjusted]


@pytest.fixture
def _few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqbench.stats.paired.PERMUTATIONS", 499)
    # statsmodels collects garbage at every call, which takes a hundred times as long as the test itself.
    monkeypatch.setattr("gc.collect", lambda: 0)
    monkeypatch.setattr("seqbench.stats.paired.FEWEST", 30)


@pytest.mark.usefixtures("_few_permutations")
@pytest.mark.parametrize(
    ("seeds", "spread"),
    [(3, (0.0, 0.0, 0.0)), (3, (0.1, 0.1, 0.1, 0.1)), (3, (0.3, 0.3, 0.3)), (3, (0.1, 0.3, 0.6)), (5, (0.2, 0.2, 0.3))],
    ids=str,
)
def test_false_findings_are_rare(seeds: int, spread: tuple[float, ...]) -> None:
    """With no true difference, at most 5 % (and 1.5 for chance) of 2,000 boards tell any pair apart: whether seeds
    spread not at all, a little, much, or unequally.
    """
    generator = np.random.default_rng(7)
    false = sum(any(found_on(simulated(generator, seeds, spread))) for _ in range(BOARDS))
    assert false / BOARDS <= 0.065


@pytest.mark.usefixtures("_few_permutations")
def test_a_known_difference_is_found_with_the_stated_power() -> None:
    """Of 500 boards of two models whose seeds spread little, as many tell them apart as `power` says, within 6 %."""
    generator = np.random.default_rng(11)
    differences, found = [], 0
    for _ in range(500):
        samples = simulated(generator, 5, (0.05, 0.05), better=0.35)
        comparison = compare(samples, spreads(samples), [(0, 1)])[0]
        differences.append(comparison)
        found += found_on(samples)[0]
    difference = float(np.mean([one.difference for one in differences]))
    variance = float(np.mean([one.variance for one in differences]))
    degrees = float(np.median([one.degrees for one in differences]))
    stated = power(difference, variance, 0.05, degrees)
    assert 0.5 < stated < 0.95
    assert stated == pytest.approx(found / 500, abs=0.06)


def test_intervals_cover_the_truth() -> None:
    """Of 600 simulated models with three seeds, the 95 % interval holds the true score in 93 to 98 %."""
    generator = np.random.default_rng(3)
    truth = float((1.0 + math.sqrt(1 + 0.09 + 0.64 + 0.01) * generator.normal(size=2_000_000) > 0).mean())
    covered = total = 0
    for _ in range(200):
        samples = simulated(generator, 3, (0.1, 0.1, 0.1))
        known = spreads(samples)
        for sample, spread, replicates in zip(samples, known, bootstrap_means(samples, known), strict=True):
            assert sample.by_example is not None
            variance = float(sample.by_example.var(ddof=1)) / EXAMPLES
            low, high = interval(replicates, sample.mean, degrees_of(variance, EXAMPLES, [(sample, spread)]))
            covered += low <= truth <= high
            total += 1
    assert 0.93 <= covered / total <= 0.98


def deterministic(scores: Scores, horizon: int = 0) -> Sample:
    return Sample.of(scores[None], horizon, is_random=False)


def test_the_permutation_test_is_scipys() -> None:
    """Without seeds, p is that of scipy's exact permutation test for pairs, within what 9,999 draws can tell."""
    generator = np.random.default_rng(0)
    one, other = generator.normal(0.5, 1, 12), generator.normal(0, 1, 12)
    exact = permutation_test((one - other,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    p_value = compare([deterministic(one), deterministic(other)], [KNOWN, KNOWN], [(0, 1)])[0].p_value
    normal_tails = student_t(0.95, 11) / student_t(0.95, math.inf)
    assert p_value == pytest.approx(exact, abs=0.02 * normal_tails + 0.02)


def test_diebold_mariano_one_step_ahead_is_a_t_test() -> None:
    """For horizon 1 the corrected statistic is the one-sample t of the loss differences (Harvey et al. 1997)."""
    generator = np.random.default_rng(1)
    one, other = generator.normal(0.2, 1, 60), generator.normal(0, 1, 60)
    comparison = compare([deterministic(one, 1), deterministic(other, 1)], [KNOWN, KNOWN], [(0, 1)])[0]
    assert comparison.p_value == pytest.approx(ttest_1samp(one - other, 0).pvalue, rel=1e-9)


def test_long_run_variance_takes_overlap_in() -> None:
    """Sums of three consecutive values, as forecasts three steps ahead make them, vary more than independent ones."""
    values = np.convolve(np.random.default_rng(2).normal(size=20_000), np.ones(3), "valid")
    assert 9 == pytest.approx(long_run_variance(values, 3) * len(values), rel=0.1)
    assert 3 == pytest.approx(long_run_variance(values, 1) * len(values), rel=0.1)


def test_equal_samples_are_never_told_apart() -> None:
    """The same predictions give p = 1 and a difference of 0, whatever the seeds."""
    sample = Sample.of(np.random.default_rng(3).integers(0, 2, (3, 50)).astype(float))
    comparison = compare([sample, sample], spreads([sample, sample]), [(0, 1)])[0]
    assert (0.0, 1.0, 0.0) == (comparison.difference, comparison.p_value, comparison.effect_size)


def test_an_unsteady_model_does_not_borrow_steadiness() -> None:
    """The pooled variance is that of an analysis of variance; a model above it keeps its own, all have the degrees."""
    steady, unsteady = Sample(np.array([1.0, 2.0, 3.0])), Sample(np.array([0.0, 10.0, 20.0]))
    baseline = Sample(np.array([5.0]), is_random=False)
    assert [(50.5, 4.0), (100.0, 4.0), (0.0, math.inf)] == [
        (spread.variance, spread.degrees) for spread in spreads([steady, unsteady, baseline])
    ]


def test_one_seed_borrows_from_others_or_knows_nothing() -> None:
    """Beside models with more seeds, one seed has their spread; alone, its spread is unknown."""
    single = Sample(np.array([1.0]))
    assert 0.0 == spreads([single])[0].degrees
    assert (1.0, 2.0) == (spreads([single, Sample(np.array([1.0, 2.0, 3.0]))])[0].variance, 2.0)


def test_holm_of_his_example() -> None:
    """0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02 (multiplied by 3, 1, 2, 4 and made to rise)."""
    adjusted = holm([0.01, 0.04, None, 0.03, 0.005])
    assert [0.03, 0.06, None, 0.06, 0.02] == [value if value is None else round(value, 10) for value in adjusted]


def test_seeds_needed_reach_the_power() -> None:
    """The number that is named reaches 80 %, one fewer does not; an unreachable one is None."""
    variances = Variances(fixed=1e-5, per_seed=4e-4)
    seeds = seeds_needed(0.02, variances, 0.05, now=3)
    assert seeds is not None
    assert power(0.02, variances.at(seeds), 0.05) >= 0.8
    assert 3 < seeds < 30
    assert seeds_needed(0.001, Variances(1e-4, 1e-4), 0.05, now=3) is None


@pytest.mark.parametrize("horizon", [0, 5])
def test_resampling_is_the_same_every_time(horizon: int) -> None:
    """The same scores give the same replicates, also when another row stands beside them."""
    generator = np.random.default_rng(4)
    samples = [Sample.of(generator.random((3, 40)), horizon) for _ in range(2)]
    first, again = bootstrap_means(samples, spreads(samples)), bootstrap_means(samples, spreads(samples))
    assert np.array_equal(first, again)
    assert first[0].mean() == pytest.approx(samples[0].mean, abs=0.01)


def test_blocks_keep_what_is_alike_together() -> None:
    """Of a series that wanders, the bootstrap by blocks has a wider interval than one that draws single moments."""
    wandering = np.repeat(np.random.default_rng(5).normal(size=60), 10)
    singly, blocks = (bootstrap_means([deterministic(wandering, horizon)], [KNOWN])[0].std() for horizon in (0, 20))
    assert blocks > 2 * singly
