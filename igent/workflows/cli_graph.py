"""`igent graph`: a constellation as a picture."""

from __future__ import annotations

__all__ = ["graph"]

from pathlib import Path

import click

from igent.errors import ConfigError, Problem
from igent.files import disk_failure, replace_file
from igent.reporting.drawing import mermaid
from igent.reporting.drawing_svg import svg
from igent.reporting.outline import outline
from igent.reporting.plain import one_line
from igent.workflows.constellation import load_constellation
from igent.workflows.output import results

_FORMATS = {"mermaid": mermaid, "svg": svg}
_ENDINGS = {".mmd": "mermaid", ".mermaid": "mermaid", ".md": "mermaid", ".txt": "mermaid", ".svg": "svg"}


@click.command()
@click.argument("constellation")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), help="[default: mermaid, or by --out's ending]")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it here instead.")
def graph(constellation: str, form: str | None, out: Path | None) -> None:
    """Draw a constellation: phases, and what flows.

    CONSTELLATION is a name or a path. Prints Mermaid text, which many Markdown viewers draw, or SVG.
    """
    by_ending = "mermaid" if out is None else _ENDINGS.get(out.suffix.lower())
    if form is None and by_ending is None:
        known = ", ".join(_ENDINGS)
        raise ConfigError(Problem(str(out), "this ending does not say what to draw", f"one of {known}, or --format"))
    loaded = load_constellation(constellation)
    text = _FORMATS[form or by_ending or "mermaid"](outline(loaded.spec, loaded.models))
    if out is None:
        with results() as stream:
            stream.write(text)
        return
    try:
        replace_file(out, [text.encode()])
    except OSError as error:
        raise disk_failure(out, "written", error, "name another file: --out FILE") from error
    click.echo(one_line(f"made {out}", 1000), err=True)
