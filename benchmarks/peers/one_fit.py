"""One training in a process of its own: by seqbench on one thread, by the usual script, or by Lightning.

Its clock starts when data, network and libraries are ready (the first optimiser, which imports for seconds, included)
and stops when the training ends: only training and validation are counted.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

from cases import Case, case
from pairs import answering

Work = Callable[[], float | None]


def main(request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"who", "task", "model", "epochs", "source"}` → seconds, the validation metric, and torch's threads."""
    warnings.simplefilter("ignore")
    epochs = int(request["epochs"])
    settings = (f"trainer.max_epochs={epochs}", "trainer.patience=0")
    given = case(request["task"], request["model"], settings, request["source"])
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    work = {"seqbench": _seqbench, "script": _script, "lightning": _lightning}[request["who"]](given, epochs)
    begin = time.perf_counter()
    metric = work()
    return {"seconds": time.perf_counter() - begin, "metric": metric, "threads": torch.get_num_threads()}


def _seqbench(given: Case, epochs: int) -> Work:
    from seqbench.trainer import fit

    torch.set_num_threads(1)
    module = given.module()

    def work() -> float | None:
        data, device = given.data, torch.device("cpu")
        fitted = fit(module, data.train, data.validation, given.objective, given.config, given.cell.seed, device)
        return fitted.history[(fitted.best_epoch or 0) - 1].validation_metric

    return work


def _script(given: Case, epochs: int) -> Work:
    from peers.usual_script import Data, network_of, train

    network, data = network_of(given), Data.of(given)
    return lambda: train(network, given, data, epochs)


def _lightning(given: Case, epochs: int) -> Work:
    from peers.lightning_script import fit, trainer_of
    from peers.usual_script import Data, network_of

    network, data, trainer = network_of(given), Data.of(given), trainer_of(given, epochs)
    return lambda: fit(trainer, network, given, data)


if __name__ == "__main__":
    answering(main)
