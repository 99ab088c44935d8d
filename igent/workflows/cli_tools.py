"""`igent list`, `validate`, `init` and `doctor`: before a run."""

from __future__ import annotations

__all__ = ["doctor", "init", "list_", "validate"]

from pathlib import Path

import click

from igent.config.constellation import ConstellationSpec
from igent.config.load import read_constellation
from igent.config.locate import find_constellation, list_constellations
from igent.config.settings import load_settings
from igent.errors import ConfigError, IgentError
from igent.reporting.plain import one_line
from igent.workflows.checkup import check_all
from igent.workflows.constellation import load_constellation
from igent.workflows.output import results
from igent.workflows.starter import make_starter

_MOST_KINDS = 4


@click.command(name="list")
@results()
def list_() -> None:
    """List the constellations.

    Those in ./constellations, and those that ship.
    """
    for name, path in list_constellations().items():
        try:
            source = read_constellation(path)
            if source.problems:
                raise ConfigError(*source.problems)
            spec = source.spec
            click.echo(f"{name:16} {spec.workload:8} {_phases(spec):44} {one_line(spec.description)}")
        except ConfigError as error:
            click.echo(f"{name:16} not valid: {one_line(str(error.problems[0]))}")


def _phases(spec: ConstellationSpec) -> str:
    """The agents of each phase of a chain; how many phases a graph has, and of which kinds."""
    if not spec.is_graph:
        return "; ".join(
            " + ".join(agent for step in phase.steps for agent in step.agents) for phase in spec.conversations()
        )
    kinds = list(dict.fromkeys(phase.kind for phase in spec.phases))
    many = len(spec.phases)
    return f"{many} phase{'s' * (many > 1)}: {', '.join(kinds[:_MOST_KINDS])}{' …' * (len(kinds) > _MOST_KINDS)}"


@click.command()
@click.argument("files", nargs=-1)
@click.pass_context
@results()
def validate(context: click.Context, /, files: tuple[str, ...]) -> None:
    """Check constellations, say all that is wrong.

    FILES are names or paths; without any, all that are found are checked.
    """
    references = files or tuple(str(path) for path in list_constellations().values())
    wrong = 0
    for reference in references:
        try:
            constellation = load_constellation(reference)
        except ConfigError as error:
            wrong += 1
            for problem in error.problems:
                click.echo(one_line(str(problem), 1000), err=True)
        else:
            click.echo(one_line(f"{constellation.source.located.path}: ok", 1000))
    context.exit(2 if wrong else 0)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--from", "source", default="p1m1m2c", metavar="NAME", help="Which constellation to start from.")
@click.option("--name", default=None, metavar="NAME", help="What yours is called. [default: my_<NAME>]")
def init(folder: Path, source: str, name: str | None) -> None:
    """Make a folder to start from.

    FOLDER gets a constellation of your own, its prompts and its data, ready to run and to change.
    """
    made = make_starter(folder, find_constellation(source), name or f"my_{Path(source).stem}")
    for path in made.files:
        click.echo(one_line(f"made {path}", 1000), err=True)
    click.echo(one_line(f"cd {folder}", 1000))
    click.echo(f"igent validate {made.name}\nigent run {made.name} --mock --max-items 5")


@click.command()
@click.option("--base-url", metavar="URL", help="The endpoint to look at. [default: the provider's]")
@click.option("--call", "model", metavar="MODEL", help="Make one call of one token to this model.")
@click.pass_context
@results()
def doctor(context: click.Context, /, base_url: str | None, model: str | None) -> None:
    """Check this machine, say how to mend it.

    Looks at versions, key, endpoint, disk and constellations. Sends nothing without --call.
    """
    try:
        findings = check_all(load_settings(base_url=base_url), model)
    except IgentError as error:
        raise click.ClickException(str(error)) from error
    for finding in findings:
        mark = {True: "ok  ", False: "FAIL", None: "note"}[finding.ok]
        click.echo(f"{mark} {one_line(finding.what, 400)}")
    context.exit(0 if all(finding.ok is not False for finding in findings) else 1)
