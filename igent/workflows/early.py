"""Phases that start before the one before them is settled, on what it is expected to bring.

The result never depends on it: what was begun early counts only where it asked word for word what would have been asked
in turn, and where its answers pass the checks of the case as it turned out.
"""

from __future__ import annotations

__all__ = ["Early", "Guesses", "Spawn", "count_misses"]

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from igent.errors import ProviderError
from igent.outcome import StepReport
from igent.types import NO_USAGE, Case
from igent.workflows.phase import Phase, PhaseRun

log = logging.getLogger("igent.early")

_BEFORE_JUDGING = 20
_COUNTED = ("calls", "critic_calls", "retries", "rate_limited", "recalled", "hedged", "cut")
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(_COUNTED, 0),
    **dict.fromkeys(("usage", "wasted"), NO_USAGE),
    **dict.fromkeys(("critic_input_tokens", "critic_output_tokens", "rounds", "invalid_drafts"), 0),
}
Blocks = Callable[[Case, str], Mapping[str, Any]]
Spawn = Callable[[PhaseRun], asyncio.Task[None]]
"""Starts a phase in a task of its own, which leaves what `go` raises in its `error`."""


class Guesses:
    """Whether phases start early in this run, and how that went. Shared by all its records.

    `mode` auto stops it when, of 20 guesses or more, a larger share than `max_miss_rate` was wrong: they then cost more
    than they bring. `off` says why, in words; None while phases do start early, or were never meant to.
    """

    def __init__(self, mode: Literal["auto", "on", "off"] = "auto", max_miss_rate: float = 0.3) -> None:
        self._mode, self._max_miss_rate = mode, max_miss_rate
        self.hits = self.misses = 0
        self.off: str | None = "speculate is off" if mode == "off" else None

    def judge(self, *, hit: bool) -> None:
        """A guess has turned out right, or wrong."""
        self.hits, self.misses = self.hits + hit, self.misses + (not hit)
        guesses = self.hits + self.misses
        if self._mode != "auto" or self.off or guesses < _BEFORE_JUDGING:
            return
        if self.misses > self._max_miss_rate * guesses:
            share = f"{self.misses} of {guesses} guesses were wrong"
            self.off = f"{share}, more than max_miss_rate {self._max_miss_rate:g} allows"
            log.warning("phases no longer start early: %s", self.off)


class Early:
    """The next phase of one record, while the one before it is talked through.

    `make` makes its run for a case, `spawn` starts it. One run at a time: what is begun on another case replaces it.
    """

    def __init__(
        self, phase: Phase, make: Callable[[Phase, Case], PhaseRun], spawn: Spawn, blocks: Blocks, guesses: Guesses
    ) -> None:
        self.phase = phase
        self._make, self._spawn, self._blocks, self._guesses = make, spawn, blocks, guesses
        self._running: tuple[PhaseRun, asyncio.Task[None]] | None = None
        self._dropped: list[tuple[PhaseRun, asyncio.Task[None]]] = []

    def begin(self, case: Case) -> None:
        """Start on this case, unless the same is being asked already. What was begun on another is given up."""
        if self._guesses.off:
            return
        if self._running is not None:
            if self._same(self._running[0].begun_on, case):
                return
            self.drop("the answer that it rested on was another one")
        run = self._make(self.phase, case)
        self._running = run, self._spawn(run)

    async def take(self, case: Case) -> PhaseRun | None:
        """The run, at its end, if what it asked is what would be asked now, and its answers hold; else None."""
        if self._running is None:
            return None
        run, task = self._running
        if not self._same(run.begun_on, case):
            self.drop("the phase before it ended otherwise")
            return None
        await task
        if run.error is None and not run.adopt(case):
            self.drop("its answer does not hold after the phase before it")
            return None
        self._running = None
        self._guesses.judge(hit=True)
        return run

    def drop(self, reason: str) -> None:
        """Give up what was begun, if anything was: its streams are closed."""
        if self._running is None:
            return
        run, task = self._running
        task.cancel()
        run.note_discarded(reason)
        self._dropped.append(self._running)
        self._running = None
        self._guesses.judge(hit=False)

    async def finish(self) -> None:
        """Let what was begun come to its end: the answers it gets are kept, whoever may ask for them. Raises a fatal
        ProviderError that it ended with."""
        if self._running is None:
            return
        run, task = self._running
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            self.drop("the run ended")
            raise
        if isinstance(run.error, ProviderError) and run.error.fatal:
            raise run.error

    @property
    def missed(self) -> Sequence[PhaseRun]:
        """The runs that came to nothing; what they have cost is known once they are `settled`."""
        return [run for run, _ in self._dropped]

    async def settled(self) -> None:
        """Wait until the streams of all that was given up are closed."""
        if self._dropped:
            await asyncio.wait([task for _, task in self._dropped])

    def _same(self, one: Case, other: Case) -> bool:
        if one is other:
            return True
        if one.view != other.view:  # a rule may have looked at it
            return False
        return all(self._blocks(one, s.schema) == self._blocks(other, s.schema) for s in self.phase.steps)


def count_misses(reports: Sequence[StepReport], missed: Sequence[PhaseRun], *, hit: bool) -> list[StepReport]:
    """The reports of a phase with what early beginnings of it have cost in vain, and whether they were right.

    Where the phase was never reached (no reports), the first step of what was begun stands for it.
    """
    begun = [report for run in missed for report in run.reports]
    if not begun:
        return [replace(report, speculation="hit") for report in reports] if hit else list(reports)
    wasted = sum((report.usage + report.wasted for report in begun), NO_USAGE)
    first, *others = reports or [replace(begun[0], **_NOTHING)]
    sums = {name: getattr(first, name) + sum(getattr(report, name) for report in begun) for name in _COUNTED}
    return [replace(first, speculation="miss", wasted=first.wasted + wasted, **sums), *others]
