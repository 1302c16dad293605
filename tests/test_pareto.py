"""The Pareto front holds what no other choice beats, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seqbench.pareto import Point, front

# Few distinct numbers, so that ties are common.
NUMBERS = st.one_of(st.integers(0, 5).map(float), st.floats(allow_nan=False))
POINTS = st.lists(st.tuples(st.none() | NUMBERS, st.none() | NUMBERS), max_size=30)


def dominates(one: Point, other: Point, higher_is_better: bool) -> bool:
    """Is `one` at least as good at no more cost, and not the same in both? As the definition has it."""
    assert one[0] is not None
    assert one[1] is not None
    assert other[0] is not None
    assert other[1] is not None
    is_as_good = one[1] >= other[1] if higher_is_better else one[1] <= other[1]
    return one[0] <= other[0] and is_as_good and one != other


@given(POINTS, st.booleans())
def test_nobody_on_the_front_is_dominated_and_everybody_else_is(points: list[Point], higher_is_better: bool) -> None:
    """The front is exactly the known points that no other known point dominates, ties included."""
    known = [index for index, point in enumerate(points) if None not in point]
    expected = tuple(
        index
        for index in known
        if not any(dominates(points[other], points[index], higher_is_better) for other in known)
    )
    assert expected == front(points, higher_is_better)


@given(POINTS, st.booleans(), st.randoms())
def test_the_order_of_points_changes_nothing(points: list[Point], higher_is_better: bool, random: object) -> None:
    """Shuffled points have the same points on their front."""
    order = sorted(range(len(points)), key=lambda _: random.random())  # type: ignore[attr-defined]
    shuffled = front([points[index] for index in order], higher_is_better)
    assert set(front(points, higher_is_better)) == {order[index] for index in shuffled}


@given(POINTS)
def test_some_known_point_is_always_on_the_front(points: list[Point]) -> None:
    """There is a front wherever one point is known."""
    assert any(None not in point for point in points) == bool(front(points, higher_is_better=True))


def test_equal_points_stay_together_and_weakly_beaten_ones_go() -> None:
    """Of three at one cost the two best are kept; the same quality at a higher cost is not."""
    points = [(1.0, 0.8), (1.0, 0.8), (1.0, 0.7), (2.0, 0.8), (3.0, 0.9), (None, 1.0), (0.5, None), (0.5, float("nan"))]
    assert (0, 1, 4) == front(points, higher_is_better=True)
    assert (2,) == front(points, higher_is_better=False)
