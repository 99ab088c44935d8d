"""`igent compare`: constellations side by side, over the same data."""

from __future__ import annotations

__all__ = ["compare"]

from pathlib import Path
from typing import Any

import click

from igent.config.settings import Settings, load_settings
from igent.reporting.comparison import Comparison, comparison_table
from igent.reporting.plain import json_text, one_line
from igent.reporting.table import render
from igent.workflows import compare as work
from igent.workflows.cli_options import ENDPOINT, SCENARIO, SHOWN, options, shown_of, write_logs
from igent.workflows.output import results

_OWN = (
    click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help="For all. [default: runs/compare-<scenario>]"
    ),
    click.option(
        "--repeats", type=click.IntRange(1, 1000), default=1, metavar="N", help="Runs of each, in turns; medians count."
    ),
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("constellations", nargs=-1, required=True, metavar="CONSTELLATION...")
@options(SCENARIO, _OWN, ENDPOINT, SHOWN)
@click.pass_context
def compare(context: click.Context, /, constellations: tuple[str, ...], repeats: int, **given: Any) -> None:
    """Run constellations over the same data, side by side.

    Prints a table of time, calls, tokens, cost and accuracy, and writes comparison.json, .md and .svg. What paces the
    mock, or spoils its answers, asks the mock.
    """
    shown = shown_of(given)
    write_logs(verbose=shown["verbose"], file=shown["log_file"])
    quiet = shown["quiet"] or shown["as_json"]
    plan = work.plan(constellations, _settings(given), repeats)
    compared = work.compare(plan, say=lambda text: _say(text, quiet=quiet), quiet=quiet)
    if compared.comparison.rows:
        work.write(compared.comparison, plan.folder)
        _show(compared.comparison, plan.folder, as_json=shown["as_json"], quiet=shown["quiet"])
    elif compared.error is None:
        _say("no run was finished: there is nothing to compare", quiet=shown["quiet"])
    if compared.error is not None:
        raise compared.error
    context.exit(compared.code)


def _settings(given: dict[str, Any]) -> Settings:
    given |= {name: given[name] or None for name in ("mock", "model")}
    settings = load_settings(**given)
    only_the_mocks = settings.mock_latency is not None or settings.mock_errors > 0
    return settings.model_copy(update={"mock": True}) if only_the_mocks and given["base_url"] is None else settings


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        click.echo(f"igent: {one_line(text, 1000)}", err=True)


def _show(comparison: Comparison, folder: Path, *, as_json: bool, quiet: bool) -> None:
    with results() as stream:
        if as_json:
            stream.write(json_text(comparison.to_json()))
        elif not quiet:
            render(comparison_table(comparison), stream)
            stream.write(f"written: {one_line(str(folder), 1000)}/comparison.json, comparison.md, comparison.svg\n")
