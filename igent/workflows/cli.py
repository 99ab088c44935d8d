"""The command line: `igent` and its commands. stdout is for results, stderr for progress, logs and errors."""

from __future__ import annotations

__all__ = ["cli", "main", "run_main"]

import io
import logging
import os
import sys
from collections.abc import Sequence

import click

from igent.errors import IgentError, InternalError
from igent.reporting.facts import versions
from igent.reporting.plain import PlainFormatter, one_line, plain_lines
from igent.workflows.cli_cache import cache
from igent.workflows.cli_compare import compare
from igent.workflows.cli_graph import graph
from igent.workflows.cli_run import retry, run
from igent.workflows.cli_runs import report, reset
from igent.workflows.cli_server import mock_server
from igent.workflows.cli_tools import doctor, init, list_, validate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(message="; ".join(f"{name} {version}" for name, version in versions().items()))
def cli() -> None:
    """Runs multi-agent conversations over many records and brings out validated JSON."""


for command in (run, retry, compare, report, reset, list_, validate, graph, init, doctor, cache, mock_server):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script `igent`."""
    _end(cli, arguments)


def run_main(arguments: Sequence[str] | None = None) -> None:
    """`python -m igent.workflows`: the command `run` by itself."""
    _end(run, arguments)


def _end(command: click.Command, arguments: Sequence[str] | None) -> None:
    """Run a command and end the process with its exit code; no error of ours, or of the user's, is a traceback."""
    _open_streams()
    if logging.lastResort is not None:  # where the warnings of libraries go, which may quote what a provider said
        logging.lastResort.setFormatter(PlainFormatter())
    try:
        code = command.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        said = io.StringIO()  # it repeats what was typed, and a script may have typed anything
        error.show(file=said)
        click.echo(plain_lines(said.getvalue().rstrip("\n")), err=True)
        code = error.exit_code
    except IgentError as error:
        for problem in error.problems:
            click.echo(f"igent: {one_line(str(problem), 1000)}", err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read stdout has gone: nothing is left to say, and the run folder is complete
        sys.stderr.close()
        code = 0
    except Exception as error:  # the outermost frame: a bug of igent or of a plug-in
        logging.getLogger("igent").exception("internal error")
        what = f"internal error: {type(error).__name__}: {error}"
        click.echo(f"igent: {one_line(what, 1000)} (again with --verbose or --log-file for the traceback)", err=True)
        code = InternalError.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """A stream that whoever started us has closed leads nowhere: else a file of the run would take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115  # for as long as the process lives
