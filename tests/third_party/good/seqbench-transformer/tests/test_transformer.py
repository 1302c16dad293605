"""Its layers are PyTorch's, padding reaches nothing, and the model conforms."""

from __future__ import annotations

import torch
from seqbench_transformer import Params, build
from torch import Tensor, nn

from seqbench import Dense, Forecast
from seqbench.testing import check_model

LENGTHS = torch.tensor([9, 5, 1])


def test_its_layers_are_those_of_pytorch() -> None:
    """With the same weights it gives the states of nn.TransformerEncoderLayer, fused in evaluation or not."""
    torch.manual_seed(0)
    model = build(Dense(3), Forecast(1), Params(hidden_size=8, num_layers=2)).eval()
    x = torch.randn(3, 9, 3)
    seen: list[Tensor] = []
    model.encoder.dropout.register_forward_hook(lambda module, given, result: seen.append(result))
    states = model.states(x, LENGTHS).detach()
    expected = seen[0]
    is_padding = torch.arange(9) >= LENGTHS[:, None]
    for (qkv, out, wide, narrow), (first, second) in zip(model.encoder.layers, model.encoder.norms, strict=True):
        layer = nn.TransformerEncoderLayer(8, 4, 32, 0.0, batch_first=True).eval()
        mine = {
            "self_attn.in_proj_": qkv, "self_attn.out_proj.": out, "linear1.": wide, "linear2.": narrow,
            "norm1.": first, "norm2.": second,
        }  # fmt: skip
        layer.load_state_dict(
            {f"{name}{part}": getattr(mine[name], part) for name in mine for part in ("weight", "bias")}
        )
        expected = layer(expected, src_key_padding_mask=is_padding)
    torch.testing.assert_close(states[~is_padding], expected[~is_padding], rtol=1e-4, atol=1e-5)


def test_what_stands_at_padded_steps_is_never_seen() -> None:
    """Even values that are no numbers, where padding is, leave every output as it is."""
    torch.manual_seed(0)
    model = build(Dense(3), Forecast(2), Params(hidden_size=8, pooling="mean_max")).eval()
    x = torch.randn(3, 9, 3)
    is_padding = torch.arange(9) >= LENGTHS[:, None]
    expected = model(x.masked_fill(is_padding[..., None], 0), LENGTHS)
    torch.testing.assert_close(model(x.masked_fill(is_padding[..., None], torch.nan), LENGTHS), expected)


def test_order_counts() -> None:
    """Without positions the mean of the states would be the same for a sequence and its reverse."""
    torch.manual_seed(0)
    model = build(Dense(3), Forecast(1), Params(hidden_size=8, pooling="mean")).eval()
    x = torch.randn(1, 9, 3)
    assert not torch.allclose(model(x, LENGTHS[:1]), model(x.flip(1), LENGTHS[:1]), atol=1e-3)


def test_it_conforms() -> None:
    """Every check of seqbench's conformance kit holds."""
    assert [] == [
        finding
        for finding in check_model("transformer", params={"parameter_budget": 4000}).findings
        if finding.status == "failed"
    ]
