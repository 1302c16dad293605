"""The scan gives what the recurrence says, and the model conforms."""

from __future__ import annotations

import pytest
import torch
from seqbench_mingru import Params, build

from seqbench import Dense, Forecast
from seqbench.testing import check_model


@pytest.mark.parametrize("time", [1, 2, 3, 8, 9, 50])
def test_the_scan_is_the_recurrence(time: int) -> None:
    """Each state is (1 - z) times the one before and z times the candidate, as one step after the other gives it."""
    torch.manual_seed(time)
    model = build(Dense(3), Forecast(1), Params(hidden_size=5, num_layers=1)).double()
    x = torch.randn(2, time, 3, dtype=torch.float64)
    gate, candidate = model.encoder.layers[0](x).chunk(2, dim=2)
    state, expected = torch.zeros(2, 5, dtype=torch.float64), []
    for step in range(time):
        z = torch.sigmoid(gate[:, step])
        state = (1 - z) * state + z * candidate[:, step]
        expected.append(state)
    torch.testing.assert_close(model.states(x, torch.full((2,), time)), torch.stack(expected, 1))


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [
        finding
        for finding in check_model("mingru", params={"parameter_budget": 4000}).findings
        if finding.status == "failed"
    ]
