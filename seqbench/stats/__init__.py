"""Statistics of boards: pure functions over numbers. Which is used for what, and why: docs/statistics.md."""

from seqbench.stats.intervals import LEVEL, Summary, bootstrap_means, interval, student_t, summarise
from seqbench.stats.overall import (
    critical_difference,
    friedman,
    improvement,
    interquartile_mean,
    mean_ranks,
    normalised,
    profile,
)
from seqbench.stats.paired import Comparison, compare, degrees_of, holm, long_run_variance
from seqbench.stats.power import Variances, power, seeds_needed
from seqbench.stats.samples import Sample, Spread, spreads
from seqbench.stats.ties import letters, rank_intervals, ranks_of, tie_groups

__all__ = [
    "LEVEL",
    "Comparison",
    "Sample",
    "Spread",
    "Summary",
    "Variances",
    "bootstrap_means",
    "compare",
    "critical_difference",
    "degrees_of",
    "friedman",
    "holm",
    "improvement",
    "interquartile_mean",
    "interval",
    "letters",
    "long_run_variance",
    "mean_ranks",
    "normalised",
    "power",
    "profile",
    "rank_intervals",
    "ranks_of",
    "seeds_needed",
    "spreads",
    "student_t",
    "summarise",
    "tie_groups",
]
