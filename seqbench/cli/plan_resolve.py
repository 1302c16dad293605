"""`seqbench plan --resolve`: the open ties, how many more seeds would settle them, and what these cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from seqbench.benchmark import Benchmark
    from seqbench.board import Board
    from seqbench.estimates import Estimates
    from seqbench.plan import Cell
    from seqbench.resolve import Open


def resolve(benchmark: Benchmark, *, as_json: bool) -> None:
    """Print what would settle the ties on the boards of the plan's tasks."""
    from seqbench.analysis import read_boards
    from seqbench.errors import StoreError
    from seqbench.estimates import Estimates, remembered
    from seqbench.resolve import open_pairs

    store = benchmark.store
    boards = read_boards(store, {cell.task_id for cell in benchmark.cells})
    if not boards:
        raise StoreError(f"{store.folder} has no results of these tasks: there are no ties before a seqbench run.")
    estimates = Estimates.of(store.outcomes(), remembered(), store.folder)
    found = [(board, open_pairs(board)) for board in boards]
    if as_json:
        values = [_values(board, ties, benchmark, estimates) for board, ties in found]
        typer.echo(json.dumps(values, indent=2))
        return
    for board, ties in found:
        _print(board, ties, benchmark, estimates)


def _further(board: Board, ties: list[Open], benchmark: Benchmark) -> list[Cell]:
    """The cells that would settle the ties: further seeds of the models that need them.

    They are as the planned cells of the same row, for whose cost it is all the same which seed they have.
    """
    from seqbench.resolve import wanted_seeds

    found = []
    for model, seeds in wanted_seeds(ties).items():
        planned = [cell for cell in benchmark.cells if (cell.task_id, cell.label) == (board.task, model)]
        have = next(len(row.seeds) for row in board.rows if row.model == model)
        found += planned[:1] * (seeds - have)
    return found


def _values(board: Board, ties: list[Open], benchmark: Benchmark, estimates: Estimates) -> dict[str, Any]:
    from seqbench.resolve import wanted_seeds

    cells = _further(board, ties, benchmark)
    total = estimates.total(cells, benchmark.workers)
    return {
        "task": board.task,
        "ties": [
            {
                "one": tie.pair.one,
                "other": tie.pair.other,
                "difference": tie.pair.difference,
                "seeds": list(tie.pair.seeds),
                "seeds_needed": tie.seeds,
                "why": tie.why,
            }
            for tie in ties
        ],
        "seeds_by_model": wanted_seeds(ties),
        "cells": len(cells),
        "seconds": total.seconds,
    }


def _print(board: Board, ties: list[Open], benchmark: Benchmark, estimates: Estimates) -> None:
    from rich.markup import escape

    from seqbench.cli.console import out

    out.print(f"\n[bold]{escape(board.task)}[/bold]", soft_wrap=True)
    if not ties:
        out.print("No model is tied with the best one.")
        return
    out.print(_table(board, ties))
    for line in _command(board, ties, benchmark, estimates):
        out.print(escape(line), soft_wrap=True)


def _table(board: Board, ties: list[Open]) -> Any:
    from rich.markup import escape

    from seqbench.cli.boards import plain_table, short_names

    names = short_names(board)
    heads = ("tied for first", "difference", "seeds now", "needed", "")
    lines = [
        (
            f"{names[tie.pair.one]}, {names[tie.pair.other]}",
            f"{tie.pair.difference:+.4f}",
            str(min(tie.pair.seeds)),
            "-" if tie.seeds is None else str(tie.seeds),
            tie.why,
        )
        for tie in ties
    ]
    table = plain_table(heads, [(*line[:4], "") for line in lines], (0, 4))
    for line in lines:
        table.add_row(*map(escape, line))
    return table


def _command(board: Board, ties: list[Open], benchmark: Benchmark, estimates: Estimates) -> list[str]:
    """What to run, and what it costs; `needed` is for a chance of 80 % to find a difference as large as that seen."""
    from seqbench.cli.plan import duration
    from seqbench.resolve import wanted_seeds

    wanted = wanted_seeds(ties)
    if not wanted:
        return ["No number of seeds (up to 200) would settle these ties."]
    cells = _further(board, ties, benchmark)
    total = estimates.total(cells, benchmark.workers)
    names = sorted({name.partition("[")[0] for name in wanted})
    some = "" if all(tie.seeds is not None for tie in ties) else " that seeds can settle"
    command = f"seqbench run --tasks {board.task_name} --models {','.join(names)} --seeds 0-{max(wanted.values()) - 1}"
    lines = [f"To settle the ties{some}: {command}"]
    if cells and total.sources.get("unknown", 0) < len(cells):
        more = ", ".join(f"{count - _have(board, model)} of {model}" for model, count in sorted(wanted.items()))
        lines.append(f"{len(cells)} more cells ({more}): about {duration(total.seconds)}.")
    return [*lines, "With so many seeds a difference as large as that seen is found with a chance of 80 %."]


def _have(board: Board, model: str) -> int:
    return next(len(row.seeds) for row in board.rows if row.model == model)
