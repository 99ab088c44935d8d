"""What a graph's run keeps of its units: the truth on disk, what earlier sessions settled, and the sums."""

from __future__ import annotations

__all__ = ["UnitBooks"]

from collections.abc import Callable, Sequence

from igent.outcome import Outcome
from igent.reporting.phase_totals import PhaseTotals
from igent.reporting.totals import Totals
from igent.types import JsonObject
from igent.workflows.folder import RunFolder
from igent.workflows.graph.flows import Order
from igent.workflows.graph.units import Unit
from igent.workflows.watch import Watch
from igent.writing.audit import audit_line
from igent.writing.entries import outcome_to_entry
from igent.writing.journal import Journal
from igent.writing.lines import Place

_SYNC_EVERY = 256


class UnitBooks:
    """The books of one session, of whose units `talked` so many asked a model, and `resumed` were settled by an earlier
    one. `ended` is told of each outcome that is new, once it is durable; `rank` gives the place of a phase among all,
    for the order of outcomes.jsonl."""

    def __init__(
        self,
        folder: RunFolder,
        journal: Journal,
        totals: Totals,
        phases: PhaseTotals,
        watch: Watch,
        *,
        ended: Callable[[Outcome], None],
        keep_audit: bool,
        rank: Callable[[str], int],
    ) -> None:
        self._folder, self._journal, self._watch = folder, journal, watch
        self._ended, self._keep_audit, self._rank = ended, keep_audit, rank
        self.totals, self.phases = totals, phases
        self.resumed = self.talked = 0
        self._index = folder.reach
        self._order: list[tuple[int, Order, int]] = []
        self._written = 0
        self._begun: dict[str, int] = {}
        self._reached: set[str] = set()

    def settled(self, record_id: str, basis: str) -> Outcome | None:
        """The outcome that the unit had in an earlier session, if it rests on the same."""
        outcome = self._folder.outcomes.get(record_id)
        return outcome if outcome is not None and outcome.basis == basis else None

    def next_index(self) -> int:
        """The place of the next outcome in the journal's own order."""
        self._index += 1
        return self._index - 1

    def replayed(self, phase: str, outcome: Outcome, order: Order, at: float, trigger: int) -> int:
        """Count a unit that an earlier session settled; its span, of no length."""
        self.resumed += 1
        self._watch.settled(outcome)
        return self._count(phase, outcome, order, (at, at, at, trigger))

    def begun(self, unit: Unit, started: float) -> int:
        """A unit that gives something before its end has begun; its span."""
        span = self._begun[unit.record_id] = self.phases.begin_span(unit.phase, unit.ready, started, unit.trigger)
        return span

    async def add(self, outcome: Outcome, unit: Unit, audit: Sequence[JsonObject], started: float, ended: float) -> int:
        """Write the outcome of a unit and count it; its span.

        It is durable a moment later, with others: what rests on it is made again if it should be lost, and what was
        paid for stands in the journal by itself.
        """
        known = self._folder.outcomes.get(outcome.record_id)
        if known is not None and _ended_alike(known, outcome):
            self.resumed += 1  # made again, and as it was
            outcome = known
            self._watch.settled(outcome)
        else:
            await self._write(outcome, audit)
        span = self._begun.pop(unit.record_id, None)
        if span is None:
            return self._count(unit.phase, outcome, unit.order, (unit.ready, started, ended, unit.trigger))
        self.phases.end_span(span, ended)
        self._sum(unit.phase, outcome, unit.order)
        return span

    def skipped(self, phase: str) -> None:
        """A record was lost before it came to this phase."""
        self.phases.skipped(phase)

    def found(self, phase: str, many: int) -> None:
        """So much of what a phase needed was in the cache."""
        self.phases.found(phase, many)

    def gave(self, phase: str) -> None:
        """A phase has given an item on."""
        self.phases.items_out(phase)

    def forget_unreached(self) -> None:
        """The run is complete: what earlier sessions settled and this one did not come by is no part of it any more."""
        self._folder.outcomes.keep(self._reached)

    def places(self) -> Sequence[int]:
        """Where the outcomes stand in the journal's own order, in the order of the phases and of the input; those of
        earlier sessions that this one has not come by yet stand at the end."""
        reached = [index for _, _, index in sorted(self._order)]
        known = set(reached)
        return [*reached, *(i for i in range(self._index) if i not in known and self._folder.kept.has(i))]

    async def _write(self, outcome: Outcome, audit: Sequence[JsonObject]) -> None:
        self._folder.outcomes.drop(outcome.record_id)
        entry = outcome_to_entry(outcome)
        lines = b"".join(audit_line(**line) for line in audit) if self._keep_audit else b""
        self._written += 1
        place: Place

        def ended() -> None:  # the cache is given nothing, and nobody told of anything, that the journal may yet lose
            self._ended(outcome)
            self._watch.settled(outcome)

        if self._written % _SYNC_EVERY:
            place = self._journal.write_soon(entry, lines, ended)
        else:  # so that what waits to be written stays bounded
            place = await self._journal.write(entry, lines)
            ended()
        self._folder.kept.add(outcome.record_id, outcome.index, place)
        self.talked += bool(outcome.steps)

    def _count(self, phase: str, outcome: Outcome, order: Order, span: tuple[float, float, float, int]) -> int:
        self._sum(phase, outcome, order)
        return self.phases.add_span(phase, *span)

    def _sum(self, phase: str, outcome: Outcome, order: Order) -> None:
        self._order.append((self._rank(phase), order, outcome.index))
        self._reached.add(outcome.record_id)
        self.totals.add(outcome)
        self.phases.add(phase, outcome)


def _ended_alike(known: Outcome, outcome: Outcome) -> bool:
    return (known.basis, known.status, known.reason) == (outcome.basis, outcome.status, outcome.reason)
