"""Numbers as people read them: large ones in three digits, and runs of seeds."""

from __future__ import annotations

from collections.abc import Iterable

MAGNITUDES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def magnitude(value: float, space: str = "") -> str:
    """Three digits and a prefix: `49.9k`, `1.2M`. space: between the two."""
    for size, prefix in MAGNITUDES:
        if abs(value) >= 0.9995 * size:  # what would be rounded to a thousand of the smaller one
            return f"{value / size:.3g}{space}{prefix}"
    return f"{value:.3g}"


def ranges(seeds: Iterable[int]) -> str:
    """Numbers as `--seeds` takes them: `0-4,7`."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
