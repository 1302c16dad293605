"""What `seqbench data` prints: facts of prepared data, findings of sentinels, the cache's entries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from seqbench.cli.console import out

if TYPE_CHECKING:
    from seqbench.audit import Finding
    from seqbench.cache import Entry
    from seqbench.preparation import Subject
    from seqbench.prepare import Prepared

SHOWN = 10
"""Dropped rows and classes that are listed; --json has all."""


def _table(*headings: str, right: Iterable[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def print_facts(facts: Mapping[str, Any]) -> None:
    """Everything that `seqbench data show` says, for a terminal of 80 columns."""
    out.print(f"\n[bold]{escape(facts['task_id'])}[/bold]")
    if facts["about"]:
        out.print(escape(facts["about"]))
    _print_splits(facts["splits"])
    _print_classes(facts["splits"])
    _say("input", _noun(facts["input"]))
    _say("output", _noun(facts["output"]))
    for key in ("vocabulary", "features"):
        if key in facts["notes"]:
            _say(key, _plain(facts["notes"][key]))
    _list("dropped", facts["dropped"], "nothing")
    _list("warnings", facts["warnings"], "")
    counts = facts["duplicates"]
    _say("duplicates", ", ".join(f"{count} inside {name}" for name, count in counts["within"].items()))
    _say("", ", ".join(f"{count} in {pair}" for pair, count in counts["across"].items()))
    _list("samples", facts["samples"], "")
    _say("fingerprint", facts["fingerprint"])
    _say("prepared", f"in {facts['seconds']:.1f} s, {facts['folder']}")


def _print_splits(splits: Mapping[str, Mapping[str, Any]]) -> None:
    numbers = ("examples", "steps", "min", "median", "p95", "max")
    with_dates = any("dates" in facts for facts in splits.values())
    table = _table("split", *numbers, *(["dates"] if with_dates else []), right=numbers)
    for name, facts in splits.items():
        lengths = [f"{value:,.0f}" for value in facts.get("lengths", {}).values()] or [""] * 4
        dates = [" to ".join(facts.get("dates", ()))] if with_dates else []
        table.add_row(name, f"{facts['examples']:,}", f"{facts['steps']:,}", *lengths, *dates)
    out.print(table)


def _print_classes(splits: Mapping[str, Mapping[str, Any]]) -> None:
    labels = list(next((facts["classes"] for facts in splits.values() if "classes" in facts), ()))
    if not labels:
        return
    table = _table("class", *splits, right=splits)
    for label in labels[:SHOWN]:
        table.add_row(escape(label), *(f"{facts.get('classes', {}).get(label, 0):,}" for facts in splits.values()))
    out.print(table)
    if len(labels) > SHOWN:
        out.print(f"... and {len(labels) - SHOWN} more classes")


def _plain(value: Any) -> str:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, Mapping) else str(value)


def _noun(values: Mapping[str, Any]) -> str:
    labels = values.get("labels")
    if labels is not None:
        return f"{len(labels)} classes"
    return ", ".join(f"{value} {key}" if key != "kind" else str(value) for key, value in values.items())


def _say(what: str, text: str) -> None:
    out.print(f"[dim]{what:<12}[/dim]{escape(text)}", soft_wrap=True)


def _list(what: str, items: Sequence[str], none: str) -> None:
    if not items:
        if none:
            _say(what, none)
        return
    for number, item in enumerate(items[:SHOWN]):
        _say("" if number else what, str(item))
    if len(items) > SHOWN:
        _say("", f"... and {len(items) - SHOWN} more")


def print_findings(task_id: str, findings: Sequence[Finding]) -> None:
    """A line per sentinel, and the problems in full below."""
    out.print(f"\n[bold]{escape(task_id)}[/bold]")
    table = _table("sentinel", "", "looked at")
    for finding in findings:
        state = "ok" if finding.is_well else "[bold red]PROBLEM[/bold red]"
        table.add_row(escape(finding.sentinel), state, escape(finding.detail))
    out.print(table)
    for finding in findings:
        if finding.problem:
            out.print(f"{escape(finding.sentinel)}: {escape(finding.problem)}", soft_wrap=True)


def print_prepared(found: Sequence[tuple[Subject, Prepared, float]]) -> None:
    """A line per task: sizes, how long it took when it was made, and how long now."""
    numbers = ("train", "validation", "test", "made in s", "now s")
    table = _table("task", *numbers, right=numbers)
    for subject, prepared, waited in found:
        sizes = (f"{size:,}" for size in prepared.sizes)
        table.add_row(escape(subject.task_id), *sizes, f"{prepared.seconds:.2f}", f"{waited:.2f}")
    out.print(table)


def print_entries(folder: Path, found: Sequence[Entry]) -> None:
    """A line per thing in the cache, and what it takes in all."""
    table = _table("kind", "made", "MiB", "task", "source", right=("MiB",))
    for item in found:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(item.made_at))
        table.add_row(item.kind, made, f"{item.bytes / 2**20:.1f}", item.task, escape(item.source))
    if found:
        out.print(table)
    total = sum(item.bytes for item in found) / 2**20
    out.print(f"{len(found)} in {escape(str(folder))}, {total:.1f} MiB", soft_wrap=True)
