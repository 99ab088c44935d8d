"""A run while it goes: admission in input order, settling, and the tasks of both.

admit (hold the predicted unit, fix the view) -> work -> journal -> ledger -> views
"""

from __future__ import annotations

__all__ = ["Books", "Session", "first_error"]

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from igent.capacity.ledger import Ledger
from igent.clock import Clock
from igent.errors import DrainedError, IgentError, LimitError, ProviderError
from igent.models.turns import Turns
from igent.models.valve import Valve
from igent.outcome import Outcome
from igent.reporting.totals import Totals
from igent.types import CapacityView, Case, JsonObject, Record
from igent.workflows.record import Admitted, CreateTask, RecordWorker, Worked
from igent.workflows.slots import Slots
from igent.workflows.watch import Watch
from igent.writing.audit import audit_line
from igent.writing.entries import outcome_to_entry
from igent.writing.journal import Journal
from igent.writing.outcomes import with_write_time
from igent.writing.views import ViewWriter

_TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Books:
    """What a run keeps: capacity in memory, the truth on disk, the views of it, and its sums. The run is their one
    owner."""

    ledger: Ledger
    journal: Journal
    views: ViewWriter
    totals: Totals


class Session:
    """Puts the records of a dataset through. `resumed` are the outcomes that the journal had; they are replayed, not
    worked on. `keep_audit` says whether conversations are written; `farewell` makes the journal's last entry, None for
    none; `ended` is told of each outcome. Once `valve` is closed no call is sent.

    Ends when every record is settled, or, after `drain` or `stop`, when nothing is in flight. `fatal` is then the
    provider's error that ended the run, and `limit` the limit that did, if one did.
    """

    def __init__(
        self,
        records: Sequence[Record],
        resumed: Mapping[str, Outcome],
        case_of: Callable[[Record, CapacityView], Case],
        worker: RecordWorker,
        books: Books,
        *,
        watch: Watch,
        clock: Clock,
        slots: Slots,
        keep_audit: bool,
        farewell: Callable[[], JsonObject | None],
        ended: Callable[[Outcome], None],
        valve: Valve,
    ) -> None:
        self._records, self._resumed, self._case_of, self._worker = records, resumed, case_of, worker
        self._ledger, self._journal, self._views = books.ledger, books.journal, books.views
        self._totals = books.totals
        self._watch, self._clock, self._keep_audit = watch, clock, keep_audit
        self._slots, self._farewell, self._ended, self._valve = slots, farewell, ended, valve
        self._working: set[asyncio.Task[None]] = set()
        self.fatal: ProviderError | None = None
        self.limit: LimitError | None = None
        self.draining = False

    async def run(self) -> None:
        """Run to the end. Raises RunFolderError when the disk refuses, and whatever else ended the run."""
        try:
            async with asyncio.TaskGroup() as services:
                services.create_task(self._journal.run())
                services.create_task(self._views.run())
                ticking = services.create_task(self._tick())
                try:
                    await self._admit_all()
                finally:
                    try:
                        await self._close_journal()
                    finally:
                        await self._views.finish()
                        ticking.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from group

    async def _close_journal(self) -> None:
        try:
            if (last := self._farewell()) is not None:
                self._journal.write_soon(last)
        finally:  # one that has stopped takes nothing more, and its files are to be closed all the same
            await self._journal.close()

    def drain(self) -> None:
        """Admit no more records and send no more calls. Those in flight are finished, and with them the records that
        need no other; the rest is given up, and what it has got is kept."""
        self.draining = True
        self._valve.close()

    def stop(self) -> None:
        """Drain, and give up the records that are still being talked about. One that is being written is finished."""
        self.drain()
        for task in self._working:
            task.cancel()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_TICK_SECONDS)
            self._watch.tick()

    async def _admit_all(self) -> None:
        for outcome in self._resumed.values():
            if outcome.status == "done" and outcome.takes:
                self._ledger.load_commit(outcome.record_id, outcome.takes)
        turns = Turns()
        async with asyncio.TaskGroup() as group:
            for record in self._records:
                settled = self._resumed.get(record.id)
                if settled is not None:
                    self._replay(settled)
                    continue
                await self._slots.acquire()
                await turns.take()
                if self.draining:
                    break
                task = group.create_task(self._one(self._admit(record), group.create_task))
                self._working.add(task)
                task.add_done_callback(partial(self._left, record.id))
                self._watch.in_flight(len(self._working))

    def _replay(self, outcome: Outcome) -> None:
        """A record of an earlier session takes its place in the order, so that later ones see what they would have."""
        if outcome.takes:
            self._ledger.hold(outcome.record_id, outcome.takes)
            if outcome.status == "failed":
                self._ledger.keep(outcome.record_id)

    def _admit(self, record: Record) -> Admitted:
        case = self._case_of(record, self._ledger.view())
        unit = self._worker.predict(case)
        held = unit if unit is not None and self._ledger.hold(record.id, unit) else None
        return Admitted(case, held)

    async def _one(self, admitted: Admitted, create_task: CreateTask) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        try:
            worked = await self._worker.work(admitted, create_task)
            self._working.discard(task)  # from here on `stop` no longer reaches it: the outcome is being written
            await self._settle(worked)
        except ProviderError as error:  # a fatal one: no other call can succeed either
            self._working.discard(task)
            self.fatal = self.fatal or error
            self.stop()
        except DrainedError:  # it goes on where it is when the run is resumed
            pass
        except LimitError as error:  # others in flight may need no further call
            self._working.discard(task)
            self.limit = self.limit or error
            self.drain()

    def _left(self, record_id: str, task: asyncio.Task[None]) -> None:
        """A callback, for a task that was cancelled before its first step has run no line of `_one`."""
        if task in self._working:  # given up while it was talked about; what is being written keeps its unit
            self._working.discard(task)
            self._ledger.release(record_id)
        self._slots.release()
        self._watch.in_flight(len(self._working))

    async def _settle(self, worked: Worked) -> None:
        outcome = worked.outcome
        audit = b"".join(audit_line(**line) for line in worked.audit) if self._keep_audit else b""
        started = self._clock.now()
        place = await self._journal.write(outcome_to_entry(outcome), audit)
        seconds = self._clock.now() - started
        if outcome.status == "done" and outcome.takes:
            self._ledger.commit(outcome.record_id)
        elif outcome.status == "failed":
            self._ledger.keep(outcome.record_id)
        else:
            self._ledger.release(outcome.record_id)
        # The time of a write cannot stand in the line it wrote.
        self._journal.write_soon({"kind": "written", "record_id": outcome.record_id, "seconds": seconds})
        outcome = with_write_time(outcome, seconds)
        self._views.add(outcome, place, seconds)
        self._totals.add(outcome)
        self._ended(outcome)
        self._watch.settled(outcome)


def first_error(group: BaseExceptionGroup) -> BaseException:
    """The error to tell of: igent's own before foreign ones, which are often its consequence."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending += error.exceptions
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, IgentError)), leaves[0])
