"""Makes seqbench_hourly/load.csv.gz: two years of a made-up town's electricity load and temperature, hour by hour.

Synthetic, with what such series have: the year, the week and the day (two peaks, fewer at weekends and in summer), a
load that rises with cold and with heat, holidays, disturbances that fade over hours (an autoregression of order 1 each,
with steps of heavier tails than normal), and a few hours that are missing. Times are UTC.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

HOURS = 2 * 365 * 24
SEED = 20
TARGET = Path(__file__).resolve().parent.parent / "seqbench_hourly" / "load.csv.gz"


def autoregression(random: np.random.Generator, coefficient: float, deviation: float) -> np.ndarray:
    """`float64[hours]` with that stationary deviation; its steps have Student's t distribution of 5 degrees."""
    steps = random.standard_t(5, HOURS) * np.sqrt(3 / 5) * deviation * np.sqrt(1 - coefficient**2)
    found = np.zeros(HOURS)
    for hour in range(1, HOURS):
        found[hour] = coefficient * found[hour - 1] + steps[hour]
    return found


def main() -> None:
    """Write the file; the same bytes each time with one version of NumPy."""
    random = np.random.default_rng(SEED)
    times = np.datetime64("2021-01-01T00") + np.arange(HOURS)
    hour, day = np.arange(HOURS) % 24, np.arange(HOURS) // 24
    weekday, year = (day + 4) % 7, 2 * np.pi * (day % 365) / 365
    temperature = 10 - 9.5 * np.cos(year - 0.35) - 3.5 * np.cos(2 * np.pi * (hour - 3) / 24)
    temperature += autoregression(random, 0.985, 3.2)
    morning, evening = np.exp(-(((hour - 8) / 2.2) ** 2)), np.exp(-(((hour - 19) / 2.8) ** 2))
    is_rest = (weekday >= 5) | np.isin(day % 365, (0, 92, 95, 120, 275, 358, 359))
    shape = 0.72 + 0.2 * np.exp(-(((hour - 13) / 5.5) ** 2)) + np.where(is_rest, 0.06, 0.17) * morning
    shape += (0.2 + 0.05 * np.cos(year)) * evening - np.where(is_rest, 0.07, 0.0)
    weather = 0.011 * np.maximum(15 - temperature, 0) + 0.017 * np.maximum(temperature - 22, 0)
    load = 620 * (shape + weather) * np.exp(autoregression(random, 0.93, 0.035)) + random.normal(0, 4, HOURS)
    lost = np.zeros(HOURS, dtype=bool)
    for begin in random.integers(100, HOURS - 100, 40):
        lost[begin : begin + random.integers(1, 4)] = True
    lost[9000:9036] = True
    rows = [
        f"{time}:00Z,{value:.1f},{heat:.1f}"
        for time, value, heat in zip(times[~lost], load[~lost], temperature[~lost], strict=True)
    ]
    text = "\n".join(["time,load_mw,temperature_c", *rows]) + "\n"
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
