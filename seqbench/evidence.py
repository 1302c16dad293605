"""What the records of a task say about its rows and their pairs: samples, intervals, comparisons. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from seqbench.board import Pair
from seqbench.records import Outcome
from seqbench.stats import (
    LEVEL,
    Comparison,
    Sample,
    Spread,
    bootstrap_means,
    compare,
    degrees_of,
    holm,
    interval,
    long_run_variance,
    spreads,
    student_t,
    summarise,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqbench.examples import ExampleScores


@dataclass(frozen=True)
class Evidence:
    """The rows of a task, from the best to the worst, as samples.

    spreads: over seeds; replicates: of the means of those rows that have examples, by row; shared: the rows that were
    tested on the same examples. notes: what could not be known, in sentences.
    """

    samples: Sequence[Sample]
    spreads: Sequence[Spread]
    shared: Sequence[int]
    replicates: NDArray[np.float64]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Outcome]], read: Callable[[Outcome], ExampleScores | None]) -> Evidence:
        """From the finished records of each row; their per-example scores are read once."""
        found = [[read(record) for record in records] for records in rows]
        test_set = _common(found)
        samples = [_sample(records, scores, test_set) for records, scores in zip(rows, found, strict=True)]
        spread_of = spreads(samples)
        shared = [place for place, sample in enumerate(samples) if sample.by_example is not None]
        replicates = np.empty((0, 0))
        if shared:
            replicates = bootstrap_means([samples[place] for place in shared], [spread_of[place] for place in shared])
        return cls(samples, spread_of, shared, replicates, tuple(_notes(rows, samples, shared)))

    def intervals(self) -> list[tuple[float, float] | None]:
        """The 95 % interval of each row's mean; over seeds alone where there are no examples."""
        return [self._interval(place) for place in range(len(self.samples))]

    def _interval(self, place: int) -> tuple[float, float] | None:
        sample, spread = self.samples[place], self.spreads[place]
        if sample.by_example is None:
            summary = summarise(sample.by_seed.tolist())
            return None if summary.ci_low is None or summary.ci_high is None else (summary.ci_low, summary.ci_high)
        count = len(sample.by_example)
        if count < 2:
            return None
        variance = (
            long_run_variance(sample.by_example, sample.horizon)
            if sample.horizon
            else float(sample.by_example.var(ddof=1)) / count
        )
        degrees = degrees_of(variance, count, [(sample, spread)])
        return interval(self.replicates[self.shared.index(place)], sample.mean, degrees)

    def pairs(self, names: Sequence[str]) -> list[Pair]:
        """All pairs, the better row first, with Holm's step-down over all of them."""
        numbers = list(combinations(range(len(self.samples)), 2))
        compared = self._compared(numbers)
        adjusted = holm([comparison.p_value for comparison in compared])
        return [
            self._pair(names, number, comparison, p_holm)
            for number, comparison, p_holm in zip(numbers, compared, adjusted, strict=True)
        ]

    def _compared(self, numbers: Sequence[tuple[int, int]]) -> list[Comparison]:
        """On examples where both rows have the same, else over seeds."""
        place = {row: index for index, row in enumerate(self.shared)}
        on_examples = [pair for pair in numbers if pair[0] in place and pair[1] in place]
        samples, of_seeds = [self.samples[row] for row in self.shared], [self.spreads[row] for row in self.shared]
        places = [(place[one], place[other]) for one, other in on_examples]
        found = dict(zip(on_examples, compare(samples, of_seeds, places), strict=True))
        rest = [pair for pair in numbers if pair not in found]
        without = [replace(sample, by_example=None) for sample in self.samples]
        found |= dict(zip(rest, compare(without, self.spreads, rest), strict=True))
        return [found[pair] for pair in numbers]

    def _pair(
        self, names: Sequence[str], number: tuple[int, int], comparison: Comparison, p_holm: float | None
    ) -> Pair:
        one, other = number
        samples = (self.samples[one], self.samples[other])
        is_on_examples = one in self.shared and other in self.shared
        ends: tuple[float | None, float | None] = (None, None)
        if is_on_examples:
            replicates = self.replicates[self.shared.index(one)] - self.replicates[self.shared.index(other)]
            ends = interval(replicates, comparison.difference, comparison.degrees)
        elif comparison.variance > 0:
            half = student_t(1 - LEVEL, comparison.degrees) * float(np.sqrt(comparison.variance))
            ends = (comparison.difference - half, comparison.difference + half)
        scale = comparison.scale
        return Pair(
            one=names[one],
            other=names[other],
            difference=comparison.difference,
            ci_low=ends[0],
            ci_high=ends[1],
            effect_size=comparison.effect_size,
            effect_low=None if scale is None or ends[0] is None else ends[0] / scale,
            effect_high=None if scale is None or ends[1] is None else ends[1] / scale,
            p_value=comparison.p_value,
            p_holm=p_holm,
            is_different=p_holm is not None and p_holm <= LEVEL,
            test=comparison.test,
            seeds=(samples[0].seeds, samples[1].seeds),
            fixed_variance=None if comparison.variances is None else comparison.variances.fixed,
            seed_variance=None if comparison.variances is None else comparison.variances.per_seed,
            examples=len(samples[0].by_example) if is_on_examples and samples[0].by_example is not None else 0,
        )


def _common(found: Sequence[Sequence[ExampleScores | None]]) -> str:
    """The test set that most rows have."""
    counts = Counter(
        scores[0].test_set
        for scores in found
        if scores and scores[0] is not None and all(one is not None for one in scores)
    )
    return counts.most_common(1)[0][0] if counts else ""


def _sample(records: Sequence[Outcome], found: Sequence[ExampleScores | None], test_set: str) -> Sample:
    scores = [one for one in found if one is not None and one.test_set == test_set]
    is_random = not records[0].is_baseline
    by_seed = np.array([record.metrics[record.primary] for record in records])
    if len(scores) < len(records) or not scores:
        return Sample(by_seed, is_random=is_random)
    sample = Sample.of(np.stack([one.values for one in scores]), scores[0].horizon, is_random=is_random)
    return replace(sample, by_seed=by_seed)


def _notes(rows: Sequence[Sequence[Outcome]], samples: Sequence[Sample], shared: Sequence[int]) -> list[str]:
    """What limits the answers."""
    notes = []
    single = [rows[place][0].label for place, one in enumerate(samples) if one.is_random and one.seeds == 1]
    is_all = len(single) == sum(sample.is_random for sample in samples)
    if single:
        who = "Each model has" if is_all else f"{', '.join(single)}: only"
        of_others = "" if is_all else "; how far others would be is taken from the other models"
        notes.append(f"{who} one seed, so nothing is known of how another would do{of_others}.")
    without = [rows[place][0].label for place in range(len(samples)) if place not in shared]
    if without:
        who = "All rows" if len(without) == len(samples) else ", ".join(without)
        metric = rows[0][0].primary
        notes.append(
            f"{who}: compared over seeds only, as no scores of the same test examples with mean {metric} are stored."
        )
    return notes
