"""The spans of a graph's units: when each was ready, was begun and ended. Compact, for there is one for every unit."""

from __future__ import annotations

__all__ = ["NO_TRIGGER", "Span", "SpanLog"]

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

NO_TRIGGER = -1
"""In the place of a trigger: the input of the unit was there from the start."""


@dataclass(frozen=True, slots=True)
class Span:
    """One unit of work of a phase, in seconds of one clock: its input was complete at `ready`, which is when the span
    `trigger` gave it (an index of the log, or NO_TRIGGER); it had its place of the resource from `started` on, to
    `ended`: infinity while it is not known."""

    phase: str
    ready: float
    started: float
    ended: float
    trigger: int


class SpanLog:
    """Spans in the order in which they were added, 32 bytes each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._phase, self._trigger = array("i"), array("i")
        self._ready, self._started, self._ended = array("d"), array("d"), array("d")

    def __len__(self) -> int:
        return len(self._ended)

    def __getitem__(self, index: int) -> Span:
        """A span. It does not end before it starts, nor start before it is ready, whatever the clock said."""
        ready = self._ready[index]
        started = max(ready, self._started[index])
        ended = max(started, self._ended[index])
        return Span(self.phases[self._phase[index]], ready, started, ended, self._trigger[index])

    def __iter__(self) -> Iterator[Span]:
        return (self[index] for index in range(len(self)))

    @property
    def phases(self) -> list[str]:
        """The phases that have spans, in the order of their first."""
        return list(self._numbers)

    def add(self, phase: str, ready: float, started: float, ended: float, trigger: int = NO_TRIGGER) -> int:
        """Add a span; its index. A trigger is a span that was added before: any other is left out."""
        self._phase.append(self._numbers.setdefault(phase, len(self._numbers)))
        self._ready.append(ready)
        self._started.append(started)
        self._ended.append(ended)
        self._trigger.append(trigger if NO_TRIGGER < trigger < len(self) - 1 else NO_TRIGGER)
        return len(self) - 1

    def begin(self, phase: str, ready: float, started: float, trigger: int = NO_TRIGGER) -> int:
        """Add a span that has not ended, so that it can be the trigger of what it gives on the way; its index."""
        return self.add(phase, ready, started, math.inf, trigger)

    def end(self, index: int, ended: float) -> None:
        """A span that was begun has ended."""
        self._ended[index] = ended

    def bounds(self) -> tuple[float, float]:
        """When the first unit was ready, and the last moment of which anything is known; 0 where there is no span."""
        known = [end for end in self._ended if end < math.inf]
        ended = max(max(known, default=-math.inf), max(self._started, default=-math.inf))
        return (min(self._ready), ended) if len(self) else (0.0, 0.0)

    def last(self, ended: float) -> int | None:
        """The span that ended last, up to that moment; those that have not ended count as ended then. None where there
        is no span."""
        count = len(self)
        return max(range(count), key=lambda index: (min(self._ended[index], ended), index)) if count else None
