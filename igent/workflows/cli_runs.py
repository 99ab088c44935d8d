"""`igent report` and `igent reset`: commands on run folders."""

from __future__ import annotations

__all__ = ["report", "reset"]

import os
from pathlib import Path

import click

from igent.errors import Problem, RunFolderError
from igent.files import FolderLock
from igent.reporting.failures import failures
from igent.reporting.plain import json_text, one_line
from igent.reporting.report import load_report
from igent.reporting.table import failure_table, render, summary_table
from igent.workflows.cli_options import RunFolder
from igent.workflows.folder import set_aside
from igent.workflows.output import results


@click.command()
@click.argument("folder", type=RunFolder())
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def report(folder: Path, as_json: bool) -> None:
    """Show the summary of a run again.

    With the failures of the run FOLDER by cause, and examples.
    """
    loaded = load_report(folder)
    with results() as stream:
        if as_json:
            stream.write(json_text(loaded.summary.to_json()))
            return
        render(failure_table(failures(loaded.outcomes)), stream)
        render(summary_table(loaded.summary), stream)


@click.command()
@click.argument("folder", type=RunFolder())
def reset(folder: Path) -> None:
    """Set a run aside, to start over.

    The run FOLDER is renamed; nothing is deleted.
    """
    if not (folder / "journal.jsonl").is_file():
        raise RunFolderError(Problem(str(folder), "is no run folder: it has no journal.jsonl"))
    folder = Path(os.path.abspath(folder)) if folder.name in {"", ".."} else folder  # "." has no name to change
    lock = FolderLock(folder)
    lock.acquire()
    try:
        click.echo(one_line(f"{folder} is now {set_aside(folder)}", 1000), err=True)
    finally:
        lock.release()
