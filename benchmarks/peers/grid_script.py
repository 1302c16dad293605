"""A for-loop over the default grid's cells by the usual script, with PyTorch's own number of threads."""

from __future__ import annotations

import csv
import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cases import Case, cases
from pairs import answering
from peers.usual_script import Data, network_of, test, train


def main(request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"epochs": path, "seeds", "folder"}` → the seconds that turning arrays into tensors took."""
    warnings.simplefilter("ignore")
    epochs = json.loads(Path(request["epochs"]).read_text(encoding="utf-8"))
    folder = Path(request["folder"])
    section = {"seeds": request["seeds"]} if request["seeds"] else {}
    begin = time.perf_counter()
    todo = cases(section)
    data = {case.cell.task: Data.of(case) for case in {case.cell.task: case for case in todo}.values()}
    conversion = time.perf_counter() - begin
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        scores = csv.writer(file)
        for case in todo:
            cell = case.cell
            name = f"{cell.task}/{cell.model}/{cell.seed}"
            metrics = baseline(case) if cell.is_baseline else model(case, data[cell.task], epochs[name], folder)
            scores.writerow([name, metrics[cell.primary], json.dumps(metrics)])
    return {"conversion_seconds": conversion}


def baseline(case: Case) -> dict[str, float]:
    """Test metrics of a baseline."""
    data = case.data
    predict = case.spec.baselines[case.cell.model](data.train, data.validation, data.output)
    outputs = np.asarray(predict(data.test), dtype=np.float64)
    return {name: float(metric(outputs, data.test)) for name, metric in case.spec.metrics.items()}


def model(case: Case, data: Data, epochs: int, folder: Path) -> dict[str, float]:
    """Test metrics of a model, trained here; its weights are saved."""
    network = network_of(case)
    train(network, case, data, epochs)
    torch.save(network.state_dict(), folder / f"{case.cell.task}-{case.cell.model}-{case.cell.seed}.pt")
    return test(network, case, data)


if __name__ == "__main__":
    answering(main)
