"""Checks for leaks that `seqbench data audit` makes, too: its sentinels, and the task's own."""

from __future__ import annotations

from seqbench import audit
from seqbench.cache import downloads_folder, made
from seqbench.describe import duplicates, splits_of
from seqbench.spec import Classes
from seqbench.testing.findings import InapplicableError, UnmetError
from seqbench.testing.subjects import TaskSubject

MOST_REPEATED = 0.01
"""Of the test examples of a forecast: that many windows may repeat by chance, of a price that stands still, say."""


def splits_are_disjoint(subject: TaskSubject) -> str:
    """Of classes no sequence is in two splits; of forecasts hardly any sequence with its target."""
    data = subject.data
    if isinstance(data.output, Classes):
        return _asked(audit.splits_are_disjoint(data))
    for pair, count in duplicates(splits_of(data))["across"].items():
        one, other = (getattr(data, name) for name in pair.split(" and "))
        if count > MOST_REPEATED * min(len(one), len(other)):
            raise UnmetError(f"{count} different sequences are in {pair}")
    return f"{sum(len(split) for split in splits_of(data).values()):,} examples"


def ids_are_unique(subject: TaskSubject) -> str:
    """Predictions are joined by id."""
    return _asked(audit.ids_are_unique(subject.data))


def shuffled_labels_give_chance(subject: TaskSubject) -> str:
    """By the upper tail of the binomial distribution."""
    if not isinstance(subject.data.output, Classes):
        raise InapplicableError("a forecast: left to the task's own sentinels")
    if not subject.spec.baselines:
        raise InapplicableError("it has no baselines")
    return _asked(audit.shuffled_labels_give_chance(subject.spec, subject.data))


def own_sentinels(subject: TaskSubject) -> str:
    """Each as `seqbench data audit` asks it."""
    sentinels = subject.spec.sentinels
    if not sentinels:
        raise InapplicableError("it has none")
    for name, sentinel in sentinels.items():
        problem = sentinel(subject.source, subject.parsed, made(downloads_folder()))
        if problem:
            raise UnmetError(f"{name}: {problem}", function=sentinel)
    return ", ".join(sentinels)


def raw_inputs_are_as_prepared(subject: TaskSubject) -> str:
    """Each raw example encoded from the state alone."""
    if subject.spec.serving is None:
        raise InapplicableError("it takes no raw inputs")
    finding = audit.raw_inputs_are_as_prepared(subject.spec, subject.data)
    if finding.problem:
        raise UnmetError(finding.problem, function=subject.spec.serving.encoder)
    return finding.detail


def _asked(finding: audit.Finding) -> str:
    if finding.problem:
        raise UnmetError(finding.problem)
    return finding.detail
