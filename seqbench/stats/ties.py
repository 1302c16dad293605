"""Who is tied with whom: tie groups, rank intervals and the compact letter display, from which pairs differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from string import ascii_lowercase

Differs = Callable[[int, int], bool]
"""`differs(i, j)`: are rows i and j, numbered from the best, told apart?"""


def tie_groups(count: int, differs: Differs) -> list[int]:
    """The number of each row's group, from 1, for rows numbered from the best.

    The first group is the best row and all that are not told apart from it; of the rest the best begins the next.
    """
    groups = [0] * count
    number = 0
    for best in range(count):
        if groups[best]:
            continue
        number += 1
        for row in range(best, count):
            if not groups[row] and (row == best or not differs(best, row)):
                groups[row] = number
    return groups


def ranks_of(groups: Sequence[int]) -> list[int]:
    """By row, 1 + the number of rows in groups before its own."""
    return [1 + sum(other < group for other in groups) for group in groups]


def rank_intervals(count: int, differs: Differs) -> list[tuple[int, int]]:
    """For rows numbered from the best, the ranks that each may have.

    At least 1 + the rows that are better, at most all but the rows that are worse; simultaneously for all rows at the
    level at which pairs were tested with a family-wise error (Mogstad, Romano, Shaikh & Wilhelm 2024).
    """
    return [
        (
            1 + sum(differs(other, row) for other in range(row)),
            count - sum(differs(row, other) for other in range(row + 1, count)),
        )
        for row in range(count)
    ]


def letters(count: int, differs: Differs) -> list[str]:
    """Compact letter display: two rows share a letter if and only if they are not told apart.

    By insertion and absorption (Piepho 2004, "An algorithm for a letter-based representation of all-pairwise
    comparisons"). Rows are numbered from the best, who has the letter a.
    """
    columns: list[frozenset[int]] = [frozenset(range(count))]
    for one in range(count):
        for other in range(one + 1, count):
            if differs(one, other):
                columns = _absorbed(
                    part
                    for column in columns
                    for part in ((column - {one}, column - {other}) if {one, other} <= column else (column,))
                )
    ordered = sorted(columns, key=sorted)
    return ["".join(name(place) for place, column in enumerate(ordered) if row in column) for row in range(count)]


def _absorbed(columns: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Without columns that lie within another one."""
    found: list[frozenset[int]] = []
    for column in columns:
        if any(column <= other for other in found):
            continue
        found = [*(other for other in found if not other <= column), column]
    return found


def name(place: int) -> str:
    """Of the column at `place`: a to z, then A to Z, then a1, b1 and so on."""
    alphabet = ascii_lowercase + ascii_lowercase.upper()
    return alphabet[place] if place < len(alphabet) else f"{ascii_lowercase[place % 26]}{place // 26 - 1}"
