"""`igent run` and `igent retry`."""

from __future__ import annotations

__all__ = ["retry", "run"]

import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from igent.clock import SYSTEM_CLOCK
from igent.config.locate import list_constellations
from igent.config.settings import Settings, load_settings
from igent.errors import ConfigError
from igent.reporting.cost import price
from igent.reporting.failures import failures
from igent.reporting.figures import total_cost
from igent.reporting.report import Report
from igent.reporting.summary import exit_code
from igent.reporting.table import failure_table, render, summary_table
from igent.types import Usage
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.execute import CostOf, Ended, ProgressWatch, execute
from igent.workflows.output import results
from igent.workflows.retry import forget_failed, invocation_of
from igent.workflows.run import Workflow

F = TypeVar("F", bound=Callable[..., Any])

_ENDPOINT = (
    click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint. [default: the provider's]"),
    click.option("--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="Records in flight at once."),
    click.option("--mock-latency", metavar="PROFILE", help="Pace of the mock: gpt-4o, or ttft=0.6,itl=0.02 (seconds)."),
    click.option("--json", "as_json", is_flag=True, help="The summary as JSON on stdout, nothing else there."),
    click.option("--quiet", "-q", is_flag=True, help="No progress and no table."),
    click.option("--verbose", "-v", is_flag=True, help="Log what happens on stderr, with tracebacks of bugs."),
    click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Log to a file."),
    click.option(
        "--profile",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="F",
        help="Write cProfile data there.",
    ),
)
_RUN = (
    click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The data folder."),
    click.option("--scenario", metavar="NAME", help="DIR/scenarios/NAME.yaml. [default: the constellation's]"),
    click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help="The run folder; an unfinished one is resumed."
    ),
    click.option("--fresh", is_flag=True, help="Start over; the old run folder is set aside, never deleted."),
    click.option("--max-items", type=click.IntRange(1), metavar="N", help="Only the first N records."),
    click.option("--model", multiple=True, metavar="[AGENT=]NAME", help="Model of all agents, or of one; repeatable."),
    click.option("--critic", metavar="POLICY", help="always, invalid, never, or sample:P."),
    click.option("--mock", is_flag=True, help="Answers made in the process: no key, no network."),
    click.option("--mock-errors", type=click.FloatRange(0, 1), metavar="P", help="Share of wrong answers of the mock."),
    click.option("--seed", type=int, metavar="N", help="For everything random. [default: 0]"),
    click.option("--conversations/--no-conversations", default=None, help="Keep every message, for audit."),
)


def _options(options: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("constellation", required=False)
@_options(_RUN)
@_options(_ENDPOINT)
@click.pass_context
def run(context: click.Context, /, constellation: str | None, **given: Any) -> None:
    """Run a constellation over a scenario.

    CONSTELLATION is a name (see: igent list), or a YAML file.
    """
    if constellation is None:
        click.echo("igent: which constellation? There are:", err=True)
        for name, path in list_constellations().items():
            click.echo(f"  {name:20} {path}", err=True)
        context.exit(2)
    shown = _split(given)
    # What was not given at all is left to the environment.
    given |= {name: given[name] or None for name in ("fresh", "mock", "model")}
    settings = load_settings(**given)
    _run(context, _workflow(constellation, settings, shown), shown)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_options(_ENDPOINT)
@click.pass_context
def retry(context: click.Context, /, folder: Path, **given: Any) -> None:
    """Try failed records again.

    Those of the run FOLDER, and records in it that were not run yet.
    """
    shown = _split(given)
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


def _split(given: dict[str, Any]) -> dict[str, Any]:
    """Take out of the options what says how things are shown, not what is run."""
    return {name: given.pop(name) for name in ("as_json", "quiet", "verbose", "log_file", "profile")}


def _workflow(reference: str, settings: Settings, shown: dict[str, Any]) -> Workflow:
    _log_to(verbose=shown["verbose"], file=shown["log_file"])
    _can_write("--profile", shown["profile"])
    constellation = load_constellation(reference, settings.model)
    quiet = shown["quiet"] or shown["as_json"]
    watch = ProgressWatch(SYSTEM_CLOCK, quiet=quiet, cost_of=None if quiet else _cost_of(constellation, settings))
    return Workflow(constellation, settings, watch=watch)


def _run(context: click.Context, workflow: Workflow, shown: dict[str, Any]) -> None:
    ended = execute(workflow, profile=shown["profile"])
    if ended.report is not None:
        _show(ended.report, as_json=shown["as_json"], quiet=shown["quiet"])
    code = _code(ended)
    if code and not shown["quiet"]:
        _say_next(ended, workflow.folder, code)
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
            stream.write(orjson.dumps(report.summary.to_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
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


def _say_next(ended: Ended, folder: Path, code: int) -> None:
    if not (folder / "journal.jsonl").exists():
        return
    counts = ended.report.summary.counts if ended.report is not None else None
    if code == 1 and ended.report is not None and counts is not None and counts.failed:
        if any(outcome.status == "failed" and outcome.cause != "input" for outcome in ended.report.outcomes):
            click.echo(f"igent: try the failed records again with: igent retry {shlex.quote(str(folder))}", err=True)
        else:
            click.echo("igent: mend the failed records in the input, then start over with --fresh", err=True)
    elif counts.not_run if counts is not None else code in {3, 4, 130, 143}:
        arguments = [argument for argument in sys.argv[1:] if argument != "--fresh"]
        command = " ".join([_program(Path(sys.argv[0])), *map(shlex.quote, arguments)])
        click.echo(f"igent: what is finished is kept; go on with: {command}", err=True)


def _program(script: Path) -> str:
    if script.name == "__main__.py":
        return "python -m igent.workflows" if script.parent.name == "workflows" else "python -m igent"
    return "igent"


def _log_to(*, verbose: bool, file: Path | None) -> None:
    logger = logging.getLogger("igent")
    logger.propagate = False
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    if verbose:
        _add(logger, logging.StreamHandler(), form)
    if file is not None:
        try:
            _add(logger, logging.FileHandler(file, encoding="utf-8"), form)
        except OSError as error:
            raise ConfigError(f"--log-file {file}: {error.strerror}") from error


def _can_write(option: str, file: Path | None) -> None:
    """Say before the run, not after it, that its last file cannot be written."""
    if file is not None:
        try:
            file.open("ab").close()
        except OSError as error:
            raise ConfigError(f"{option} {file}: {error.strerror}") from error


def _add(logger: logging.Logger, handler: logging.Handler, form: logging.Formatter) -> None:
    handler.setFormatter(form)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
