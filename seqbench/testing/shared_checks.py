"""The checks that models and tasks share: what has to hold. Imports nothing heavy."""

from __future__ import annotations

from seqbench.testing.findings import Check

DISCOVERY = (
    Check(
        "no_torch_at_discovery",
        "discovery",
        "discovering the plugin imports no torch: it is discovered for every command, --help too",
        where="import torch inside build or prepare, or below `if TYPE_CHECKING:`",
    ),
    Check(
        "import_time",
        "discovery",
        "importing the plugin and asking what it offers takes less than half a second of the processor",
        needs=("no_torch_at_discovery",),
        where="move heavy imports into build or prepare",
    ),
)
DEPRECATIONS = Check(
    "deprecations", "process", "what of the plugin interface is deprecated and still used is told; it fails nothing"
)
PROCESS = (
    Check(
        "no_global_random_state",
        "process",
        "no global random generator (Python's, NumPy's, PyTorch's) is seeded",
        where="leave out every seed() and manual_seed(): the harness seeds each cell",
    ),
    Check(
        "no_thread_settings",
        "process",
        "the number of threads of PyTorch and of BLAS libraries is left alone",
        where="leave out set_num_threads: the harness gives each worker its threads",
    ),
    Check(
        "no_global_settings",
        "process",
        "no setting of the process (default dtype or device, flags of torch, environment, folder) is changed",
        where="give dtype and device to the tensors and layers that need them",
    ),
)
