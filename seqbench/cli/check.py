"""`seqbench check`: does a model or task plugin keep its contract? What holds, and where to look for what does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqbench.cli import options as given

if TYPE_CHECKING:
    from seqbench.testing import Inspection, Report


def _names(incomplete: str) -> list[str]:
    """For a shell that completes a name: of models and of tasks."""
    from seqbench.registry import discover

    registry = discover()
    return sorted(name for name in (*registry.models, *registry.tasks) if name.startswith(incomplete))


Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=_names, help="The model or task to check.")]
Kind = Annotated[
    Literal["model", "task"] | None, typer.Option("--kind", help="Which, where a model and a task have one name.")
]
Source = Annotated[
    str | None, typer.Option("--data", metavar="SOURCE", help="A task's data: builtin, or a file or folder.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the model or task; again for more."),
]


def check(
    name: Name,
    kind: Kind = None,
    data: Source = None,
    settings: Settings = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    as_json: given.Json = False,
) -> None:
    """Check a model or task by the conformance kit.

    Exit 0 when all holds, 1 when something fails, 2 when there is nothing of that name.
    """
    from seqbench.cli.console import waiting
    from seqbench.testing.named import inspection_of

    params = _params(name, settings or [])
    source = data.removeprefix(f"{name}=") if data else None  # as other commands have it
    inspection = inspection_of(name, kind=kind, plugins=plugin or (), source=source, params=params)
    if as_json:
        report = inspection.report()
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        with waiting(f"checking {inspection.kind} '{name}'"):
            report = inspection.report()
        _print(report, inspection)
    raise typer.Exit(0 if report.is_well else 1)


def _params(name: str, settings: list[str]) -> dict[str, Any]:
    """`--set` as values by key: `KEY`, or as other commands have it, `models.NAME.KEY` and `tasks.NAME.KEY`."""
    from seqbench.errors import ConfigError
    from seqbench.run_file import apply_settings

    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        for prefix in (f"models.{name}.", f"tasks.{name}."):
            key = key.strip().removeprefix(prefix)
        if not equals or not key or "." in key:
            raise ConfigError(f"--set {setting!r}: write KEY=VALUE with a parameter of '{name}'.")
        values |= apply_settings({}, [f"checked.{key}={value}"])["checked"]
    return values


def _print(report: Report, inspection: Inspection) -> None:
    """A line per check, what went wrong in full below, and the sum."""
    from rich.markup import escape
    from rich.table import Table

    from seqbench.cli.console import out

    styles = {"ok": "ok", "failed": "[bold red]FAILED[/bold red]", "skipped": "[dim]skipped[/dim]"}
    out.print(f"\n[bold]{report.kind} {escape(report.name)}[/bold]")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("check", "", "looked at"):
        table.add_column(heading, overflow="fold")
    for finding in report.findings:
        seen = "see below" if finding.status == "failed" else finding.seen
        table.add_row(finding.check, styles[finding.status], escape(seen))
    out.print(table)
    for finding in report.failures:
        out.print(f"\n[bold red]{finding.check}[/bold red]")
        for what, text in (("expected", finding.expected), ("seen", finding.seen), ("look at", finding.where)):
            if text:
                _print_paragraph(what, text)
    counts = {status: sum(item.status == status for item in report.findings) for status in styles}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    out.print(f"\n{told}, in {report.seconds:.1f} s")


def _print_paragraph(what: str, text: str) -> None:
    """A heading with its text beside, wrapped to the terminal."""
    from rich.markup import escape
    from rich.table import Table

    from seqbench.cli.console import out

    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=8, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(what, escape(text))
    out.print(grid)
