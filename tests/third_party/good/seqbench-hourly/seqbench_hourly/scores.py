"""Errors by the measure of yesterday's value, and forecasts that need no network."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from seqbench import Output, SequenceSet

Outputs = NDArray[np.float64]
Predict = Callable[[SequenceSet], Outputs]


def scaled_errors(outputs: Outputs, split: SequenceSet) -> Outputs:
    """`float64[N]`: mean absolute error over the horizons, by that of saying yesterday's value, hour by hour in train.

    Their mean is the MASE of Hyndman & Koehler 2006 with a season of 24 hours.
    """
    return np.asarray(np.abs(outputs - split.targets).mean(1) / split.extras["naive"])


METRICS: Mapping[str, Callable[[Outputs, SequenceSet], float]] = {
    "mase": lambda outputs, split: float(scaled_errors(outputs, split).mean()),
    "mae": lambda outputs, split: float((np.abs(outputs - split.targets).mean(1) * split.extras["unit"]).mean()),
}


def seasonal(season: int, train: SequenceSet, validation: SequenceSet, output: Output) -> Predict:
    """The last known value a whole number of seasons (hours) before what is asked for; of season 1 the last value."""

    def predict(split: SequenceSet) -> Outputs:
        ahead = split.extras["ahead"]
        back = ahead - season * -(-ahead // season)
        return np.asarray(split.values[(split.starts + split.lengths - 1)[:, None] + back, 0], dtype=np.float64)

    return predict


def ridge(train: SequenceSet, validation: SequenceSet, output: Output) -> Predict:
    """A linear map from the whole window; of its penalties the one that leaves single hours out best (Golub 1979)."""
    from sklearn.linear_model import RidgeCV

    def lags(split: SequenceSet) -> Outputs:
        steps = split.starts[:, None] + np.arange(split.lengths[0])
        return split.values[steps].reshape(len(split), -1).astype(np.float64)

    model = RidgeCV(alphas=10.0 ** np.arange(-1, 5)).fit(lags(train), train.targets)
    return lambda split: np.asarray(model.predict(lags(split))).reshape(len(split), output.size)
