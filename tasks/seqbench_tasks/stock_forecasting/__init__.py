"""Forecasting the next closes of a price series from a look-back window of trading days."""
