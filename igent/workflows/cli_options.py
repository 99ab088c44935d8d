"""The options that commands share, and the kinds of value that click does not know."""

from __future__ import annotations

__all__ = ["ENDPOINT", "LIMITS", "SCENARIO", "SHOWN", "STARTED", "RunFolder", "options", "shown_of", "write_logs"]

import logging
import os
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

import click

from igent.config.names import unnameable
from igent.errors import ConfigError
from igent.reporting.plain import PlainFormatter, one_line

F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[F], F]

_MOST_RECORDS = 10_000


class RunFolder(click.Path):
    """The path of a folder; one that no folder can have is refused before anybody looks for it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a usage error where the system has no such names."""
        why = unnameable(Path(value))
        if why:
            self.fail(f"{one_line(str(value), 100)}: {why}", param, ctx)
        return super().convert(value, param, ctx)


def _concurrency(_: click.Context, __: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == "auto":
        return value
    number = int(value) if value.isascii() and value.isdecimal() else 0
    if not 1 <= number <= _MOST_RECORDS:
        raise click.BadParameter(f"{value!r} is neither a number from 1 to {_MOST_RECORDS} nor auto")
    return number


def _dollars(_: click.Context, __: click.Parameter, value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise click.BadParameter(f"{value!r} is no amount of US dollars: give a number above 0, such as 2.50")
    return amount


SCENARIO: tuple[Option[Any], ...] = (
    click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The data folder."),
    click.option("--scenario", metavar="NAME", help="DIR/scenarios/NAME.yaml. [default: the constellation's]"),
    click.option("--max-items", type=click.IntRange(1), metavar="N", help="Only the first N records."),
    click.option("--model", multiple=True, metavar="[AGENT=]NAME", help="Model of all agents, or of one; repeatable."),
    click.option("--mock", is_flag=True, help="Answers made in the process: no key, no network."),
    click.option("--mock-errors", type=click.FloatRange(0, 1), metavar="P", help="Share of wrong answers of the mock."),
    click.option("--seed", type=int, metavar="N", help="For everything random. [default: 0]"),
)
"""What is put through, and by whom it is answered."""

STARTED: tuple[Option[Any], ...] = (
    click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help="The run folder; an unfinished one is resumed."
    ),
    click.option("--fresh", is_flag=True, help="Start over; the old run folder is set aside, never deleted."),
    click.option("--critic", metavar="POLICY", help="always, invalid, never, or sample:P."),
    click.option("--conversations/--no-conversations", default=None, help="Keep every message, for audit."),
    click.option("--dry-run", is_flag=True, help="Calls, tokens, cost and time to expect; sends nothing."),
)
"""What only the start of a run can say."""

ENDPOINT: tuple[Option[Any], ...] = (
    click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint. [default: the provider's]"),
    click.option("--allow-host", metavar="HOST", help="A host that OPENAI_API_KEY may be sent to, beside OpenAI's."),
    click.option(
        "--concurrency", callback=_concurrency, metavar="N|auto", help="Records in flight at once; auto: found out."
    ),
    click.option("--mock-latency", metavar="PROFILE", help="Pace of the mock: gpt-4o, or ttft=0.6,itl=0.02 (seconds)."),
)
"""How the endpoint is reached, or the mock paced."""

LIMITS: tuple[Option[Any], ...] = (
    click.option("--max-cost", callback=_dollars, metavar="USD", help="What the whole run may cost, in US dollars."),
    click.option("--max-calls", type=click.IntRange(1), metavar="N", help="Requests that the whole run may send."),
    click.option(
        "--speculate",
        type=click.Choice(["auto", "on", "off"]),
        help="Whether phases start early; auto: while their guesses are mostly right.",
    ),
    click.option("--hedge/--no-hedge", default=None, help="A second call beside one that is slower than most."),
    click.option("--cache/--no-cache", default=None, help="Take what was paid for before from the cache."),
)
"""What a run may spend, and on what."""

SHOWN: tuple[Option[Any], ...] = (
    click.option("--json", "as_json", is_flag=True, help="The figures as JSON on stdout, nothing else there."),
    click.option("--quiet", "-q", is_flag=True, help="No progress and no table."),
    click.option("--verbose", "-v", is_flag=True, help="Log what happens on stderr, with tracebacks of bugs."),
    click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Log to a file."),
)
"""How things are shown: no part of the settings."""


def options(*groups: tuple[Option[Any], ...]) -> Callable[[F], F]:
    """A decorator that gives a command all options of these groups, in this order."""

    def decorate(function: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate


def shown_of(given: dict[str, Any], *more: str) -> dict[str, Any]:
    """Take the options of SHOWN, and `more` of a command's own, out of what was given, and return them."""
    return {name: given.pop(name) for name in ("as_json", "quiet", "verbose", "log_file", *more)}


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _PrivateFile(logging.FileHandler):
    """A log file that is made for its owner alone, as the run folder is: it quotes what providers say of records."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, "ab", opener=_for_the_owner), encoding=self.encoding)


def write_logs(*, verbose: bool, file: Path | None) -> None:
    """Log on stderr (`verbose`), to a `file`, both or not at all; that the cache cannot be used is told on stderr in
    any case. Raises ConfigError when the file cannot be opened."""
    logger = logging.getLogger("igent")
    logger.propagate = False
    handlers: list[logging.Handler] = [logging.StreamHandler()] if verbose else []
    if file is not None:
        try:
            handlers.append(_PrivateFile(file, encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"--log-file {file}: {error.strerror}") from error
    if not verbose:
        told = logging.StreamHandler()
        told.addFilter(logging.Filter("igent.cache"))
        told.setFormatter(PlainFormatter("igent: %(message)s"))
        logger.addHandler(told)
    for handler in handlers:
        handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
