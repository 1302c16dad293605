"""A CSV file as one row per hour, whatever its order, its steps and its gaps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqbench import DataError


@dataclass(frozen=True)
class Hours:
    """times: `datetime64[h]`, hour after hour. values: `float64[hours, columns]`, NaN where unknown."""

    path: Path
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    notes: dict[str, Any]


def read(path: Path, time: str, values: str, time_format: str, longest_gap: int) -> Hours:
    """The mean of each hour; in UTC where the file has offsets, else by its own clock. Short gaps are interpolated.

    Raises DataError with what cannot be used.
    """
    import pandas as pd

    try:
        cells = pd.read_csv(path, sep=None, engine="python", dtype=str, skipinitialspace=True)
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as a table ({' '.join(str(error).split())}): give a CSV file."
        ) from None
    names = [name.strip() for name in (values.split(",") if values else cells.columns[1:2])]
    clock = time or cells.columns[0]
    for name in (clock, *names):
        if name not in cells:
            raise DataError(f"{path} has no column '{name}' but {list(cells)}: set time and values to some of these.")
    index = pd.DatetimeIndex(pd.to_datetime(cells[clock], format=time_format, utc=True, errors="coerce"))
    numbers = cells[names].apply(pd.to_numeric, errors="coerce").astype(float).set_index(index)
    is_wrong = index.isna() | (~np.isfinite(numbers.to_numpy()) & cells[names].notna().to_numpy()).any(1)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        shown = ", ".join(f"{name} '{cells[name].iloc[row]}'" for name in (clock, *names))
        form = f"a time (time_format={time_format}) and numbers (with decimal points)"
        raise DataError(f"{path}, row {row + 2}: {shown}, where {form} are needed.")
    hourly = numbers.resample("h").mean()
    lost = hourly.isna().any(axis=1)
    is_long = lost & (lost.groupby((~lost).cumsum()).transform("sum") > longest_gap)
    hourly = hourly.interpolate(limit_area="inside").mask(is_long)
    told = {
        "rows share an hour with others (their mean counts)": len(numbers) - index.floor("h").nunique(),
        "hours are missing and filled in between their neighbours": int((lost & hourly.notna().all(axis=1)).sum()),
        "hours are missing in longer gaps, which no window may touch": int(hourly.isna().any(axis=1).sum()),
        "rows are out of order and sorted": int((index[1:] < index[:-1]).sum()),
    }
    notes = {"warnings": [f"{count} {what}" for what, count in told.items() if count]}
    return Hours(path, hourly.index.tz_localize(None).to_numpy("datetime64[h]"), hourly.to_numpy(), notes)
