"""The command line: one thin module per command. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from seqbench.cli import (
    check,
    compare,
    data,
    export,
    import_,
    leaderboard,
    measure,
    new,
    plan,
    plugins,
    report,
    rescore,
    run,
    show,
    sync,
    ui,
    verify,
)
from seqbench.errors import SeqbenchError


class PlainHelp(TyperGroup):
    """The list of commands as plain text: Rich's renderer of help takes longer to import than everything else."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; each command's own help is Rich's."""
        self.rich_markup_mode = None
        super().format_help(ctx, formatter)


app = typer.Typer(
    name="seqbench",
    cls=PlainHelp,
    help="Which sequence model is really better, on which task, at what cost, on your hardware?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("plugins")(plugins.plugins)
app.command("check")(check.check)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("show")(show.show)
app.command("measure")(measure.measure)
app.add_typer(data.app, name="data")
app.add_typer(new.app, name="new")
app.command("ui")(ui.ui)
app.command("sync")(sync.sync)
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command("verify")(verify.verify)
app.command("rescore")(rescore.rescore)
STOPPED = (129, 130, 143)
"""The exit codes after a closed terminal, Ctrl-C and SIGTERM: 128 + the signal's number."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from seqbench.version import __version__

        typer.echo(f"seqbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Which sequence model is really better, on which task, at what cost, on your hardware?"""


def main() -> None:
    """The console script: runs a command; what a user can mend is one sentence on stderr, never a traceback."""
    try:
        app()
    except SeqbenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code not in STOPPED:
            raise
        _leave(int(end.code or 0))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _leave(code: int) -> NoReturn:
    """End after a signal without waiting for what a thread is still logging: the records are on disk."""
    typer.echo("interrupted: what had finished is recorded; the same command goes on from there.", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    # Python would end that thread inside its C++ code, which aborts the process.
    os._exit(code)
