"""How many pieces of work were in flight at once, found out from their spans. Pure."""

from __future__ import annotations

__all__ = ["InFlight", "Pieces", "Taken", "pieces_of"]

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from igent.reporting.spans import SpanLog

_NEARLY = 0.75


@dataclass(frozen=True, slots=True)
class InFlight:
    """Pieces of work in flight: the `peak`, the `mean` from the first start to the last end, which is `seconds` long
    (None where it has no length), and the seconds of all pieces, `busy`."""

    peak: int = 0
    mean: float | None = None
    busy: float = 0.0
    seconds: float = 0.0


@dataclass(slots=True)
class Pieces:
    """The pieces of work of one phase, or of all that share a resource: when each started and ended, in no order. Each
    took one place; several units of a batch are one. `units` so many were worked on."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    units: int = 0

    def in_flight(self) -> InFlight:
        """The figures."""
        if not self.starts:
            return InFlight()
        busy, seconds = sum(self.ends) - sum(self.starts), max(self.ends) - min(self.starts)
        peak = max(count for _, count in _changes(self.starts, self.ends))
        return InFlight(peak, busy / seconds if seconds > 0 else None, busy, seconds)


class Taken:
    """When the places of a resource were all taken, or nearly (from one end to the next start a place is free for a
    moment): three of four. `limit` None: it is the most that were in flight."""

    def __init__(self, pieces: Iterable[Pieces], limit: int | None = None) -> None:
        some = list(pieces)
        starts, ends = [at for one in some for at in one.starts], [at for one in some for at in one.ends]
        many = limit or max((count for _, count in _changes(starts, ends)), default=1)
        self._since, self._until = _times(starts, ends, max(1, -int(-_NEARLY * many // 1)))
        lengths = (until - since for since, until in zip(self._since, self._until, strict=True))
        self._sums = [0.0, *accumulate(lengths)]

    def seconds(self, since: float, until: float) -> float:
        """How many seconds of that time they were."""
        return max(0.0, self._before(until) - self._before(since))

    def _before(self, at: float) -> float:
        place = bisect_right(self._since, at)
        if not place:
            return 0.0
        return self._sums[place] - max(0.0, self._until[place - 1] - at)


def pieces_of(log: SpanLog, ended: float, batches: Mapping[str, int]) -> dict[str, Pieces]:
    """The pieces of work of each phase, up to that moment. Spans of no length are no work: an earlier session settled
    them. `batches` are the phases of which one piece is about several units, and how many at most: those that started
    at the same moment are one piece (or more, where they are more than that), for no clock says the same twice.
    """
    pieces: dict[str, Pieces] = defaultdict(Pieces)
    together: dict[tuple[str, float], list[float]] = defaultdict(list)
    for span in log:
        end = min(span.ended, ended)
        if end <= span.started:
            continue
        found = pieces[span.phase]
        found.units += 1
        if batches.get(span.phase, 1) > 1:
            together[span.phase, span.started].append(end)
        else:
            found.starts.append(span.started)
            found.ends.append(end)
    for (phase, start), ends in together.items():
        many = -(-len(ends) // batches[phase])
        pieces[phase].starts += [start] * many
        pieces[phase].ends += sorted(ends)[-many:]
    return dict(pieces)


def _changes(starts: Sequence[float], ends: Sequence[float]) -> Iterator[tuple[float, int]]:
    """Each moment at which one started or ended, and how many are in flight then; ends come first."""
    starting, ending = sorted(starts), sorted(ends)
    ended = 0
    for begun, at in enumerate(starting):
        while ending[ended] <= at:
            ended += 1
            yield ending[ended - 1], begun - ended
        yield at, begun + 1 - ended
    for more in range(ended, len(ending)):
        yield ending[more], len(ending) - more - 1


def _times(starts: Sequence[float], ends: Sequence[float], many: int) -> tuple[list[float], list[float]]:
    """From when to when so many or more were in flight."""
    since: list[float] = []
    until: list[float] = []
    for at, count in _changes(starts, ends):
        if count >= many and len(since) == len(until):
            since.append(at)
        elif count < many and len(since) > len(until):
            until.append(at)
    return since, until
