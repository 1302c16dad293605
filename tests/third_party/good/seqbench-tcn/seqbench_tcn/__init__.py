"""The temporal convolution network of Bai, Kolter & Koltun 2018: causal, dilated, in residual blocks."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from seqbench import Input, ModelSpec, Output, hookimpl


class Params(BaseModel, frozen=True, extra="forbid"):
    """Those of the built-in models; hidden_size is what parameter_budget allows, unless it is given."""

    hidden_size: int | None = Field(default=None, ge=1)
    parameter_budget: int = Field(default=50_000, ge=1)
    levels: int = Field(default=6, ge=1, description="blocks, dilated by 1, 2, 4 and so on: 6 reach 252 steps back")
    kernel_size: int = Field(default=3, ge=2)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    pooling: Literal["auto", "last", "mean", "max", "mean_max", "attention"] = "auto"
    embedding_size: int = Field(default=64, ge=1)


def build(input: Input, output: Output, params: Params) -> Any:
    """Each block has two convolutions with weight norm, ReLU and dropout, and a way past them, then ReLU again."""
    from torch import Tensor, nn
    from torch.nn.functional import pad
    from torch.nn.utils.parametrizations import weight_norm

    from seqbench.nn import SequenceModel, last_state, size_for_budget

    class Tcn(nn.Module):
        def __init__(self, features: int, size: int) -> None:
            super().__init__()
            self.size, self.dropout, self.past = size, nn.Dropout(params.dropout), nn.Conv1d(features, size, 1)
            self.layers = nn.ModuleList()
            for place in range(2 * params.levels):
                layer = nn.Conv1d(size if place else features, size, params.kernel_size, dilation=2 ** (place // 2))
                self.layers.append(weight_norm(layer))

        def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            x = inner = x.transpose(1, 2)
            for place, layer in enumerate(self.layers):
                reach = (params.kernel_size - 1) * 2 ** (place // 2)
                inner = self.dropout(layer(pad(inner, (reach, 0))).relu())
                if place % 2:
                    x = inner = (inner + (self.past(x) if place == 1 else x)).relu()
            states = x.transpose(1, 2)
            return states, last_state(states, lengths)

    def model(size: int) -> SequenceModel:
        kept = params.model_dump(include={"pooling", "dropout", "embedding_size"})
        return SequenceModel(input, output, lambda dim: Tcn(dim, size), configuration={"hidden_size": size}, **kept)

    return model(params.hidden_size or size_for_budget(model, params.parameter_budget))


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    return [ModelSpec("tcn", build, Params, about="temporal convolution network (Bai et al. 2018)", causal=True)]
