"""Recurrent cells looped over time: an `Encoder` of seqbench.nn. Imported inside `build` only: it imports torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seqbench.errors import SpecError
from seqbench.nn import last_state

TRIAL_BATCH = 3
"""Neither one nor two: a state of two rows could be unpacked as two states."""


class LoopedCells(nn.Module):
    """Layers of one cell, step by step.

    make: `make(features)` gives a cell. `cell(x_t, state)` gives the new state, or `(output, state)` by `returns`.
    Padding comes last, so it reaches the state of no real step. Raises SpecError for a cell that gives something else.
    """

    def __init__(
        self,
        make: Callable[[int], Any],
        features: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        dropout: float = 0.0,
        returns: str = "state",
        who: str = "the cell",
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.has_own_output = returns == "output_and_state"
        self.who = who
        self.cells = nn.ModuleList()
        self.starts: list[str] = []
        self.size = features
        for _ in range(num_layers):
            cell = make(self.size)
            if not isinstance(cell, nn.Module):
                raise SpecError(f"{who}: it made {type(cell).__name__}, no torch.nn.Module")
            start, size = self._tried(cell, self.size)
            self.cells.append(cell)
            self.starts.append(start)
            self.size = size
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`(states: float[batch, time, size], last: float[batch, size])`."""
        for depth, (cell, start) in enumerate(zip(self.cells, self.starts, strict=True)):
            x = self._run(cell, start, self.dropout(x) if depth else x)
        return x, last_state(x, lengths)

    def _run(self, cell: nn.Module, start: str, x: Tensor) -> Tensor:
        state = self._first_state(cell, start, x)
        outputs = []
        for step in x.unbind(1):
            output, state = self._stepped(cell, step, state)
            outputs.append(output)
        return torch.stack(outputs, 1)

    def _stepped(self, cell: nn.Module, step: Tensor, state: Any) -> tuple[Tensor, Any]:
        given = cell(step, state)
        if self.has_own_output:
            output, state = given
            return output, state
        return (given[0] if isinstance(given, (tuple, list)) else given), given

    def _first_state(self, cell: nn.Module, start: str, x: Tensor) -> Any:
        if start == "own":
            return _moved(cell.initial_state(len(x)), x)  # type: ignore[operator]
        zeros = x.new_zeros(len(x), self.hidden_size)
        return {"none": None, "zeros": zeros, "pair": (zeros, zeros)}[start]

    def _tried(self, cell: nn.Module, features: int) -> tuple[str, int]:
        """How the cell's first state is made, and the size of its output, from one step of made-up input."""
        starts = ("own",) if callable(getattr(cell, "initial_state", None)) else ("none", "zeros", "pair")
        x = torch.ones(TRIAL_BATCH, features)
        problem: Exception | None = None
        was_training = cell.training
        cell.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            for start in starts:
                try:
                    output, state = self._stepped(cell, x, self._first_state(cell, start, x))
                    self._stepped(cell, x, state)
                except Exception as error:
                    problem = problem or error
                    continue
                if isinstance(output, Tensor) and output.dim() == 2 and len(output) == TRIAL_BATCH:
                    cell.train(was_training)
                    return start, output.shape[1]
                problem = problem or ValueError(f"it gave {_shape(output)}")
        raise SpecError(
            f"{self.who}: its cell does not go from (x_t: float[batch, {features}], state) to a state "
            f"float[batch, size] ({type(problem).__name__}: {problem})"
        ) from problem


def _moved(state: Any, like: Tensor) -> Any:
    """A state on the device of the input; its floating numbers of the same kind."""
    if isinstance(state, Tensor):
        return state.to(like.device, like.dtype if state.is_floating_point() else state.dtype)
    if isinstance(state, (tuple, list)):
        parts = [_moved(part, like) for part in state]
        return state._make(parts) if hasattr(state, "_make") else type(state)(parts)  # a NamedTuple takes them apart
    return state


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
