"""`seqbench new`: a plugin package of one's own, to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seqbench.new_package import Package

app = typer.Typer(
    help="Write a package for a model or a task of your own: installable, tested, typed.",
    no_args_is_help=True,
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="What it is called on the command line and on boards: my-cell.")
]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FOLDER", help="Where to write it; seqbench-NAME, here.")
]
Author = Annotated[
    str, typer.Option("--author", metavar="'NAME <ADDRESS>'", help="Who it is by; the address may be left out.")
]
About = Annotated[str, typer.Option("--about", metavar="SENTENCE", help="What it is, in one sentence.")]
Input = Annotated[
    str,
    typer.Option(
        "--input", metavar="KIND", help="What it gives to models: dense (vectors of numbers) or tokens (words)."
    ),
]


@app.command("model")
def model(name: Name, output: Output = None, author: Author = "", about: About = "") -> None:
    """Write a package with a model. A recurrent cell that works; its equations are where to begin."""
    from seqbench.new_package import Package

    package = Package("model", name, about, author)
    folder = _write(package, output)
    begin = folder / "src" / package.module / "cell.py"
    _tell(package, folder, begin, f"seqbench run --models {name},gru --tasks sentiment --seeds 0")


@app.command("task")
def task(name: Name, output: Output = None, author: Author = "", about: About = "", input: Input = "dense") -> None:
    """Write a package with a task. Data that is made, and CSV files of one's own; its data is where to begin."""
    from seqbench.new_package import Package

    package = Package("task", name, about, author, input)
    folder = _write(package, output)
    begin = folder / "src" / package.module / "data.py"
    _tell(package, folder, begin, f"seqbench run --tasks {name} --models gru,lstm --seeds 0")


def _write(package: Package, output: Path | None) -> Path:
    from seqbench.new_package import check_is_free, write
    from seqbench.registry import discover

    check_is_free(package, discover())
    folder = output or Path(package.distribution)
    files = write(package, folder)
    typer.echo(f"{package.distribution}: {len(files)} files in {folder}")
    for file in files:
        typer.echo(f"  {file}")
    return folder


def _tell(package: Package, folder: Path, begin: Path, run: str) -> None:
    """What to do next, as it is typed."""
    import shlex

    steps = (
        (f"cd {shlex.quote(str(folder))} && pip install -e '.[test]'", "install it, with what its tests need"),
        (f"pytest && seqbench check {package.name}", "it passes; keep it so"),
        (run, "train it, beside others"),
    )
    typer.echo(f"\nBegin in {begin}. Next:")
    for command, what in steps:
        typer.echo(f"\n  {command}\n      {what}")
