"""A state sees as far back as the dilations reach, and no further; and the model conforms."""

from __future__ import annotations

import torch
from seqbench_tcn import Params, build

from seqbench import Dense, Forecast
from seqbench.testing import check_model


def test_a_state_sees_its_receptive_field() -> None:
    """With kernels of 3 and two convolutions per block, two levels see 2 x 2 x (1 + 2) = 12 steps back, and not 13."""
    torch.manual_seed(0)
    model = build(Dense(1), Forecast(1), Params(hidden_size=8, levels=2)).double()
    x = torch.randn(1, 30, 1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.states(x, torch.tensor([30]))[0, -1].sum(), x)
    assert list(range(17, 30)) == gradient[0, :, 0].nonzero().flatten().tolist()


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [
        finding
        for finding in check_model("tcn", params={"parameter_budget": 4000, "levels": 2}).findings
        if finding.status == "failed"
    ]
