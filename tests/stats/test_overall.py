"""Statistics over tasks agree with published tables and with their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from seqbench.stats import (
    critical_difference,
    friedman,
    improvement,
    interquartile_mean,
    mean_ranks,
    normalised,
    profile,
)

DEMSAR = np.array(
    [
        (0.763, 0.768, 0.771, 0.798),
        (0.599, 0.591, 0.590, 0.569),
        (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657),
        (0.882, 0.888, 0.886, 0.898),
        (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685),
        (0.583, 0.583, 0.563, 0.625),
        (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000),
        (0.940, 0.962, 0.965, 0.962),
        (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975),
        (0.957, 0.978, 0.946, 0.970),
    ]
)
"""AUC of C4.5 and three variants on 14 data sets: Demsar (2006), "Statistical comparisons of classifiers over multiple
data sets", Table 6. For the voting data he prints 0.975 twice and ranks the third variant before the fourth."""


def test_mean_ranks_of_demsars_table() -> None:
    """His average ranks are 3.143, 2.000, 2.893 and 1.964."""
    assert [3.143, 2.000, 2.893, 1.964] == [round(rank, 3) for rank in mean_ranks(DEMSAR)]


def test_friedmans_test_rejects_as_in_demsar() -> None:
    """His F = 3.69 with 3 and 39 degrees of freedom is beyond the critical 2.85 at 0.05; ours corrects for ties, which
    makes F a little larger and p a little smaller than his 0.0197.
    """
    assert 0.01 < friedman(DEMSAR) < 0.0197


@pytest.mark.parametrize(
    ("models", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)]
)
def test_critical_differences_have_the_published_quantiles(models: int, quantile: float) -> None:
    """Demsar's Table 5(a) gives q at 0.05; with four models and 14 data sets the difference is his 1.25."""
    assert quantile == pytest.approx(critical_difference(models, 6) / (models * (models + 1) / 36) ** 0.5, abs=1e-3)
    assert 1.25 == round(critical_difference(4, 14), 2)


def test_all_models_the_same_is_not_rejected() -> None:
    """Where every score is the same, Friedman's p is 1."""
    assert 1.0 == friedman(np.ones((12, 4)))


def test_interquartile_mean_drops_a_quarter_at_each_end() -> None:
    """Of 1 to 8 the middle four have the mean 4.5, over tasks together; the interval is around it."""
    value, low, high = interquartile_mean({"a": np.array([1.0, 2.0, 3.0, 4.0]), "b": np.array([5.0, 6.0, 7.0, 80.0])})
    assert 4.5 == value
    assert low < value < high


def test_improvement_is_mann_whitneys_share() -> None:
    """(1, 2, 3) against (1, 2): of six pairs three are better and two are ties, so 4/6; the other way round 2/6."""
    one, other = {"t": np.array([1.0, 2.0, 3.0])}, {"t": np.array([1.0, 2.0])}
    assert 4 / 6 == pytest.approx(improvement(one, other)[0])
    assert 2 / 6 == pytest.approx(improvement(other, one)[0])


def test_improvement_averages_over_tasks() -> None:
    """Better on every run of one task and worse on every run of another is one half."""
    one = {"a": np.array([1.0, 1.1]), "b": np.array([0.0, 0.1])}
    other = {"a": np.array([0.0, 0.1]), "b": np.array([1.0, 1.1])}
    assert 0.5 == improvement(one, other)[0]


def test_profiles_fall_from_all_to_none() -> None:
    """The share of runs above tau, by task and then averaged."""
    found = profile({"a": np.array([0.2, 0.6]), "b": np.array([0.9])}, np.array([0.0, 0.5, 0.8, 1.0]))
    assert [1.0, 0.75, 0.5, 0.0] == found.tolist()


@pytest.mark.parametrize(("higher", "expected"), [(True, [0.0, 1.0]), (False, [1.0, 0.0])])
def test_normalised_scores_have_the_worst_at_0(higher: bool, expected: list[float]) -> None:
    """The worst mean of a board is 0, the best 1, whichever way is better."""
    found = normalised([np.array([2.0]), np.array([4.0])], [2.0, 4.0], higher_is_better=higher)
    assert expected == [float(values[0]) for values in found]
