"""Tie groups, rank intervals and letters follow from which pairs differ."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from seqbench.stats import letters, rank_intervals, ranks_of, tie_groups
from seqbench.stats.ties import Differs


def differing(*pairs: str) -> Differs:
    """From texts such as `AC`: A is the best row."""
    found = {frozenset(ord(letter) - ord("A") for letter in pair) for pair in pairs}
    return lambda one, other: frozenset((one, other)) in found


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, Differs]:
    count = draw(st.integers(1, 7))
    chosen = draw(st.sets(st.sampled_from([*combinations(range(count), 2), (0, 0)])))
    return count, lambda one, other: (min(one, other), max(one, other)) in chosen and one != other


def test_letters_of_a_published_example() -> None:
    """Piepho (2004) has seven treatments with the significant pairs 1-7, 1-8, 2-4, 2-5, 3-6, 3-7, 3-8, 4-5, 4-6, 4-7,
    4-8, 5-6, 5-7, 5-8 in his Table 1; whatever the letters are called, they must show these pairs and no other.
    """
    pairs = ("AG", "AH", "BD", "BE", "CF", "CG", "CH", "DE", "DF", "DG", "DH", "EF", "EG", "EH")
    differs = differing(*pairs)
    found = letters(8, differs)
    shown = {(i, j) for i, j in combinations(range(8), 2) if not set(found[i]) & set(found[j])}
    assert {(i, j) for i, j in combinations(range(8), 2) if differs(i, j)} == shown


@given(tables())
def test_a_shared_letter_means_not_told_apart(table: tuple[int, Differs]) -> None:
    """For any set of differing pairs: two rows share a letter if and only if they do not differ."""
    count, differs = table
    found = letters(count, differs)
    for one, other in combinations(range(count), 2):
        assert differs(one, other) is not bool(set(found[one]) & set(found[other]))
    assert all(found)


@given(tables())
def test_no_letter_is_idle(table: tuple[int, Differs]) -> None:
    """No letter's rows all lie within another letter's."""
    count, differs = table
    found = letters(count, differs)
    members = [{row for row in range(count) if letter in found[row]} for letter in sorted(set("".join(found)))]
    assert not any(one <= other for one in members for other in members if one is not other)


def test_the_best_and_its_ties_are_first() -> None:
    """B is not told apart from the best, C is; D is not told apart from C, so the two are third together."""
    groups = tie_groups(4, differing("AC", "AD", "BD"))
    assert [1, 1, 2, 2] == groups
    assert [1, 1, 3, 3] == ranks_of(groups)


def test_rank_intervals_count_who_is_surely_better_and_worse() -> None:
    """A row's lowest rank is one more than the rows that are better; its highest leaves room for those worse."""
    assert [(1, 2), (1, 3), (2, 4), (3, 4)] == rank_intervals(4, differing("AC", "AD", "BD"))


@given(tables())
def test_ranks_lie_within_their_intervals(table: tuple[int, Differs]) -> None:
    """Ordered by their means, rows have positions within their rank intervals."""
    count, differs = table
    assert all(low <= row + 1 <= high for row, (low, high) in enumerate(rank_intervals(count, differs)))
