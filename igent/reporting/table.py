"""The report for people: tables of rich, and how they are put on a stream. No text from data is read as markup."""

from __future__ import annotations

__all__ = ["failure_table", "render", "summary_table"]

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from igent.reporting.failures import FailureGroup
from igent.reporting.figures import Spread
from igent.reporting.phase_table import phase_lines
from igent.reporting.plain import one_line
from igent.reporting.savings import Savings
from igent.reporting.summary import Summary, Tokens
from igent.reporting.words import count, duration, money, percent, seconds

_PLAIN_WIDTH = 120
_MAX_GROUPS = 20


def summary_table(summary: Summary) -> RenderableType:
    """The summary as a table, of a graph behind one of its phases; the last line is the bottleneck and what to do about
    it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(summary):
        table.add_row(Text(name, style="bold"), Text(value))
    title = Text(one_line(f"{summary.run.constellation} on {summary.run.scenario}"), style="bold underline")
    lines = phase_lines(summary.phases or {}, priced=not summary.run.mock)
    phases = [Text(line, no_wrap=True, overflow="ignore") for line in ([*lines, ""] if lines else [])]
    return Group(title, *phases, table, Text(_last_line(summary), no_wrap=True, overflow="ignore"))


def failure_table(groups: Sequence[FailureGroup]) -> RenderableType:
    """The failures by cause, the largest group first, each with its examples; of more than 20 groups the rest is
    counted. One line when nothing failed."""
    if not groups:
        return Text("No record failed.")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(*(Text(heading, style="bold") for heading in ("failed", "cause", "reason, and examples")))
    for group in groups[:_MAX_GROUPS]:
        table.add_row(Text(count(group.count)), Text(one_line(group.cause or "-")), Text(one_line(group.reason)))
        for example in group.examples:
            table.add_row("", "", Text(f"  {one_line(example.record_id, 64)}: {one_line(example.reason)}", style="dim"))
    rest = groups[_MAX_GROUPS:]
    if not rest:
        return table
    more = sum(group.count for group in rest)
    return Group(table, Text(f"and {count(more)} more, of {count(len(rest))} other kinds"))


def render(renderable: RenderableType, stream: TextIO) -> None:
    """Write it to the stream: with colours on a terminal; as plain text, 120 columns wide, without any escape sequence,
    elsewhere and where NO_COLOR is set. What the stream's encoding lacks becomes "?". Raises OSError as the stream."""
    terminal = Console(file=stream)
    coloured = terminal.is_terminal and not terminal.no_color and terminal.color_system is not None
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        force_terminal=coloured,
        color_system=terminal.color_system if coloured else None,  # type: ignore[arg-type]
        no_color=not coloured,
        width=terminal.width if terminal.is_terminal else _PLAIN_WIDTH,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.print(renderable, crop=False)
    lines = "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(lines.encode(encoding, "replace").decode(encoding))


def _rows(summary: Summary) -> Iterator[tuple[str, str]]:
    yield from _record_rows(summary)
    yield from _model_rows(summary)
    if summary.phases is None:
        known = [f"{name} {percent(share)}" for name, share in summary.time_shares.items()]
        yield "share of time", ", ".join(known)
    yield "versions", one_line(", ".join(f"{name} {version}" for name, version in summary.versions.items()) or "-")
    yield "run folder", one_line(summary.run.out)


def _record_rows(summary: Summary) -> Iterator[tuple[str, str]]:
    counts, run = summary.counts, summary.run
    what = "records" if summary.phases is None else "units"
    skipped = f", {count(counts.skipped)} skipped" if counts.skipped else ""
    yield (
        what,
        f"{count(counts.input)}: {count(counts.done)} done, {count(counts.no_match)} no match, "
        f"{count(counts.failed)} failed, {count(counts.not_run)} not run{skipped}",
    )
    if run.resumed:
        yield "resumed", f"{count(run.resumed)} were settled before and not run again"
    if run.interrupted:
        yield "ended", "interrupted: the same command goes on"
    if run.limit is not None:
        yield "ended", one_line(f"limit reached: {run.limit}")
    if run.dropped_bytes:
        yield "journal", f"{count(run.dropped_bytes)} damaged bytes at its end were dropped"
    speed = "" if summary.records_per_second is None else f", {summary.records_per_second:,.1f} {what}/s"
    yield "wall time", f"{_wall(run.wall_seconds)}{speed}, {count(run.concurrency)} in flight at most"
    if summary.phases is None:
        yield "a record", _spread(summary.seconds)
        for phase, figures in summary.phase_seconds.items():
            yield one_line(f"  {phase}", 40), _spread(figures)
    if summary.held_for_failed:
        yield "held", f"{count(summary.held_for_failed)} units are kept for failed records"


def _model_rows(summary: Summary) -> Iterator[tuple[str, str]]:
    recalled = f", {count(summary.recalled)} recalled from the journal" if summary.recalled else ""
    yield "calls", f"{count(summary.calls)}, {count(summary.critic_calls)} of them to critics{recalled}"
    yield "tokens", _tokens(summary.tokens)
    yield "cost", "none (mock answers)" if summary.run.mock else money(summary.cost)
    yield (
        "drafts",
        f"{count(summary.drafts)}, {count(summary.invalid_drafts)} invalid ({percent(summary.invalid_draft_rate)})",
    )
    for step, said in summary.critic.items():
        yield (
            one_line(f"critic of {step}", 40),
            f"skipped {percent(said.skip_rate)}, approved {count(said.approved)}, rejected {count(said.rejected)}",
        )
    yield "early stops", f"{count(summary.early_stops)} calls ended at the JSON"
    yield "retries", f"{count(summary.retries)}, {count(summary.rate_limited)} answers were 429"
    yield from _speed_rows(summary)


def _speed_rows(summary: Summary) -> Iterator[tuple[str, str]]:
    """What speculation, second calls and the limits did, where they did anything."""
    guesses, run, wasted = summary.speculation, summary.run, summary.wasted
    yield from _saving_rows(summary.savings)
    if guesses.hits or guesses.misses:
        vain = f", {_vain(guesses.wasted)}" if guesses.misses else ""
        missed = f"{count(guesses.misses)} misses ({percent(guesses.miss_rate)})"
        yield "speculation", f"{count(guesses.hits)} hits, {missed}{vain}"
    if guesses.off is not None:
        yield "  ended", one_line(guesses.off)
    if summary.hedged:
        yield "hedges", f"{count(summary.hedged)} second calls beside slow ones"
    if wasted.input or wasted.output:
        yield "wasted", _vain(wasted)
    if run.concurrency_history:
        limits = [limit for _, limit, _ in run.concurrency_history]
        cuts = sum(after < before for before, after in pairwise(limits))
        grown = f"{count(limits[0])} at first, {count(limits[-1])} at last, {count(max(limits))} at most"
        yield "concurrency", f"{grown}, cut {count(cuts)} times"
    if run.requests_sent:
        yield "requests", f"{count(run.requests_sent)} sent"
    if run.quota_wait_seconds > 0:
        yield "quota", f"calls waited {_wall(run.quota_wait_seconds)} for the provider's limits, all together"


def _saving_rows(savings: Savings | None) -> Iterator[tuple[str, str]]:
    """What a cascade and the cache spared."""
    if savings is None:
        return
    if (cascade := savings.cascade) is not None:
        drafts = f"accepted {count(cascade.accepted)}, passed on {count(cascade.passed_on)}"
        cost = "cost unknown" if cascade.cost is None else _balance(cascade.cost < 0, money(abs(cascade.cost)))
        late = cascade.seconds is not None and cascade.seconds < 0
        time = "time unknown" if cascade.seconds is None else _balance(late, _wall(abs(cascade.seconds)))
        spared = f"spared {count(cascade.accepted)} drafts of the agents' own models, {cost}, {time}"
        yield "cascade", f"{count(cascade.calls)} calls of cheaper models: {drafts}; {spared}"
    if (cache := savings.cache) is not None:
        yield "cache", f"answered {count(cache.answers)}, tokens saved: {_tokens(cache.tokens)}"


def _balance(lost: bool, value: str) -> str:
    return f"{value} {'lost' if lost else 'saved'}"


def _tokens(tokens: Tokens) -> str:
    about = " (in part estimated)" if tokens.estimated else ""
    return f"{count(tokens.input)} in, {count(tokens.output)} out{about}"


def _vain(tokens: Tokens) -> str:
    return f"tokens in vain: {_tokens(tokens)}"


def _last_line(summary: Summary) -> str:
    found = summary.bottleneck
    if found is None:
        return "Bottleneck: none, no time was spent."
    whole = "time" if summary.phases is None else "wall time on the critical path"
    return one_line(f"Bottleneck: {found.name} ({percent(found.share)} of the {whole}). {found.advice}")


def _spread(figures: Spread) -> str:
    return f"p50 {seconds(figures.p50)}, p95 {seconds(figures.p95)}, max {seconds(figures.max)}"


def _wall(value: float) -> str:
    return seconds(value) if value < 60 else duration(value)
