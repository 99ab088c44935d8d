"""`igent run` and `igent retry`."""

from __future__ import annotations

__all__ = ["retry", "run"]

import asyncio
import shlex
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from igent.clock import SYSTEM_CLOCK
from igent.config.locate import list_constellations
from igent.config.settings import Settings, load_settings
from igent.errors import ConfigError, LimitError
from igent.reporting.cost import price
from igent.reporting.facts import without_secrets
from igent.reporting.failures import failures
from igent.reporting.figures import total_cost
from igent.reporting.forecast import forecast_table
from igent.reporting.plain import json_text, one_line
from igent.reporting.report import Report, load_report
from igent.reporting.summary import exit_code
from igent.reporting.table import failure_table, render, summary_table
from igent.types import Usage
from igent.workflows.checks import check_pace
from igent.workflows.cli_options import (
    ENDPOINT,
    LIMITS,
    SCENARIO,
    SHOWN,
    STARTED,
    RunFolder,
    options,
    shown_of,
    write_logs,
)
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.estimate import estimate
from igent.workflows.execute import CostOf, Ended, ProgressWatch, execute
from igent.workflows.output import results
from igent.workflows.retry import forget_failed, invocation_of
from igent.workflows.run import Workflow

_PROFILE = (
    click.option(
        "--profile", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write cProfile data there."
    ),
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("constellation", required=False)
@options(SCENARIO, STARTED, ENDPOINT, LIMITS, SHOWN, _PROFILE)
@click.pass_context
def run(context: click.Context, /, constellation: str | None, dry_run: bool, **given: Any) -> None:
    """Run a constellation over a scenario.

    CONSTELLATION is a name (see: igent list), or a YAML file.
    """
    if constellation is None:
        click.echo("igent: which constellation? There are:", err=True)
        for name, path in list_constellations().items():
            click.echo(f"  {name:20} {one_line(str(path))}", err=True)
        context.exit(2)
    shown = shown_of(given, "profile")
    # What was not given at all is left to the environment.
    given |= {name: given[name] or None for name in ("fresh", "mock", "model")}
    settings = load_settings(**given)
    if dry_run:
        _dry_run(load_constellation(constellation, settings.model), settings, shown)
    else:
        _run(context, _workflow(constellation, settings, shown), shown)


@click.command()
@click.argument("folder", type=RunFolder())
@options(ENDPOINT, LIMITS, SHOWN, _PROFILE)
@click.pass_context
def retry(context: click.Context, /, folder: Path, **given: Any) -> None:
    """Try failed records again.

    Those of the run FOLDER, and records in it that were not run yet.
    """
    shown = shown_of(given, "profile")
    invocation = invocation_of(folder)
    constellation = invocation.pop("constellation")
    settings = load_settings(**{**invocation, **{k: v for k, v in given.items() if v is not None}, "out": folder})
    settings = settings.model_copy(update={"fresh": False})
    workflow = _workflow(constellation, settings, shown)  # whatever is wrong is said before anything is forgotten
    count = forget_failed(folder, workflow.identity())
    if not count:
        click.echo(f"igent: {folder}: nothing to retry; what failed by its input is mended in the input", err=True)
        return
    if not (shown["quiet"] or shown["as_json"]):
        click.echo(f"igent: {folder}: trying {count} failed record{'s' * (count != 1)} again", err=True)
    _run(context, workflow, shown)


def _dry_run(constellation: Constellation, settings: Settings, shown: dict[str, Any]) -> None:
    write_logs(verbose=shown["verbose"], file=shown["log_file"])
    forecast = asyncio.run(estimate(constellation, settings))
    with results() as stream:
        if shown["as_json"]:
            stream.write(json_text(forecast.to_json()))
        elif not shown["quiet"]:
            render(forecast_table(forecast), stream)


def _workflow(reference: str, settings: Settings, shown: dict[str, Any]) -> Workflow:
    write_logs(verbose=shown["verbose"], file=shown["log_file"])
    _can_write("--profile", shown["profile"])
    check_pace(settings)
    constellation = load_constellation(reference, settings.model)
    quiet = shown["quiet"] or shown["as_json"]
    watch = ProgressWatch(SYSTEM_CLOCK, quiet=quiet, cost_of=None if quiet else _cost_of(constellation, settings))
    return Workflow(constellation, settings, watch=watch)


def _run(context: click.Context, workflow: Workflow, shown: dict[str, Any]) -> None:
    ended = execute(workflow, profile=shown["profile"])
    report = ended.report
    if isinstance(ended.error, LimitError) and (workflow.folder / "summary.json").exists():
        report = load_report(workflow.folder)  # it was left behind in order, and says how far the limit let it come
    if report is not None:
        _show(report, as_json=shown["as_json"], quiet=shown["quiet"])
    code = _code(ended)
    if code and not shown["quiet"]:
        _say_next(ended, workflow, code)
    if ended.error is not None:
        raise ended.error
    context.exit(code)


def _cost_of(constellation: Constellation, settings: Settings) -> CostOf | None:
    """How the progress prices an outcome. The table of prices takes a moment to load: better now than in the run."""
    if settings.mock:
        return None
    models = constellation.models
    for model in set(models.values()):
        price(Usage(), model, settings.base_url)
    return lambda outcome: total_cost(outcome.steps, models, settings.base_url)


def _show(report: Report, *, as_json: bool, quiet: bool) -> None:
    with results() as stream:
        if as_json:
            stream.write(json_text(report.summary.to_json()))
        elif not quiet:
            if report.summary.counts.failed:
                render(failure_table(failures(report.outcomes)), stream)
            render(summary_table(report.summary), stream)


def _code(ended: Ended) -> int:
    if ended.error is not None:
        return ended.error.exit_code
    if ended.signal_code is not None:
        return ended.signal_code
    assert ended.report is not None  # without an error there is one  # noqa: S101
    return exit_code(ended.report.summary)


def _say_next(ended: Ended, workflow: Workflow, code: int) -> None:
    folder = workflow.folder
    if not (folder / "journal.jsonl").exists():
        return
    summary = ended.report.summary if ended.report is not None else None
    counts = summary.counts if summary is not None else None
    if isinstance(ended.error, LimitError):
        command = _again(_raised(workflow.settings, str(ended.error)))
        click.echo(f"igent: what is finished is kept; go on with a higher limit, such as: {command}", err=True)
    elif code == 1 and ended.report is not None and counts is not None and counts.failed:
        causes = {outcome.cause for outcome in ended.report.outcomes if outcome.status == "failed"}
        again = f"igent retry {shlex.quote(str(folder))}"
        if causes - {"input", "part"}:
            click.echo(f"igent: try the failed records again with: {again}", err=True)
        else:
            click.echo("igent: mend the failed records in the input, then start over with --fresh", err=True)
        if causes <= {"input", "part"} and "part" in causes:
            click.echo(f"igent: where only a page could not be read, once it can be: {again}", err=True)
    elif summary.run.interrupted or summary.counts.not_run if summary is not None else code in {3, 4, 130, 143}:
        click.echo(f"igent: what is finished is kept; go on with: {_again({})}", err=True)


def _raised(settings: Settings, said: str) -> dict[str, str]:
    """Twice the limit that the message names; twice each that there is where it names none."""
    limits: dict[str, Decimal | int | None] = {"--max-cost": settings.max_cost, "--max-calls": settings.max_calls}
    known = {option: limit for option, limit in limits.items() if limit is not None}
    named = {option: limit for option, limit in known.items() if option in said}
    return {option: str(2 * limit) for option, limit in (named or known).items()}


def _again(instead: dict[str, str]) -> str:
    """The command that was typed, with these values of options in the place of those it had."""
    kept, skip = [], False
    for argument in sys.argv[1:]:
        name = argument.partition("=")[0]
        if not skip and argument != "--fresh" and name not in instead:
            kept.append(argument)
        skip = not skip and name in instead and "=" not in argument
    more = [word for option, value in instead.items() for word in (option, value)]
    return " ".join([_program(Path(sys.argv[0])), *(shlex.quote(_shown(word)) for word in [*kept, *more])])


def _shown(word: str) -> str:
    """An address without what it may hold of credentials."""
    if "://" not in word:
        return word
    option, equals, address = word.partition("=") if word.startswith("--") else ("", "", word)
    shown = without_secrets(address)
    return f"{option}{equals}{shown}" + ("…" if shown != address else "")


def _program(script: Path) -> str:
    if script.name == "__main__.py":
        return "python -m igent.workflows" if script.parent.name == "workflows" else "python -m igent"
    return "igent"


def _can_write(option: str, file: Path | None) -> None:
    """Say before the run, not after it, that its last file cannot be written."""
    if file is not None:
        try:
            file.open("ab").close()
        except OSError as error:
            raise ConfigError(f"{option} {file}: {error.strerror}") from error
