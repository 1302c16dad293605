"""Per-example scores of the built-in tasks average to their primary metrics, and a cell refuses those that do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqbench import TaskSpec
from seqbench.cell import example_scores
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.task import SPEC as SENTIMENT
from seqbench_tasks.stock_forecasting.params import StockParams
from seqbench_tasks.stock_forecasting.task import SPEC as STOCKS


@pytest.fixture
def panel(tmp_path: Path) -> str:
    """Two series of unequal length and price."""
    generator = np.random.default_rng(0)
    for name, days, price in (("AAA", 400, 10.0), ("BBB", 300, 500.0)):
        dates = np.datetime64("2015-01-01") + np.arange(days)
        closes = price * np.exp(np.cumsum(generator.normal(0, 0.01, days)))
        lines = [f"{date},{close:.6f}" for date, close in zip(dates, closes, strict=True)]
        (tmp_path / f"{name}.csv").write_text("date,close\n" + "\n".join(lines) + "\n")
    return str(tmp_path)


@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("is_panel", [False, True])
def test_scaled_errors_average_to_the_mase(panel: str, horizon: int, is_panel: bool) -> None:
    """Of one series and of a panel whose series count the same whatever their length, one or several days ahead."""
    data = STOCKS.prepare(panel if is_panel else "builtin", StockParams(horizon=horizon), Path())
    outputs = np.random.default_rng(1).normal(0, 0.5, (len(data.test), horizon))
    metric = STOCKS.metrics["mase"](outputs, data.test)
    scores = example_scores(STOCKS, outputs, data.test, metric)["score"]
    assert (len(data.test),) == scores.shape
    assert metric == pytest.approx(scores.mean(), rel=1e-12)


def test_right_answers_average_to_the_accuracy() -> None:
    """A classifier's example scores 1 when it is right and 0 when it is not."""
    data = SENTIMENT.prepare("builtin", SentimentParams(), Path())
    outputs = np.random.default_rng(2).normal(size=(len(data.test), 2))
    scores = example_scores(SENTIMENT, outputs, data.test, SENTIMENT.metrics["accuracy"](outputs, data.test))["score"]
    assert {0.0, 1.0} == set(scores.tolist())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(lambda outputs, split: np.ones(len(split)), "average 1, accuracy is"), (lambda outputs, split: 1.0, "expected")],
)
def test_other_scores_are_refused(wrong: object, said: str) -> None:
    """Scores of another shape, or whose mean is not the primary metric, are an error that names the task."""
    data = SENTIMENT.prepare("builtin", SentimentParams(), Path())
    spec: TaskSpec = replace(SENTIMENT, example_scores=wrong)  # type: ignore[arg-type]
    outputs = np.zeros((len(data.test), 2))
    with pytest.raises(ValueError, match=f"example_scores of task 'sentiment'.*{said}"):
        example_scores(spec, outputs, data.test, 0.5)
