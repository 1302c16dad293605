"""The minimal gated recurrent unit, trained by a parallel scan (Feng et al. 2024, "Were RNNs All We Needed?")."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from seqbench import Input, ModelSpec, Output, hookimpl


class Params(BaseModel, frozen=True, extra="forbid"):
    """Those of the built-in models; hidden_size is what parameter_budget allows, unless it is given."""

    hidden_size: int | None = Field(default=None, ge=1)
    parameter_budget: int = Field(default=50_000, ge=1)
    num_layers: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    pooling: Literal["auto", "last", "mean", "max", "mean_max", "attention"] = "auto"
    embedding_size: int = Field(default=64, ge=1)


def build(input: Input, output: Output, params: Params) -> Any:
    """Layers of z_t = sigmoid(V x_t + b), c_t = W x_t + a, h_t = (1 - z_t) h_(t-1) + z_t c_t, with h_0 = 0."""
    from torch import Tensor, nn
    from torch.nn.functional import pad

    from seqbench.nn import SequenceModel, last_state, size_for_budget

    def scan(decay: Tensor, inflow: Tensor) -> Tensor:
        """h_t = decay_t h_(t-1) + inflow_t of every step in log2(time) passes, each twice as far back as the last."""
        shift = 1
        while shift < decay.shape[1]:
            inflow = inflow + decay * pad(inflow, (0, 0, shift, -shift))
            decay = decay * pad(decay, (0, 0, shift, -shift))
            shift *= 2
        return inflow

    class MinGru(nn.Module):
        def __init__(self, features: int, size: int) -> None:
            super().__init__()
            self.size, self.dropout = size, nn.Dropout(params.dropout)
            sizes = [features] + [size] * (params.num_layers - 1)
            self.layers = nn.ModuleList(nn.Linear(width, 2 * size) for width in sizes)

        def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            for depth, layer in enumerate(self.layers):
                gate, candidate = layer(self.dropout(x) if depth else x).chunk(2, dim=2)
                x = scan((-gate).sigmoid(), gate.sigmoid() * candidate)
            return x, last_state(x, lengths)

    def model(size: int) -> SequenceModel:
        kept = params.model_dump(include={"pooling", "dropout", "embedding_size"})
        return SequenceModel(input, output, lambda dim: MinGru(dim, size), configuration={"hidden_size": size}, **kept)

    return model(params.hidden_size or size_for_budget(model, params.parameter_budget))


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    return [ModelSpec("mingru", build, Params, about="minimal GRU by a parallel scan (Feng et al. 2024)", causal=True)]
