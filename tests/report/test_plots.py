"""Plots of a cell from its record and its stored predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench.records import CellRecord, EpochRecord
from seqbench.report.plots import confusion_counts, plots_for


def a_record(output: dict[str, Any], **changed: Any) -> CellRecord:
    """A record with that output."""
    known: dict[str, Any] = {
        "key": "k",
        "series": "s",
        "task": "t",
        "source": "builtin",
        "task_id": "t@builtin",
        "model": "lstm",
        "label": "lstm",
        "is_baseline": False,
        "seed": 0,
        "status": "ok",
        "primary": "accuracy",
        "higher_is_better": True,
        "metrics": {"accuracy": 0.5},
        "output": output,
    }
    return CellRecord(**{**known, **changed})


def pixels(png: bytes, tmp_path: Path) -> tuple[int, int]:
    """Height and width of an image, which is decoded in full."""
    from matplotlib.image import imread

    (tmp_path / "image.png").write_bytes(png)
    height, width = imread(tmp_path / "image.png").shape[:2]
    return int(height), int(width)


def test_confusion_counts_are_actual_by_predicted(tmp_path: Path) -> None:
    """The field of row a and column p counts the examples of class a whose largest output was p."""
    file = tmp_path / "predictions.csv"
    file.write_text("id,target,output_0,output_1,output_2\na,0,1,0,0\nb,0,0,3,1\nc,2,-5,-4,-3\nd,2,9,8,7\n")
    assert [[1, 1, 0], [0, 0, 0], [1, 0, 1]] == confusion_counts(file, 3).tolist()


def test_a_target_that_is_no_label_is_an_error(tmp_path: Path) -> None:
    """Predictions of other labels than the record's are refused rather than miscounted."""
    file = tmp_path / "predictions.csv"
    file.write_text("id,target,output_0,output_1\na,2,1,0\n")
    with pytest.raises(ValueError, match=r"has a target outside 0 \.\. 1"):
        confusion_counts(file, 2)


def test_of_several_series_one_is_drawn_over_time(tmp_path: Path) -> None:
    """A panel's picture has the lines of its first series, named in the title, and not a line that jumps back."""
    from seqbench.report.plots import first_series, forecast_columns

    rows = [
        f"{name} {day},{name},2020-01-{day:02},{day},{day},{day}" for name in ("AAA", "BBB") for day in range(1, 29)
    ]
    file = tmp_path / "predictions.csv"
    file.write_text("\n".join(["id,series,date,last_close,actual,predicted", *rows]) + "\n")
    columns, which = first_series(forecast_columns(file))
    assert (28, " of AAA, one of 2 series") == (len(columns["actual"]), which)
    assert bool((np.diff(columns["date"]) > np.timedelta64(0)).all())
    assert ["forecast.png"] == list(plots_for(a_record({"kind": "forecast", "values": 1}), tmp_path))


@pytest.mark.parametrize("classes", [2, 12, 35])
def test_a_classifier_gets_a_confusion_matrix(tmp_path: Path, classes: int) -> None:
    """Two classes or thirty-five: the plot is there and no larger than a screen."""
    names = [f"output_{index}" for index in range(classes)]
    rows = [[f"e{index}", str(index % classes), *np.eye(classes)[index % classes].astype(str)] for index in range(99)]
    (tmp_path / "predictions.csv").write_text("\n".join(",".join(row) for row in [["id", "target", *names], *rows]))
    labels = [f"class number {index} with a long name" for index in range(classes)]
    plots = plots_for(a_record({"kind": "classes", "labels": labels}), tmp_path)
    assert ["confusion.png"] == list(plots)
    assert max(pixels(plots["confusion.png"], tmp_path)) <= 1100


@pytest.mark.parametrize(
    "header", ["id,target_0,output_0,date,last_close,actual,predicted", "id,target_0,output_0,actual,predicted", "raw"]
)
def test_a_forecast_gets_actual_against_predicted(tmp_path: Path, header: str) -> None:
    """With dates and last closes, without them, and with nothing but targets and outputs there is a plot."""
    days = np.datetime64("2020-01-01") + np.arange(90)
    rows = [f"{day},0.1,0.2,{day},{index + 100},{index + 101},{index + 102}" for index, day in enumerate(days)]
    if header != "id,target_0,output_0,date,last_close,actual,predicted":
        keep = 3 if header == "raw" else 5
        rows = [",".join((row.split(",")[:3] + row.split(",")[5:])[:keep]) for row in rows]
    head = "id,target_0,output_0" if header == "raw" else header
    (tmp_path / "predictions.csv").write_text("\n".join([head, *rows]))
    plots = plots_for(a_record({"kind": "forecast", "size": 1}), tmp_path)
    assert ["forecast.png"] == list(plots)
    assert (504, 810) == pixels(plots["forecast.png"], tmp_path)


@pytest.mark.parametrize("with_validation", [True, False])
def test_training_gets_a_learning_curve(tmp_path: Path, with_validation: bool) -> None:
    """Where there is a history there is a learning curve, with or without a validation split, even of one epoch."""
    score = 0.5 if with_validation else None
    history = (EpochRecord(1, 1.0, score, score, 1.0, 0.001, 1.0),)
    plots = plots_for(a_record({"kind": "classes", "labels": ["a", "b"]}, history=history, best_epoch=1), tmp_path)
    assert ["learning_curve.png"] == list(plots)
    assert (261, 720 if with_validation else 360) == pixels(plots["learning_curve.png"], tmp_path)


def test_without_predictions_and_history_there_are_no_plots(tmp_path: Path) -> None:
    """A cell that failed before its first epoch has nothing to plot, and that is no error."""
    assert {} == plots_for(a_record({}), tmp_path)


def test_plotting_leaves_pyplot_alone(tmp_path: Path) -> None:
    """Plots are made in a thread: the global state of pyplot is not even imported."""
    import subprocess
    import sys

    (tmp_path / "predictions.csv").write_text("id,target,output_0,output_1\na,1,1,0\n")
    code = (
        "import sys; from pathlib import Path; from seqbench.report.plots import confusion_counts, new_figure, _png\n"
        f"confusion_counts(Path({str(tmp_path / 'predictions.csv')!r}), 2); _png(new_figure(2, 2, 'x'))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()
