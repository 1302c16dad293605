"""A diagonal state-space model, S4D (Gu, Gupta, Goel & Re 2022), as a long convolution by FFT."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from seqbench import Input, ModelSpec, Output, hookimpl


class Params(BaseModel, frozen=True, extra="forbid"):
    """Those of the built-in models; hidden_size is what parameter_budget allows, unless it is given."""

    hidden_size: int | None = Field(default=None, ge=1)
    parameter_budget: int = Field(default=50_000, ge=1)
    num_layers: int = Field(default=2, ge=1)
    state_size: int = Field(default=16, ge=1, description="pairs of conjugate states of each unit")
    dropout: float = Field(default=0.0, ge=0, lt=1)
    pooling: Literal["auto", "last", "mean", "max", "mean_max", "attention"] = "auto"
    embedding_size: int = Field(default=64, ge=1)


def build(input: Input, output: Output, params: Params) -> Any:
    """Layers of x + GLU(W GELU(y)), y = 2 Re(C s) + D u, s' = A s + u by zero-order hold, begun as S4D-Lin."""
    from torch import Tensor, arange, fft, float32, full, nn, pi, promote_types, rand, randn, stack, view_as_complex

    from seqbench.nn import SequenceModel, last_state, padding_mask, size_for_budget

    class S4d(nn.Module):
        def __init__(self, features: int, size: int) -> None:
            super().__init__()
            self.size, self.inward, self.norm = size, nn.Linear(features, size), nn.LayerNorm(size)
            self.dropout, shape = nn.Dropout(params.dropout), (params.num_layers, size, params.state_size)
            self.step, self.d = nn.Parameter(rand(shape[:2]) * 4.6 - 6.9), nn.Parameter(randn(shape[:2]))
            self.decay, self.c = nn.Parameter(full(shape, -0.7)), nn.Parameter(randn(*shape, 2))
            self.frequency = nn.Parameter(pi * arange(params.state_size).expand(shape))
            self.mixers = nn.ModuleList(nn.Linear(size, 2 * size) for _ in range(params.num_layers))

        def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            time, wide = x.shape[1], promote_types(x.dtype, float32)
            x = self.inward(x).masked_fill(~padding_mask(lengths, time)[..., None], 0)
            a = view_as_complex(stack([-self.decay.to(wide).exp(), self.frequency.to(wide)], 3))
            moved = a * self.step.to(wide).exp()[..., None]
            c = view_as_complex(self.c.to(wide)) * (moved.exp() - 1) / a
            kernels = 2 * (c[..., None] * (moved[..., None] * arange(time, device=x.device)).exp()).sum(2).real.mT
            for kernel, d, mixer in zip(kernels, self.d.to(wide), self.mixers, strict=True):
                u = self.norm(x).to(wide)
                y = fft.irfft(fft.rfft(u, 2 * time, 1) * fft.rfft(kernel, 2 * time, 0), 2 * time, 1)[:, :time] + d * u
                x = x + self.dropout(nn.functional.glu(mixer(nn.functional.gelu(y).to(x.dtype))))
            return x, last_state(x, lengths)

    def model(size: int) -> SequenceModel:
        kept = params.model_dump(include={"pooling", "dropout", "embedding_size"})
        return SequenceModel(input, output, lambda dim: S4d(dim, size), configuration={"hidden_size": size}, **kept)

    return model(params.hidden_size or size_for_budget(model, params.parameter_budget))


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    return [ModelSpec("ssm", build, Params, about="diagonal state-space model (Gu et al. 2022)", causal=True)]
