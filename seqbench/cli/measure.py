"""`seqbench measure`: the costs of trained models again, alone on the machine, with their spread."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqbench.cli import options as given
from seqbench.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from seqbench.campaign import Campaign
    from seqbench.measurements import Measurement
    from seqbench.records import CellRecord

REPEATS = 5
SIGNIFICANT = 3
"""Digits of a mean that are shown; of its spread, one."""


def measure(
    task: Annotated[
        list[str] | None,
        typer.Option("--task", metavar="T", help="Only this task's rows, by name or as on its board; again for more."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="M", help="Only this model's rows, by name or as on the board; again for more."
        ),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, metavar="N", help="Measurements of each row.")] = REPEATS,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 or mps; what each was trained on."),
    ] = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    strict_plugins: given.StrictPlugins = False,
    results: given.Results = None,
    force: Annotated[bool, typer.Option("--force", help="Measure again what is already measured.")] = False,
    as_json: given.Json = False,
) -> None:
    """Measure the costs of trained models again, alone: speed of training, latency, memory.

    One model of each row of the boards after the other, in a new process; nothing else should run on the machine.
    Exit codes: 0 all were measured, 1 some could not be, 2 the command is not valid, 130 interrupted.
    """
    from seqbench.campaign import Campaign, rows_of
    from seqbench.cli import console
    from seqbench.cli.turn import turn
    from seqbench.hardware import probe
    from seqbench.registry import discover
    from seqbench.store import Store

    console.set_up_logging()
    store = Store(Path(results or "results").expanduser().absolute())
    rows = rows_of(store, task or (), model or ())
    hardware, signals = probe(), StopSignals()
    if device is not None:
        hardware.choose(device)
    files = tuple(plugin or ())
    registry = discover(files, strict_plugins)
    for warning in (*console.plugin_warnings(registry), *store.warnings):
        console.warn(warning)
    campaign = Campaign(store, registry, files, hardware, repeats, device, signals.is_stopped)
    try:
        with signals, turn(store, signals):
            signals.is_deferred = True
            found, failed = _measure_all(campaign, rows, force, console.err if as_json else console.out)
    except KeyboardInterrupt:
        raise typer.Exit(signals.exit_code) from None
    if as_json:
        typer.echo(json.dumps([{**_name(record), **item.to_json()} for record, item in found], indent=2))
    raise typer.Exit(1 if failed else 0)


def _measure_all(
    campaign: Campaign, rows: Sequence[CellRecord], force: bool, screen: Console
) -> tuple[list[tuple[CellRecord, Measurement]], int]:
    """Measure what is to be measured, keeping each at once; gives all that is there then, and how many failed."""
    from seqbench.cli.console import warn
    from seqbench.errors import FullError, SeqbenchError, one_line
    from seqbench.measurements import append, read_all

    there: list[str] = []
    before = read_all(campaign.store.folder, there)
    for warning in there:
        warn(warning)
    found: list[tuple[CellRecord, Measurement]] = []
    known = failed = 0
    for number, record in enumerate(rows, 1):
        name = f"{record.task_id} {record.label}"
        try:
            old = before.get((record.key, campaign.device(record).kind))
            if old is not None and not force and campaign.is_measured(record, old):
                found.append((record, old))
                known += 1
                continue
            with _shown(f"[{number}/{len(rows)}] measuring {name}"):
                measurement = campaign.measure(record)
            append(campaign.store, measurement)
        except FullError:
            raise
        except Exception as error:
            failed += 1
            kind = "" if isinstance(error, SeqbenchError) else f"{type(error).__name__}: "
            warn(f"{name} was not measured: {kind}{one_line(error)}")
            continue
        found.append((record, measurement))
        screen.print(f"[{number}/{len(rows)}] {name}: {told(measurement)}", markup=False, soft_wrap=True)
        for remark in (*measurement.remarks, *_off_the_board(measurement)):
            warn(f"{name}: {remark}")
    if known:
        text = f"{known} of {len(rows)} rows are measured already (--force measures them again)."
        screen.print(text, soft_wrap=True)
    return found, failed


def _name(record: CellRecord) -> dict[str, object]:
    return {"task": record.task_id, "model": record.label, "seed": record.seed}


@contextlib.contextmanager
def _shown(text: str) -> Iterator[None]:
    """While inside, say what is measured where there is a terminal; seldom drawn, so that it takes no time from it."""
    from rich.markup import escape

    from seqbench.cli.console import err

    if not err.is_terminal:
        yield
        return
    with err.status(escape(f"{text} ..."), refresh_per_second=1):
        yield


def _off_the_board(measurement: Measurement) -> list[str]:
    if measurement.is_for_boards:
        return []
    trained, here = measurement.environment["trained_on"], measurement.environment["device_kind"]
    return [f"it was trained on {trained} and measured on {here}: boards do not show that beside costs of {trained}"]


def told(measurement: Measurement) -> str:
    """A measurement in one line: `1,230 ± 20 examples/s, 0.31 ± 0.02 ms for one (p95 0.4), ...`."""
    one, one_95 = _told(measurement, "latency_p50_ms"), measurement.values["latency_p95_ms"]
    many, many_95 = _told(measurement, "batch_latency_p50_ms"), measurement.values["batch_latency_p95_ms"]
    return (
        f"{_told(measurement, 'examples_per_second')} examples/s, {one} ms for one (p95 {one_95:.2g}), "
        f"{many} ms for {measurement.values['batch_size']:.0f} (p95 {many_95:.2g}), "
        f"{_told(measurement, 'peak_memory_bytes', 1e6)} MB"
    )


def _told(measurement: Measurement, cost: str, unit: float = 1.0) -> str:
    value = _short(measurement.values[cost] / unit, SIGNIFICANT)
    spread = measurement.spread.get(cost)
    return value if spread is None else f"{value} ± {_short(spread / unit, 1)}"


def _short(value: float, digits: int) -> str:
    """A number of so many significant digits, never in exponents: `12,300`, `0.0312`."""
    from math import floor, log10

    if not value:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    return f"{round(value, places):,.{max(0, places)}f}"
