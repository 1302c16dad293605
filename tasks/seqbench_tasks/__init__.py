"""The built-in tasks: stock forecasting, speech commands, sentiment."""

from __future__ import annotations

from seqbench import TaskSpec, hookimpl


@hookimpl
def seqbench_tasks() -> list[TaskSpec]:
    """Offer the built-in tasks."""
    from seqbench_tasks.sentiment.task import SPEC as SENTIMENT
    from seqbench_tasks.speech_commands.task import SPEC as SPEECH_COMMANDS
    from seqbench_tasks.stock_forecasting.task import SPEC as STOCK_FORECASTING

    return [SENTIMENT, SPEECH_COMMANDS, STOCK_FORECASTING]
