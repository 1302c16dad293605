"""`seqbench data`: prepare data, describe it, check it for leaks, and look after the cache. Nothing is trained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqbench.cli import data_cache
from seqbench.cli import options as given

if TYPE_CHECKING:
    from seqbench.preparation import Subject
    from seqbench.prepare import Prepared

app = typer.Typer(help="Prepare data, describe it, check it for leaks, and look after the cache.", no_args_is_help=True)
app.add_typer(data_cache.app, name="cache")

Task = Annotated[str, typer.Argument(metavar="TASK", help="The task whose data it is.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw the data into this file (.png, .svg or .pdf).")
]


@app.command("show")
def show(
    task: Task,
    data: given.Data = None,
    settings: given.Settings = None,
    config: given.RunFile = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    plot: Plot = None,
    as_json: given.Json = False,
) -> None:
    """Prepare a task's data and say what it holds. Sizes, classes or dates, lengths, what was dropped, samples."""
    from seqbench.cli import data_tables
    from seqbench.describe import describe
    from seqbench.prepare import load

    subject, prepared = _prepared(task, data, settings, config, plugin)
    found = load(Path(prepared.folder))
    facts = {
        "task_id": subject.task_id,
        "source": subject.origin,
        **describe(subject.spec, found),
        "seconds": prepared.seconds,
        "folder": prepared.folder,
    }
    if plot is not None:
        from seqbench.report.data import draw

        draw(found, subject.task_id, plot)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        data_tables.print_facts(facts)
        if plot is not None:
            typer.echo(f"plot: {plot}")


@app.command("audit")
def audit(
    task: Task,
    data: given.Data = None,
    settings: given.Settings = None,
    config: given.RunFile = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    as_json: given.Json = False,
) -> None:
    """Check a task's data for leaks by sentinels. Exit 1 when one rings."""
    from dataclasses import asdict

    from seqbench.audit import audit as run_sentinels
    from seqbench.cli import data_tables
    from seqbench.prepare import load

    subject, prepared = _prepared(task, data, settings, config, plugin)
    found = list(run_sentinels(subject.spec, load(Path(prepared.folder)), subject.location, subject.parsed))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        data_tables.print_findings(subject.task_id, found)
    raise typer.Exit(0 if all(finding.is_well for finding in found) else 1)


@app.command("prepare")
def prepare(
    tasks: given.Tasks = None,
    data: given.Data = None,
    settings: given.Settings = None,
    config: given.RunFile = None,
    plugin: given.PluginFiles = None,
    no_plugin: given.NoPlugin = None,
    as_json: given.Json = False,
) -> None:
    """Prepare the data of tasks, so that runs find it ready."""
    from dataclasses import asdict

    import seqbench.prepare  # noqa: F401 - NumPy's import is not part of the clock
    from seqbench.cli import data_tables
    from seqbench.cli.console import preparing
    from seqbench.preparation import subjects

    found: list[tuple[Subject, Prepared, float]] = []
    for subject in subjects(_options(tasks, data, settings, config, plugin)):
        with preparing(subject.task_id) as clock:
            prepared = subject.prepare()
        found.append((subject, prepared, clock.seconds))
    if as_json:
        rows = [
            {"task_id": subject.task_id, **asdict(prepared), "waited_seconds": waited}
            for subject, prepared, waited in found
        ]
        typer.echo(json.dumps(rows, indent=2))
    else:
        data_tables.print_prepared(found)


def _options(
    tasks: str | None, data: list[str] | None, settings: list[str] | None, config: Path | None, plugin: list[str] | None
) -> Any:
    return given.gather(
        run_file=config, settings=settings, data=data, plugin_files=plugin, strict_plugins=False, tasks=tasks
    )


def _names_a_task(source: str) -> bool:
    """Does it begin with `NAME=`? An address or a path that has such a sign further on does not."""
    return re.match(r"[a-z][a-z0-9_-]*=", source) is not None and not Path(source).exists()


def _prepared(
    task: str, data: list[str] | None, settings: list[str] | None, config: Path | None, plugin: list[str] | None
) -> tuple[Subject, Prepared]:
    """One task's data, prepared. `--data` may leave the task's name out."""
    from seqbench.cli.console import preparing
    from seqbench.preparation import subjects

    sources = [item if _names_a_task(item) else f"{task}={item}" for item in data or ()]
    (subject,) = subjects(_options(task, sources, settings, config, plugin))
    with preparing(subject.task_id):
        return subject, subject.prepare()
