"""The run of a constellation whose phases are conversations about one record after another."""

from __future__ import annotations

__all__ = ["ChainCourse"]

from collections.abc import Sequence
from functools import partial

from igent.capacity.ledger import Ledger
from igent.outcome import Outcome
from igent.records.selection import select
from igent.reporting.facts import RunFacts
from igent.reporting.summary import Summary, summarise
from igent.reporting.timings import timings_heading, timings_row
from igent.types import CapacityView, Case, Record
from igent.workflows.course import Grounds
from igent.workflows.executors.local import LocalExecutor
from igent.workflows.record import RecordWorker
from igent.workflows.session import Books, Session
from igent.workflows.wiring import build_tools
from igent.writing.rewriting import View
from igent.writing.views import ViewWriter


class ChainCourse:
    """A Course: the records of the input, each with its outcome."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._records = self._select()
        self.before: Sequence[Outcome] = grounds.folder.kept.copy()
        ledger = Ledger(grounds.dataset.capacity)
        self._books = Books(ledger, grounds.journal, self._views(ledger), grounds.totals(self.before))
        self._session: Session

    @property
    def total(self) -> int:
        """See Course."""
        return len(self._records)

    @property
    def resumed(self) -> int:
        """See Course."""
        return len(self.before)

    @property
    def unfinished(self) -> bool:
        """See Course."""
        return self.total > self._books.totals.outcomes

    async def open(self) -> Session:
        """See Course."""
        grounds, today = self._grounds, self._grounds.today
        traffic, clock, ledger = grounds.traffic, grounds.clock, self._books.ledger

        def case_of(record: Record, view: CapacityView) -> Case:
            return Case(record, grounds.dataset.reference, view, today)

        model = traffic.open(grounds.client, grounds.folder, grounds.journal, self._books.totals, grounds.answers)
        tools = build_tools(model, grounds.constellation, grounds.settings, clock)
        workload = grounds.constellation.workload
        self._session = Session(
            self._records,
            grounds.folder.outcomes,
            case_of,
            RecordWorker(grounds.phases, tools, workload, ledger, LocalExecutor(), clock, traffic.guesses),
            self._books,
            watch=grounds.watch,
            clock=clock,
            slots=traffic.slots,
            keep_audit=grounds.settings.conversations,
            farewell=traffic.spent_entry,
            ended=traffic.ended,
            valve=traffic.valve,
        )
        return self._session

    async def run(self) -> None:
        """See Course."""
        await self._session.run()

    def summarise(self, facts: RunFacts) -> Summary:
        """See Course."""
        return summarise(self._books.totals, facts, self.total)

    def _select(self) -> Sequence[Record]:
        """The first `max_items` records, and those of an earlier session: what is done stays done."""
        folder, records = self._grounds.folder, self._grounds.dataset.records
        chosen = select(records, self._grounds.settings.max_items)
        chosen = records[: folder.reach] if folder.reach > len(chosen) else chosen
        if folder.outcomes:  # a plug-in that was changed since may give other ids
            folder.outcomes.keep(record.id for record in chosen)
        return chosen

    def _views(self, ledger: Ledger) -> ViewWriter:
        grounds, spec = self._grounds, self._grounds.constellation.spec
        timings = View(partial(timings_row, phases=grounds.phase_names), head=timings_heading(grounds.phase_names))
        return ViewWriter(
            grounds.folder.path,
            spec.outputs(),
            grounds.folder.kept,
            capacity=lambda: grounds.constellation.workload.capacity_document(ledger.committed()),
            extra={"timings.csv": timings},
            flush_seconds=spec.run.flush_seconds,
            clock=grounds.clock,
            disk=grounds.disk,
        )
