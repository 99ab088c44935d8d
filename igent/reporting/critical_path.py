"""The critical path of a graph's run: the chain of units that the last one to end hangs on. Pure.

It is walked backwards, from each unit to the one that gave it its input. Every second of the run is one phase's: that
of the unit on the chain which was worked on, or waited for a place of its resource; what is left over is the engine's.

A phase that gives faster than the next one takes is held back by it. Its seconds would then be the longest, and yet to
make it faster would gain nothing. So a wait is passed on to a later phase of the chain for the time in which the places
of its own resource were not all taken, and those of the later one were; likewise the work of a unit that gave this
input while it was still going on.
"""

from __future__ import annotations

__all__ = ["ENGINE", "PathShare", "critical_path"]

from collections.abc import Mapping
from dataclasses import dataclass, field

from igent.reporting.in_flight import Taken
from igent.reporting.spans import NO_TRIGGER, Span, SpanLog

ENGINE = ""
"""Under this name the shares have what is no phase's."""


@dataclass(slots=True)
class PathShare:
    """The `seconds` of one phase on the critical path, of which `waiting` for a place of its resource."""

    seconds: float = 0.0
    waiting: float = 0.0


def critical_path(
    log: SpanLog, began: float, ended: float, taken: Mapping[str, Taken] | None = None
) -> dict[str, PathShare]:
    """The share of each phase on the chain, and of ENGINE, which has one always: all seconds together are those from
    `began` to `ended` (of the same clock as the spans; none where it is not later). `taken` says of each phase when the
    places of its resource were taken; None: nothing is passed on.
    """
    walk = _Walk(began, max(began, ended), taken or {})
    index = log.last(walk.at)
    while index is not None:
        span = log[index]
        walk.step(span)
        index = span.trigger if span.trigger != NO_TRIGGER else None
    walk.rest()
    return walk.shares


@dataclass(slots=True)
class _Walk:
    """One walk; `at` is how far back it has come. All before that moment is still to be shared out."""

    began: float
    at: float
    taken: Mapping[str, Taken]
    shares: dict[str, PathShare] = field(default_factory=lambda: {ENGINE: PathShare()})
    later: list[str] = field(default_factory=list)

    def step(self, span: Span) -> None:
        """Go back to where the unit was ready."""
        ended = max(self.began, min(span.ended, self.at))
        ready = max(self.began, min(span.ready, ended))
        started = max(ready, min(span.started, ended))
        self._add(ENGINE, self.at - ended)
        worked = ended - started
        if self.later and span.ended > self.at:  # it gave this on the way
            worked -= self._pass_on(span.phase, started, ended, worked)
        self._add(span.phase, worked)
        waited = started - ready
        if span.phase in self.taken:
            free = waited - self.taken[span.phase].seconds(ready, started)
            waited -= self._pass_on(span.phase, ready, started, max(0.0, free))
        self._add(span.phase, waited, waited)
        self.at = ready
        if span.phase not in self.later:
            self.later.append(span.phase)

    def rest(self) -> None:
        """What was before the first of the chain."""
        self._add(ENGINE, self.at - self.began)
        self.at = self.began

    def _pass_on(self, phase: str, since: float, until: float, most: float) -> float:
        """Give as much as may be of this time to the later phase that held this one back; how much that was."""
        own = self.taken.get(phase)
        others = [(other, self.taken[other]) for other in self.later if other in self.taken]
        found = [(taken.seconds(since, until), other) for other, taken in others if taken is not own]
        seconds, other = max(reversed(found), key=lambda one: one[0], default=(0.0, ENGINE))
        seconds = min(seconds, most)
        if seconds > 0:
            self._add(other, seconds, seconds)
        return seconds

    def _add(self, phase: str, seconds: float, waiting: float = 0.0) -> None:
        share = self.shares.setdefault(phase, PathShare())
        share.seconds += seconds
        share.waiting += waiting
