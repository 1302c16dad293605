"""The parameters of the stock task: what is read, what is forecast, and how days are split and scaled."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ALL = ("all",)


class StockParams(BaseModel):
    """`--set tasks.stock_forecasting.KEY=VALUE`; the defaults are a fair one-day forecast of log-returns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    look_back: int = Field(default=30, ge=1, description="trading days in a window")
    horizon: int = Field(default=1, ge=1, description="days ahead, all forecast at once (direct multi-step)")
    target: Literal["log_return", "close"] = Field(
        default="log_return", description="what a model puts out: the scaled log-return of each day, or its close"
    )
    features: Literal["close", "ohlcv", "returns"] | None = Field(
        default=None,
        description="inputs per day: the close, open-high-low-close-volume as log-ratios, or log-returns; "
        "by default what the target is made of",
    )
    scaler: Literal["standard", "minmax"] = Field(default="standard", description="fitted on the train days only")
    splits: tuple[float, float, float] = Field(
        default=(0.7, 0.15, 0.15), description="fractions of days, in time order; the one of validation may be 0"
    )
    split_dates: tuple[date, date] | None = Field(
        default=None, description="first day of validation and first day of test, instead of splits"
    )
    price: Literal["close", "adj_close"] = Field(
        default="close", description="which to use of a file that has both Close and Adj Close"
    )
    column: str | None = Field(
        default=None,
        description="the price column by name, for a file with one per ticker; several parted by commas, or all",
    )
    ticker: str | None = Field(
        default=None, description="the ticker to use of several; several parted by commas, or all: one panel"
    )
    date_format: str | None = Field(default=None, description="strptime format of the dates when it cannot be told")
    strict: bool = Field(default=False, description="one bad row is an error; otherwise up to 5 % are dropped and told")
    noise_std: float = Field(
        default=0.0, ge=0, description="augmentation: noise on every training input, in units of the scaler"
    )
    shift_std: float = Field(
        default=0.0, ge=0, description="augmentation: one random offset per training window, in units of the scaler"
    )

    @field_validator("column", "ticker", mode="before")
    @classmethod
    def _is_one_text(cls, value: Any) -> Any:
        """A list is the same as its names with commas between; a number is a ticker, too."""
        if isinstance(value, (list, tuple)):
            value = ",".join(str(item).strip() for item in value)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value or None

    @field_validator("splits")
    @classmethod
    def _are_fractions(cls, splits: tuple[float, float, float]) -> tuple[float, float, float]:
        train, validation, test = splits
        if train <= 0 or validation < 0 or test <= 0 or abs(sum(splits) - 1) > 1e-6:
            raise ValueError("give fractions of train, validation and test that add up to 1; only validation may be 0")
        return splits

    @model_validator(mode="after")
    def _dates_are_in_order(self) -> StockParams:
        if self.split_dates is not None and self.split_dates[0] > self.split_dates[1]:
            raise ValueError("split_dates must be in order: the first day of validation, then the first day of test")
        return self

    @property
    def inputs(self) -> Literal["close", "ohlcv", "returns"]:
        """The features in use: `features`, or by default what the target is made of."""
        if self.features is not None:
            return self.features
        return "close" if self.target == "close" else "returns"

    @property
    def tickers(self) -> tuple[str, ...]:
        """The tickers asked for, each once; `ALL`, or none."""
        names = dict.fromkeys(part.strip() for part in (self.ticker or "").split(",") if part.strip())
        return ALL if [name.lower() for name in names] == ["all"] else tuple(names)
