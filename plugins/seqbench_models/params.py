"""The parameters that the recurrent models share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RecurrentParams(BaseModel):
    """Size, depth, regularisation, pooling and initialisation of a recurrent model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_size: int | None = Field(
        default=None, ge=1, description="units per layer and direction; by default what parameter_budget allows"
    )
    parameter_budget: int = Field(
        default=50_000, ge=1, description="trainable numbers outside the token embedding, the same for every model"
    )
    num_layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1, description="on embeddings, between layers and before the head")
    pooling: Literal["auto", "last", "mean", "max", "mean_max", "attention"] = Field(
        default="auto", description="of the states over time; auto is last for forecasts, mean_max for classes"
    )
    embedding_size: int = Field(default=64, ge=1, description="of tokens")
    init: Literal["default", "normal"] = Field(
        default="default", description="default: PyTorch's uniform; normal: zero-mean Gaussian for every weight matrix"
    )
    init_std: float = Field(default=0.1, gt=0, description="standard deviation of init = normal")


class GatedParams(RecurrentParams):
    """Those of a model with a forget gate."""

    forget_bias: float | None = Field(
        default=1.0, description="sum of the forget gate's biases at the start; none leaves them as init made them"
    )
