"""The built-in models: Elman RNN, LSTM, GRU, and any of them in both directions."""

from __future__ import annotations

from seqbench import ModelSpec, hookimpl


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    """Offer the built-in models."""
    from seqbench_models import bidirectional, gru, lstm, rnn

    return [rnn.SPEC, lstm.SPEC, gru.SPEC, bidirectional.SPEC]
