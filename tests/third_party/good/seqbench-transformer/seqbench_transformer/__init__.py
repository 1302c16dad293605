"""A Transformer encoder with sinusoidal positions and four heads (Vaswani et al. 2017)."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from seqbench import Input, ModelSpec, Output, hookimpl


class Params(BaseModel, frozen=True, extra="forbid"):
    """Those of the built-in models; hidden_size is what parameter_budget allows, unless it is given."""

    hidden_size: int | None = Field(default=None, ge=1, multiple_of=4)
    parameter_budget: int = Field(default=50_000, ge=1)
    num_layers: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    pooling: Literal["auto", "last", "mean", "max", "mean_max", "attention"] = "auto"
    embedding_size: int = Field(default=64, ge=1)


def build(input: Input, output: Output, params: Params) -> Any:
    """Not by nn.TransformerEncoder: its fused path and nested tensors in evaluation escape the counter of MACs."""
    import torch
    from torch import Tensor, nn

    from seqbench.nn import SequenceModel, last_state, padding_mask, size_for_budget

    class Encoder(nn.Module):
        def __init__(self, features: int, size: int) -> None:
            super().__init__()
            self.size, self.dropout, self.inward = size, nn.Dropout(params.dropout), nn.Linear(features, size)
            layers, shapes = range(params.num_layers), ((1, 3), (1, 1), (1, 4), (4, 1))
            self.layers = nn.ModuleList(nn.ModuleList(nn.Linear(a * size, b * size) for a, b in shapes) for _ in layers)
            self.norms = nn.ModuleList(nn.ModuleList(nn.LayerNorm(size) for _ in range(2)) for _ in layers)

        def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            rates = 10_000 ** (-torch.arange(0, self.size, 2, device=x.device) / self.size)
            angles = torch.arange(x.shape[1], device=x.device)[:, None] * rates
            mask = padding_mask(lengths, x.shape[1])
            x = self.inward(x) * self.size**0.5 + torch.cat([angles.sin(), angles.cos()], 1).to(x.dtype)
            x = self.dropout(x.masked_fill(~mask[..., None], 0))
            for layer, norms in zip(self.layers, self.norms, strict=True):
                (qkv, out, wide, narrow), (first, second) = layer.children(), norms.children()
                q, k, v = qkv(x).unflatten(2, (3, 4, -1)).permute(2, 0, 3, 1, 4)
                scores = (q @ k.mT * q.shape[3] ** -0.5).masked_fill(~mask[:, None, None], -torch.inf)
                x = first(x + self.dropout(out((scores.softmax(3) @ v).transpose(1, 2).flatten(2))))
                x = second(x + self.dropout(narrow(wide(x).relu())))
            return x, last_state(x, lengths)

    def model(size: int) -> SequenceModel:
        kept = params.model_dump(include={"pooling", "dropout", "embedding_size"})
        return SequenceModel(input, output, lambda dim: Encoder(dim, size), configuration={"hidden_size": size}, **kept)

    return model(params.hidden_size or 4 * size_for_budget(lambda size: model(4 * size), params.parameter_budget))


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    return [ModelSpec("transformer", build, Params, about="Transformer encoder (Vaswani et al. 2017)")]
