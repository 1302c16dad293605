"""What MLflow shows as text: a row in a sentence, and boards as Markdown that fits into a tag. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seqbench.board import Board, Overall, Row
from seqbench.tracking.names import MAX_TAG, listed, plus_minus, shortened

Cells = tuple[str, ...]

COST_COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("parameters", "parameters", lambda value: f"{value:,.0f}"),
    ("macs", "MACs", lambda value: f"{value:,.0f}"),
    ("train_seconds", "train s", lambda value: f"{value:.1f}"),
    ("latency_p50_ms", "ms", lambda value: f"{value:.3g}"),
    ("peak_memory_bytes", "MiB", lambda value: f"{value / 2**20:,.0f}"),
)
"""Costs on a board: the row's field, the heading, and the text of a value."""

SENTENCES = 2000
"""Characters of a description that sentences may take."""

CLOCKED = ("train_seconds", "latency_p50_ms", "peak_memory_bytes")
"""Those that depend on what else the machine did."""


def row_note(row: Row, board: Board) -> str:
    """A row of the board as a sentence: its score, its rank, who is tied with it, and the best baseline."""
    if row.mean is None:
        return f"no result: {row.reason}"[:MAX_TAG]
    score = f"{row.metric} {plus_minus(row.mean, row.ci_low, row.ci_high)}"
    of_interval = "" if row.ci_low is None else " (95 %)"
    seeds = f"{len(row.seeds)} seed{'' if len(row.seeds) == 1 else 's'}"
    baseline = board.best_baseline
    beats = ""
    if row.beats_best_baseline is not None and baseline is not None:
        verdict = "better" if row.beats_best_baseline else "not told apart as better"
        beats = f"; {verdict} than the best baseline ({shortened(baseline.model)})"
    return f"{score}{of_interval} over {seeds}{_placed(row, board)}{beats}."[:MAX_TAG]


def _placed(row: Row, board: Board) -> str:
    """Its rank, how sure that is, and with whom it shares it."""
    if row.rank is None:
        return ""
    ranked = [other for other in board.rows if other.rank is not None]
    tied = [shortened(other.model) for other in ranked if other.rank == row.rank and other.model != row.model]
    between = f" (between {row.rank_low} and {row.rank_high})" if row.rank_low != row.rank_high else ""
    return f", rank {row.rank} of {len(ranked)}{between}{f', tied with {listed(tied)}' if tied else ''}"


def board_note(board: Board) -> str:
    """A task's board: who wins and who is tied, then a Markdown table of all rows that there is room for."""
    direction = "higher" if board.higher_is_better else "lower"
    legend = (
        f"{_escaped(shortened(board.task, 200))}: {_escaped(board.metric)}, {direction} is better; the mean over seeds "
        "and half its 95 % interval. Rows that share a letter are not told apart."
    )
    first, *others = board.notes or ("",)
    verdict = [f"**{_escaped(shortened(first, 600))}**  "] if first else []
    head = [*verdict, *_sentences(others), "", legend, ""]
    costs = [cost for cost in COST_COLUMNS if any(getattr(row, cost[0]) is not None for row in board.rows)]
    headings = (
        "#",
        "model",
        f"{_escaped(board.metric)} ± 95 %",
        "ties",
        "seeds",
        *(heading for _, heading, _ in costs),
    )
    table = [_board_cells(row, [(name, text) for name, _, text in costs]) for row in board.rows]
    foot = ["", f"Costs in bold are on the Pareto front of {_escaped(board.metric)} against them."]
    if any(row.alone is False for row in board.rows):
        foot.append("\\* measured while other cells ran; `seqbench measure` takes it again alone.")
    baseline = board.best_baseline
    kept = [index for index, row in enumerate(board.rows) if baseline is not None and row.model == baseline.model]
    return _fitting(head, _header(headings, "rlrlr" + "r" * len(costs)), table, foot, kept)


def _board_cells(row: Row, costs: Sequence[tuple[str, Callable[[float], str]]]) -> Cells:
    return (
        "-" if row.rank is None else str(row.rank),
        _escaped(shortened(row.model)) + (" (baseline)" if row.is_baseline else ""),
        "-" if row.mean is None else plus_minus(row.mean, row.ci_low, row.ci_high),
        row.letters if len(row.letters) <= 12 else f"{row.letters[:11]}…",
        str(len(row.seeds)),
        *(_cost(row, name, text) for name, text in costs),
    )


def _cost(row: Row, name: str, text: Callable[[float], str]) -> str:
    value = getattr(row, name)
    if value is None:
        return ""
    mark = "\\*" if row.alone is False and name in CLOCKED else ""
    return f"**{text(value)}**{mark}" if name in row.pareto else f"{text(value)}{mark}"


def overall_note(overall: Overall) -> str:
    """What holds over tasks: models, and as much of the probabilities of improvement as there is room for."""
    tasks = _escaped(listed([shortened(task) for task in overall.tasks]))
    legend = f"Tasks: {tasks}. IQM: interquartile mean of scores between 0, the worst row of a board, and 1, the best."
    head = [f"**{_first(overall)}**  ", *_sentences(overall.notes), "", legend, ""]
    headings = ("#", "model", "IQM ± 95 %", "mean rank", "wins", "ties", "losses")
    table = [
        (
            str(place),
            _escaped(shortened(row.model)),
            plus_minus(row.iqm, row.iqm_low, row.iqm_high),
            f"{row.mean_rank:.2f}",
            str(row.wins),
            str(row.ties),
            str(row.losses),
        )
        for place, row in enumerate(overall.rows, 1)
    ]
    note = _fitting(head, _header(headings, "rlrrrrr"), table, [], [])
    for count in range(len(overall.rows), 1, -1):
        matrix = "\n".join(_improvement(overall, count))
        if len(note) + 1 + len(matrix) <= MAX_TAG:
            return f"{note}\n{matrix}"
    return note


def _first(overall: Overall) -> str:
    """Who is first over the tasks, and how sure that is."""
    best = overall.rows[0]
    near = [_escaped(shortened(row.model)) for row in overall.rows[1:] if row.iqm_high >= best.iqm_low]
    reach = f", but its interval meets {'that' if len(near) == 1 else 'those'} of {listed(near)}" if near else ""
    score = plus_minus(best.iqm, best.iqm_low, best.iqm_high)
    return f"{_escaped(shortened(best.model))} is first over {len(overall.tasks)} tasks (IQM {score}){reach}."


def _improvement(overall: Overall, count: int) -> list[str]:
    """The matrix of the first `count` models."""
    names = [row.model for row in overall.rows[:count]]
    of = "" if count == len(overall.rows) else f" (the first {count} of {len(overall.rows)} models)"
    lines = ["", f"Probability that a run of the row's model is better than one of the column's{of}:", ""]
    lines += _header(("", *(_escaped(shortened(name)) for name in names)), "l" + "r" * count)
    for one in names:
        values = (overall.improvement.get(one, {}).get(other) for other in names)
        lines.append(
            _line((_escaped(shortened(one)), *("" if value is None else _probability(value) for value in values)))
        )
    return lines


def _probability(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"


def _fitting(
    head: Sequence[str], header: Sequence[str], table: Sequence[Cells], foot: Sequence[str], kept: Sequence[int]
) -> str:
    """The table within MLflow's limit: what does not fit are whole rows, the last ones first, those in `kept` never."""
    lines = [_line(cells) for cells in table]
    left_out: set[int] = set()
    room = MAX_TAG - len("\n".join((*head, *header, *foot, _more(len(lines))))) - 2
    for index in sorted(range(len(lines)), key=lambda index: (index in kept, -index)):
        if sum(len(line) + 1 for place, line in enumerate(lines) if place not in left_out) <= room:
            break
        left_out.add(index)
    shown = [line for place, line in enumerate(lines) if place not in left_out]
    more = [_more(len(left_out))] if left_out else []
    return "\n".join((*head, *header, *shown, *more, *foot))


def _sentences(notes: Sequence[str]) -> list[str]:
    """A line each, as many as leave room for a table."""
    lines: list[str] = []
    for note in notes:
        line = f"{_escaped(shortened(note, 600))}  "
        if len("\n".join((*lines, line))) <= SENTENCES:
            lines.append(line)
    return lines


def _more(count: int) -> str:
    return f"\n{count} more rows are among the runs."


def _header(headings: Sequence[str], sides: str) -> list[str]:
    """The first two lines of a table; `sides` has an `l` or `r` for each column."""
    return [_line(headings), _line(["---:" if side == "r" else "---" for side in sides])]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text as Markdown shows it."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#~" else letter for letter in " ".join(text.split()))


def scored(row: Row) -> str:
    """A row's score with its interval; empty without a result."""
    return "" if row.mean is None else plus_minus(row.mean, row.ci_low, row.ci_high)
