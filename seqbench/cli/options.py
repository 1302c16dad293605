"""Options that several commands share, and how they become benchmark.Options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seqbench.benchmark import Options


def _disabled(names: list[str] | None) -> list[str] | None:
    """Left out here and in every process that is started: the option is told to discovery by the environment."""
    if names:
        from seqbench.registry import disable

        disable(names)
    return names


def _models(incomplete: str) -> list[str]:
    """For a shell that completes a list of models: each name that its last part may become."""
    from seqbench.registry import discover

    return _continued(incomplete, discover().models)


def _tasks(incomplete: str) -> list[str]:
    """For a shell that completes a list of tasks."""
    from seqbench.registry import discover

    return _continued(incomplete, discover().tasks)


def _continued(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [f"{before}{comma}{name}" for name in sorted(names) if name.startswith(last) and name not in given]


SELECTION = "What to compare"
MACHINE = "Where to run"

Models = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="A,B",
        autocompletion=_models,
        help="Models to train; all that are found.",
        rich_help_panel=SELECTION,
    ),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks",
        metavar="A,B",
        autocompletion=_tasks,
        help="Tasks to train on; all that are found.",
        rich_help_panel=SELECTION,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option("--seeds", metavar="0-4", help="Seeds, as 0-4 or 0,1,2; 0-2.", rich_help_panel=SELECTION),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="trainer.max_epochs=20, models.lstm.hidden_size=64, 'models.*.dropout=0.1', "
        "tasks.stock_forecasting.look_back=60; again for more.",
        rich_help_panel=SELECTION,
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="TASK=SOURCE",
        help="A task's data: builtin, or a file or folder; again for more.",
        rich_help_panel=SELECTION,
    ),
]
Baselines = Annotated[
    bool | None,
    typer.Option("--baselines/--no-baselines", help="Run each task's baselines.", rich_help_panel=SELECTION),
]
RunFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A run file (TOML); the command line wins over it."),
]
PluginFiles = Annotated[
    list[str] | None, typer.Option("--plugin", metavar="FILE", help="A Python file with hooks; again for more.")
]
NoPlugin = Annotated[
    list[str] | None,
    typer.Option(
        "--no-plugin",
        metavar="NAME",
        callback=_disabled,
        help="Leave out a plugin, by the name of its package, its entry point, or one model or task; again for more.",
    ),
]
StrictPlugins = Annotated[
    bool, typer.Option("--strict-plugins", help="Stop when a plugin cannot be loaded, instead of leaving it out.")
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1 or mps; auto takes every GPU there is, else the CPU.",
        rich_help_panel=MACHINE,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, metavar="N", help="Worker processes; one per core.", rich_help_panel=MACHINE),
]
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help="local (worker processes), inline (this process, for debuggers and profilers) or ray (a cluster); local.",
        rich_help_panel=MACHINE,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="ADDRESS",
        help="The Ray cluster's: auto, or HOST:PORT; without it one is started on this machine.",
        rich_help_panel=MACHINE,
    ),
]
CellTimeout = Annotated[
    float | None,
    typer.Option("--cell-timeout", metavar="SECONDS", help="Stop a cell that takes longer.", rich_help_panel=MACHINE),
]
CellMemory = Annotated[
    float | None,
    typer.Option(
        "--cell-memory",
        metavar="MB",
        help="Stop a cell whose process holds more than this.",
        rich_help_panel=MACHINE,
    ),
]
Retry = Annotated[
    str | None,
    typer.Option("--retry", metavar="A,B", help="Run recorded cells of these statuses again: failed,crashed."),
]
Results = Annotated[
    str | None,
    typer.Option("--results", metavar="DIR", help="The results folder; results.", rich_help_panel=MACHINE),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        metavar="URI",
        help="Where MLflow logs; mlflow.db in the results folder.",
        rich_help_panel=MACHINE,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def gather(
    *,
    run_file: Path | None,
    settings: list[str] | None,
    data: list[str] | None,
    plugin_files: list[str] | None,
    strict_plugins: bool,
    **section: Any,
) -> Options:
    """The options of a command as one noun; `section` are fields of the run file's `[run]`, None where not given."""
    from seqbench.benchmark import Options

    return Options(
        run_file=run_file,
        settings=settings or (),
        section=section,
        data=data or (),
        plugin_files=plugin_files or (),
        strict_plugins=strict_plugins,
    )
