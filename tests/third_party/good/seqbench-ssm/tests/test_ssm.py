"""The convolution gives what the recurrence says, and the model conforms."""

from __future__ import annotations

import torch
from seqbench_ssm import Params, build

from seqbench import Dense, Forecast
from seqbench.testing import check_model


def test_the_convolution_is_the_recurrence() -> None:
    """With the step size d, s_t = exp(d A) s_(t-1) + (exp(d A) - 1) / A u_t, and y_t = 2 Re(C s_t) + D u_t."""
    torch.manual_seed(0)
    model = build(Dense(3), Forecast(1), Params(hidden_size=5, num_layers=1, state_size=4)).double()
    layer, x = model.encoder, torch.randn(2, 40, 3, dtype=torch.float64)
    inner = layer.inward(x)
    u, a = layer.norm(inner), torch.complex(-layer.decay[0].exp(), layer.frequency[0])
    decay = (a * layer.step[0].exp()[:, None]).exp()
    state, y = torch.zeros(2, 5, 4, dtype=torch.complex128), []
    for step in range(40):
        state = decay * state + (decay - 1) / a * u[:, step, :, None]
        y.append(2 * (torch.view_as_complex(layer.c[0]) * state).sum(2).real + layer.d[0] * u[:, step])
    mixed = torch.nn.functional.glu(layer.mixers[0](torch.nn.functional.gelu(torch.stack(y, 1))))
    torch.testing.assert_close(model.states(x, torch.tensor([40, 40])), inner + mixed)


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [
        finding
        for finding in check_model("ssm", params={"parameter_budget": 4000}).findings
        if finding.status == "failed"
    ]
