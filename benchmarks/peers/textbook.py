"""The first cell of a run file, trained by seqbench on one thread, its epochs timed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cases import cases
from pairs import answering
from seqbench.trainer import fit


def main(request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"run_file", "settings"}` → the seconds of each epoch."""
    torch.set_num_threads(1)
    given = cases({"seeds": "0", "baselines": False}, request["settings"], Path(request["run_file"]))[0]
    module, data, device = given.module(), given.data, torch.device("cpu")
    fitted = fit(module, data.train, data.validation, given.objective, given.config, given.cell.seed, device)
    return {"seconds": [epoch.seconds for epoch in fitted.history]}


if __name__ == "__main__":
    answering(main)
