"""How far a run is: a bar on a terminal, plain lines elsewhere. Drawn when something changes, so no thread is needed;
it never ends a run: a stream that breaks is written to no more."""

from __future__ import annotations

__all__ = ["Progress"]

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from igent.clock import Clock
from igent.outcome import Outcome
from igent.reporting.words import compact, count, duration, money

_BAR_SECONDS = 0.1
_LINE_SECONDS = 5.0
_BAR_WIDTH = 30


@dataclass(slots=True)
class _State:
    done: int = 0
    no_match: int = 0
    failed: int = 0
    in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None

    @property
    def settled(self) -> int:
        return self.done + self.no_match + self.failed


class Progress:
    """The progress of one run over `total` records, of which `skipped` were settled by an earlier one. A graph works
    on units of its phases, and how many there are is found out while it goes: `total` None, and `update` tells.

    On a terminal a bar, drawn at most 10 times a second; elsewhere a line, at most every 5 s, and one at the end;
    nothing when `quiet`. `cost_of` prices an outcome in US dollars; once it says None (not known), no cost is
    shown. Rate and time left are of this run alone: the skipped records count as settled, not as work.
    """

    def __init__(
        self,
        total: int | None,
        stream: TextIO,
        quiet: bool,
        clock: Clock,
        skipped: int = 0,
        cost_of: Callable[[Outcome], Decimal | None] | None = None,
    ) -> None:
        self._total, self._skipped = total or 0, skipped
        self._units = "records" if total is not None else "units"
        self._cost_of = cost_of
        self._stream, self._clock = stream, clock
        self._silent = quiet
        self._state = _State()
        self._started = self._shown = clock.now()
        self._live = None if quiet else _make_live(stream)
        self._pace = _BAR_SECONDS if self._live else _LINE_SECONDS

    def start(self) -> None:
        """Begin: the clock runs from here, and the bar appears."""
        self._started = self._shown = self._clock.now()
        if self._live is not None:
            with self._mute_when_broken():
                self._live.start()
                self._live.update(self._drawing(), refresh=True)

    def settled(self, outcome: Outcome) -> None:
        """A record has its outcome: counts it and its tokens."""
        state = self._state
        setattr(state, outcome.status, getattr(state, outcome.status) + 1)
        for step in outcome.steps:
            state.input_tokens += step.usage.input_tokens
            state.output_tokens += step.usage.output_tokens
        if self._cost_of is not None:
            cost = self._cost_of(outcome)
            if cost is None:
                state.cost = self._cost_of = None
            else:
                state.cost = (state.cost or Decimal(0)) + cost
        self._show()

    def update(
        self,
        *,
        done: int | None = None,
        failed: int | None = None,
        no_match: int | None = None,
        in_flight: int | None = None,
        total: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cost: Decimal | None = None,
    ) -> None:
        """Set figures of this run to new totals; None leaves one as it is. `cost` in US dollars is shown once known."""
        new = {
            "done": done,
            "failed": failed,
            "no_match": no_match,
            "in_flight": in_flight,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cost": cost,
        }
        self._total = self._total if total is None else total
        for name, value in new.items():
            if value is not None:
                setattr(self._state, name, value)
        self._show()

    def finish(self) -> None:
        """End: the last figures stay on the stream. Safe to call twice, and without `start`."""
        self._show(now=True)
        if self._live is not None:
            with self._mute_when_broken():
                self._live.stop()
        self._silent = True

    def _show(self, *, now: bool = False) -> None:
        moment = self._clock.now()
        if self._silent or (not now and moment - self._shown < self._pace):
            return
        self._shown = moment
        with self._mute_when_broken():
            if self._live is None:
                self._stream.write(f"{self._pace_text()}: {self._figures()}\n")
                self._stream.flush()
            elif self._live.is_started:
                self._live.update(self._drawing(), refresh=True)

    def _drawing(self) -> RenderableType:
        total = max(1, self._total)
        top = Table.grid(padding=(0, 1))
        top.add_row(
            ProgressBar(total=total, completed=min(total, self._settled), width=_BAR_WIDTH),
            Text(self._pace_text(), no_wrap=True, overflow="ellipsis"),
        )
        return Group(top, Text(self._figures(), no_wrap=True, overflow="ellipsis"))

    @property
    def _settled(self) -> int:
        return self._skipped + self._state.settled

    def _pace_text(self) -> str:
        mine, elapsed = self._state.settled, self._clock.now() - self._started
        parts = [f"{count(self._settled)}/{count(self._total)} {self._units}"]
        if mine and elapsed > 0:
            left = self._total - self._settled
            parts.append(f"{mine / elapsed:,.1f}/s")
            parts += [f"ETA {duration(left * elapsed / mine)}"] if left > 0 else []
        if self._skipped:
            parts.append(f"{count(self._skipped)} resumed")
        return ", ".join(parts)

    def _figures(self) -> str:
        state = self._state
        cost = "" if state.cost is None else f", {money(state.cost)}"
        return (
            f"{count(state.done)} done, {count(state.failed)} failed, {count(state.no_match)} no match, "
            f"{count(state.in_flight)} in flight{cost}, "
            f"tokens {compact(state.input_tokens)} in {compact(state.output_tokens)} out"
        )

    @contextmanager
    def _mute_when_broken(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._silent, self._live = True, None


class _Terminal(Console):
    """A console that reports a closed stream as the error it is; rich would end the process."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _make_live(stream: TextIO) -> Live | None:
    console = _Terminal(file=stream, markup=False, highlight=False, emoji=False)
    if not stream.isatty() or not console.is_terminal or console.is_dumb_terminal:
        return None
    return Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
