"""A graph's run while it goes: the tasks of its phases, what feeds them, and how they end."""

from __future__ import annotations

__all__ = ["Feed", "GraphSession"]

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from igent.clock import Clock
from igent.errors import DrainedError, IgentError, LimitError, ProviderError
from igent.models.valve import Valve
from igent.types import JsonObject, Record
from igent.workflows.graph.flows import NO_SPAN, Ended, Inbox, Message
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.node import Node
from igent.workflows.session import first_error
from igent.workflows.watch import ExpectingWatch, Watch
from igent.writing.journal import Journal

_TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Feed:
    """What the input brings to one phase: its records, each as what `message` makes of it."""

    inbox: Inbox
    records: Sequence[Record]
    message: Callable[[Record], Awaitable[Message]]

    async def give(self, clock: Clock) -> None:
        """Give all of it."""
        for record in self.records:
            await self.inbox.put(("", await self.message(record)))
        await self.inbox.put(("", Ended("", clock.now(), NO_SPAN)))


class GraphSession:
    """Runs the phases of a graph side by side. `farewell` makes the journal's last entry, None for none. Once `valve`
    is closed no call is sent.

    Ends when every phase has ended, or, after `drain` or `stop`, when nothing is in flight that is paid for. `fatal` is
    then the provider's error that ended the run, and `limit` the limit that did, if one did.
    """

    def __init__(
        self, journal: Journal, valve: Valve, watch: Watch, clock: Clock, farewell: Callable[[], JsonObject | None]
    ) -> None:
        self._journal, self._valve, self._watch, self._clock = journal, valve, watch, clock
        self._expecting = watch if isinstance(watch, ExpectingWatch) else None  # asked once: it takes its time
        self._farewell = farewell
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight = self._paid = 0
        self.expected = 0
        self._asked, self._calm = asyncio.Event(), asyncio.Event()
        self._calm.set()
        self.fatal: ProviderError | None = None
        self.limit: LimitError | None = None
        self.complete = False

    @property
    def draining(self) -> bool:
        """Whether the run was asked to end."""
        return self._asked.is_set()

    async def run(self, nodes: Sequence[Node], feeds: Sequence[Feed]) -> None:
        """Run to the end. Raises RunFolderError when the disk refuses, and whatever else ended the run."""
        try:
            async with asyncio.TaskGroup() as services:
                services.create_task(self._journal.run())
                ticking = services.create_task(self._tick())
                try:
                    await self._flow(nodes, feeds)
                finally:
                    try:
                        await self._close_journal()
                    finally:
                        ticking.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from group

    def drain(self) -> None:
        """Begin nothing more and send no more calls; those in flight are finished, and what they bring is kept."""
        self._asked.set()
        self._valve.close()

    def stop(self) -> None:
        """Drain, and give up what is in flight."""
        self.drain()
        for task in self._tasks:
            task.cancel()

    def ended_by(self, error: IgentError) -> None:
        """A unit was ended by what ends the run."""
        if isinstance(error, LimitError):
            self.limit = self.limit or error
            self.drain()
        elif isinstance(error, ProviderError):
            self.fatal = self.fatal or error
            self.stop()
        elif not isinstance(error, DrainedError):
            raise error

    def moved(self, gate: Gate, by: int) -> None:
        """A piece of work has begun, or ended."""
        self._in_flight += by
        self._watch.in_flight(self._in_flight)
        if gate.paid:
            self._paid += by
            (self._calm.clear if self._paid else self._calm.set)()

    def expect(self) -> None:
        """One more unit is known to come."""
        self.expected += 1
        if self._expecting is not None:
            self._expecting.expects(self.expected)

    async def _flow(self, nodes: Sequence[Node], feeds: Sequence[Feed]) -> None:
        async with asyncio.TaskGroup() as group:
            self._tasks = {group.create_task(node.run()) for node in nodes}
            self._tasks |= {group.create_task(feed.give(self._clock)) for feed in feeds}
            ending = group.create_task(self._end_when_asked())
            await asyncio.wait(self._tasks)
            ending.cancel()
            self.complete = not any(task.cancelled() for task in self._tasks)

    async def _end_when_asked(self) -> None:
        await self._asked.wait()
        await self._calm.wait()
        for task in self._tasks:
            task.cancel()

    async def _close_journal(self) -> None:
        try:
            if (last := self._farewell()) is not None:
                self._journal.write_soon(last)
        finally:  # one that has stopped takes nothing more, and its files are to be closed all the same
            await self._journal.close()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_TICK_SECONDS)
            self._watch.tick()
