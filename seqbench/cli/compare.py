"""`seqbench compare A B`: two models beside each other, and the examples on which they disagree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from seqbench.board import Board, Pair, Row
    from seqbench.comparison import Disagreement

TEXT_WIDTH = 46
"""Characters of an example's text that are shown."""


def compare(
    one: Annotated[str, typer.Argument(metavar="A", help="A model or baseline, as it stands on the board.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    task: Annotated[
        str | None, typer.Option("--task", help="Only this task (its name or id); else all they share.")
    ] = None,
    examples: Annotated[int, typer.Option("--examples", min=0, help="How many examples to list per task.")] = 5,
    results: given.Results = None,
    as_json: given.Json = False,
) -> None:
    """Compare two models: the difference, its interval, p, and the test examples on which they disagree."""
    from seqbench.cli.leaderboard import opened
    from seqbench.comparison import chosen_boards, disagreements, named

    store = opened(results)
    found = []
    for board in chosen_boards(store, one, other, task):
        rows = named(board, one), named(board, other)
        pair = board.pair(rows[0].model, rows[1].model)
        assert pair is not None  # all rows with a result are in pairs
        found.append((board, rows, pair, disagreements(store, board, rows, examples)))
    if as_json:
        typer.echo(json.dumps([_values(*each) for each in found], indent=2))
        return
    for board, rows, pair, listed in found:
        _print(board, rows, pair, listed)


def _values(board: Board, rows: tuple[Row, Row], pair: Pair, listed: tuple[int, list[Disagreement]]) -> dict[str, Any]:
    return {
        "task": board.task,
        "metric": board.metric,
        "higher_is_better": board.higher_is_better,
        "models": [row.to_json() for row in rows],
        "pair": pair.to_json(),
        "differing_examples": listed[0],
        "examples": [item.to_json() for item in listed[1]],
    }


def _print(board: Board, rows: tuple[Row, Row], pair: Pair, listed: tuple[int, list[Disagreement]]) -> None:
    from rich.markup import escape

    from seqbench.cli.console import out

    direction = "higher" if board.higher_is_better else "lower"
    out.print(f"\n[bold]{escape(board.task)}[/bold]  ({board.metric}, {direction} is better)", soft_wrap=True)
    for line in (*_sentences(board, rows, pair), *_differing(pair, listed[0])):
        out.print(escape(line), soft_wrap=True)
    if listed[1]:
        out.print(_table(rows, listed[1]))


def _sentences(board: Board, rows: tuple[Row, Row], pair: Pair) -> list[str]:
    """Both scores, the difference with its interval, and the verdict."""
    lines = [f"{row.model}: {row.mean:.4f}{_interval(row.ci_low, row.ci_high)}, {_seeds(row)}" for row in rows]
    lines.append(f"{pair.one} - {pair.other}: {pair.difference:+.4f}{_interval(pair.ci_low, pair.ci_high)}")
    if pair.effect_size is not None:
        effect = f"effect size (Cohen's d of paired examples) {pair.effect_size:+.2f}"
        lines.append(effect + _interval(pair.effect_low, pair.effect_high, 2))
    if pair.p_value is None or pair.p_holm is None:
        return [*lines, f"No test: {pair.test.removeprefix('none: ')}."]
    count = len(board.pairs)
    stepped = f"; {pair.p_holm:.3g} stepped down over the {count} pairs of the board (Holm)" if count > 1 else ""
    on = f" on {pair.examples} test examples" if pair.examples else ""
    verdict = f"{pair.one} is better" if pair.is_different else "they are not told apart"
    return [*lines, f"p = {pair.p_value:.3g}{stepped}; {pair.test}{on}: {verdict}."]


def _seeds(row: Row) -> str:
    return f"{len(row.seeds)} seed{'s' if len(row.seeds) != 1 else ''}"


def _interval(low: float | None, high: float | None, digits: int = 4) -> str:
    return "" if low is None or high is None else f" (95 %: {low:.{digits}f} to {high:.{digits}f})"


def _differing(pair: Pair, count: int) -> list[str]:
    if not pair.examples:
        return []
    return [f"Their scores differ on {count} of the test examples; most:" if count else "Their scores differ nowhere."]


def _table(rows: tuple[Row, Row], listed: list[Disagreement]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading, justify in (
        ("example", "left"),
        ("target", "left"),
        (rows[0].model, "right"),
        (rows[1].model, "right"),
        ("", "left"),
    ):
        table.add_column(escape(heading), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for item in listed:
        text = item.text if len(item.text) <= TEXT_WIDTH else item.text[: TEXT_WIDTH - 1] + "…"
        table.add_row(*map(escape, (item.id, item.target, f"{item.one:.3g}", f"{item.other:.3g}", text)))
    return table
