"""Imported once by the forkserver, so that every worker starts with torch and the first optimiser already paid for.

`import torch` takes seconds, and so does the first optimiser built (it imports torch._dynamo).
"""

from __future__ import annotations

import warnings

import torch

import seqbench.cell

torch.set_num_threads(1)
with warnings.catch_warnings(action="ignore"):
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], fused=True)
    # The first module made on the meta device imports torch's decompositions: seconds again.
    with torch.device("meta"):
        torch.nn.Embedding(2, 2)

__all__ = ["seqbench"]
