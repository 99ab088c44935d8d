"""`igent cache`: what is kept for every run, and how to be rid of it."""

from __future__ import annotations

__all__ = ["cache"]

import sys
from pathlib import Path

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from igent.caching.store import KINDS, Kind
from igent.caching.upkeep import CacheStats, cache_stats, clear_cache
from igent.config.settings import load_settings
from igent.errors import ConfigError, Problem
from igent.reporting.plain import json_text, one_line
from igent.reporting.table import render
from igent.reporting.words import count
from igent.workflows.output import results


@click.group()
def cache() -> None:
    """Look at what is kept for every run, or empty it.

    Texts of files, embeddings and answers, in one file: IGENT_CACHE_FILE, or the user's cache folder.
    """


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def stats(as_json: bool) -> None:
    """Show how much is kept, by kind."""
    found = cache_stats(_path())
    with results() as stream:
        if as_json:
            stream.write(json_text(found.to_json()))
        else:
            render(_table(found), stream)


@cache.command()
@click.option("--kind", type=click.Choice(KINDS), help="Only entries of this kind.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(kind: Kind | None, yes: bool) -> None:
    """Delete what is kept.

    A file that is damaged is removed; one that was never a cache is renamed.
    """
    path = _path()
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError(Problem("", "there is nobody to ask whether it may be deleted", "add --yes"))
        what = f"the {kind} entries" if kind else "everything"
        click.confirm(one_line(f"Delete {what} in {path}?", 1000), abort=True, err=True)
    click.echo(one_line(clear_cache(path, kind), 1000), err=True)


def _path() -> Path:
    path = load_settings().cache_path()
    if path is None:
        raise ConfigError(Problem("", "there is no cache: this user has no home folder", "name it in IGENT_CACHE_FILE"))
    return path


def _table(found: CacheStats) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left", "left"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_row(*(Text(heading, style="bold") for heading in ("kind", "entries", "bytes", "oldest", "last used")))
    for name, kind in found.kinds.items():
        cells = (one_line(name, 40), count(kind.entries), count(kind.bytes), kind.oldest, kind.last_used)
        table.add_row(*map(Text, cells))
    head = Text(one_line(f"{found.path}: {count(found.disk_bytes)} bytes on the disk", 1000), no_wrap=True)
    return Group(head, table if found.kinds else Text("Nothing is kept yet."))
