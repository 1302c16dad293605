"""`report.html`: a results folder as one page that stands alone. Needs no plugin and no network, nor does the page."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from seqbench.board import Board, Overall, OverallRow, Pair, Row
from seqbench.errors import StoreError
from seqbench.report import across, curves, intervals, matrices, tables, tradeoffs
from seqbench.report.galleries import Gallery, left_out, of_confusions, of_forecasts
from seqbench.report.mishaps import Mishaps, mishaps
from seqbench.report.names import cut, short_names
from seqbench.report.provenance import Provenance, provenance
from seqbench.report.svg import Figure
from seqbench.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

    from seqbench.records import CellRecord
    from seqbench.store import Store

FILE = "report.html"
REMARK_CHARACTERS = 500
FIGURE_BYTES = 2_400_000
"""Room on the page for the figures that every model has one of (curves, matrices, forecasts), shared by the tasks."""


@dataclass(frozen=True)
class TaskPart:
    """What the page says of one task."""

    ident: str
    board: Board
    verdicts: tuple[str, ...]
    names: Mapping[str, str]
    table: tables.BoardTable
    metrics: tuple[tuple[tables.Column, ...], tuple[tuple[Row, tuple[tables.Field, ...]], ...]]
    intervals: Figure | None
    tradeoffs: tuple[Figure, ...]
    curves: Gallery
    confusions: Gallery
    forecasts: Gallery
    matrix: matrices.Matrix | None
    pairs: tuple[Pair, ...]
    remarks: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class OverallPart:
    """What the page says over all tasks."""

    overall: Overall
    verdict: str
    names: Mapping[str, str]
    rows: tuple[OverallRow, ...]
    improvement: matrices.Matrix
    outcomes: matrices.Matrix
    profiles: Gallery
    diagram: Figure | None


@dataclass(frozen=True)
class Page:
    """Everything that the templates show. warnings: lines of the store that had to be left out.

    superseded: records that are on no board, since there are more recent ones of the same names.
    """

    title: str
    tasks: tuple[TaskPart, ...]
    overall: OverallPart | None
    mishaps: Mishaps
    provenance: Provenance
    warnings: tuple[str, ...]
    superseded: int = 0
    version: str = __version__


def write(store: Store, out: Path | None = None) -> Path:
    """Write `report.html` into `out`, by default the results folder; gives its path.

    Raises StoreError when there are no records, or the file cannot be written.
    """
    from seqbench.analysis import overall, read_boards
    from seqbench.leaderboard import latest

    records = list(latest(store.records()).values())
    if not records:
        raise StoreError(f"there are no records in {store.folder}: run seqbench run first, or choose --results.")
    warnings = tuple(store.warnings)
    boards = read_boards(store)
    page = assemble(records, boards, overall(boards), store.folder, warnings)
    file = (out or store.folder) / FILE
    beside = file.with_name(f"{FILE}.{os.getpid()}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(render(page).encode("utf-8", "replace"))
        beside.replace(file)
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}; choose another folder with --out.") from None
    return file


def assemble(
    records: Sequence[CellRecord],
    boards: Sequence[Board],
    over_tasks: Overall | None,
    results: Path,
    warnings: Sequence[str] = (),
) -> Page:
    """The page of the latest records and their boards. results: the folder that the records' own folders lie in."""
    current = {row.series for board in boards for row in board.rows}
    shown = [record for record in records if record.series in current]
    by_series: dict[str, list[CellRecord]] = {}
    for record in shown:
        by_series.setdefault(record.series, []).append(record)
    room = FIGURE_BYTES // max(1, len(boards))
    parts = [_task(board, by_series, results, f"task-{number}", room) for number, board in enumerate(boards, 1)]
    return Page(
        title=results.name if results.name not in ("", "results") else "",
        tasks=tuple(parts),
        overall=_overall(over_tasks) if over_tasks else None,
        mishaps=mishaps(shown),
        provenance=provenance(shown),
        warnings=tuple(warnings),
        superseded=len(records) - len(shown),
    )


def _task(
    board: Board, by_series: Mapping[str, Sequence[CellRecord]], results: Path, ident: str, room: int
) -> TaskPart:
    from seqbench.verdicts import verdicts

    names = short_names(row.model for row in board.rows)
    records = {row.model: _ended_well(by_series.get(row.series, ()), results) for row in board.rows}
    panels, behind = curves.figures(board, records, names, f"{ident}-curves")
    drawn = Gallery(tuple(panels), behind, left_out(len(panels), sum(not row.is_baseline for row in board.rows)))
    room -= sum(len(figure.svg) for figure in panels) + len(behind)
    mistakes = of_confusions(board, records, results, names, f"{ident}-confusion").within(room)
    room -= sum(len(figure.svg) for figure in mistakes.figures)
    return TaskPart(
        ident=ident,
        board=board,
        verdicts=tuple(verdicts(board, names)),
        names=names,
        table=tables.board_table(board, names),
        metrics=tables.metrics_table(board),
        intervals=intervals.figure(board, names, f"{ident}-intervals"),
        tradeoffs=tuple(tradeoffs.figures(board, names, f"{ident}-cost")),
        curves=drawn if panels else Gallery(),
        confusions=mistakes,
        forecasts=of_forecasts(board, records, results, names, f"{ident}-forecast").within(room),
        matrix=matrices.pairwise(board, names),
        pairs=tuple(matrices.closest_pairs(board)),
        remarks=_remarks(records, names),
        notes=tuple(note for note in board.notes if note not in verdicts(board)),
    )


def _ended_well(records: Iterable[CellRecord], results: Path) -> list[CellRecord]:
    """Those that ended `ok`, by seed; one whose folder is not inside the results folder has no files."""
    found = []
    for record in sorted(records, key=lambda record: record.seed):
        if record.status == "ok":
            inside = (results / record.folder).resolve().is_relative_to(results.resolve())
            found.append(record if record.folder and inside else replace(record, folder="."))
    return found


def _remarks(records: Mapping[str, Sequence[CellRecord]], names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What the task said of predictions: a sentence, and of which rows."""
    said: dict[str, dict[str, None]] = {}
    for model, group in records.items():
        for record in group:
            for remark in record.remarks:
                said.setdefault(cut(remark, REMARK_CHARACTERS), {})[names[model]] = None
    return tuple((remark, ", ".join(rows)) for remark, rows in said.items())


def _overall(overall: Overall) -> OverallPart:
    names = short_names(row.model for row in overall.rows)
    panels, behind = across.profiles(overall, names, "overall-profile")
    return OverallPart(
        overall=overall,
        verdict=across.verdict(overall, names),
        names=names,
        rows=overall.rows,
        improvement=matrices.improvement(overall, names),
        outcomes=matrices.outcomes(overall, names),
        profiles=Gallery(tuple(panels), behind, left_out(len(panels), len(overall.rows))),
        diagram=across.critical_difference(overall, names, "overall-ranks"),
    )


def render(page: Page) -> str:
    """The page as HTML: one file, its style and script inside, and a policy that lets it fetch nothing."""
    environment = _environment()
    script = environment.get_template("page.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        page=page,
        script=Markup(script),  # noqa: S704 - a file of this package
        script_hash=digest,
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("seqbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["p"] = matrices.p_text
    environment.filters["signed"] = matrices.signed
    environment.filters["duration"] = _duration
    return environment


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
