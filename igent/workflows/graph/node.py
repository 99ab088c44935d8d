"""A phase while a graph runs: takes what comes, has its units worked on, and gives on what came of them."""

from __future__ import annotations

__all__ = ["Links", "Node", "OneByOne"]

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from igent.flow import Item, Lost
from igent.outcome import Outcome
from igent.workflows.graph.flows import NO_SPAN, Ended, Flow, Inbox, Message, Order, Parted, make_inbox
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.units import Given, Result, Unit, UnitRunner, basis_of

_MOST_TASKS = 2000


@dataclass(slots=True)
class Links:
    """How a phase hangs together with others: the names it takes from ("" is the input), and the inboxes it gives to;
    `watchers` are told of each unit's many. `kept` collects the items that it gives, for a file; None: for none."""

    sources: Sequence[str]
    inbox: Inbox = field(default_factory=make_inbox)
    feeds: list[Inbox] = field(default_factory=list)
    watchers: list[Inbox] = field(default_factory=list)
    kept: list[tuple[Order, Item]] | None = None


class Node(ABC):
    """One phase. `run` it once, as a task; it ends when all that it takes from has ended."""

    def __init__(self, name: str, links: Links, runner: UnitRunner, gate: Gate) -> None:
        self.name, self.links = name, links
        self._runner, self._gate = runner, gate
        self._ids: set[str] = set()
        self._came: Counter[str] = Counter()
        self._last = Ended("", 0.0, NO_SPAN)
        # Beside those that are worked on, some may wait to give on what they have; more would only fill the memory.
        self._places = asyncio.Semaphore(min(_MOST_TASKS, 2 * max(gate.most, 1)))

    async def run(self) -> None:
        """Take everything, to the end."""
        await self._take_all()
        end = Ended(self.name, self._last.at, self._last.span)
        for inbox in dict.fromkeys([*self.links.feeds, *self.links.watchers]):
            await inbox.put((self.name, end))

    @abstractmethod
    async def _take_all(self) -> None:
        """Take every message, and give on what comes of it."""

    async def _messages(self, pause: float | None = None) -> AsyncIterator[tuple[str, Message | None]]:
        """What comes, until every source has ended; the ends themselves are not given. Whenever nothing comes for
        `pause` seconds, None is."""
        open_ = set(self.links.sources)
        while open_:
            try:
                source, message = await self._next(pause)
            except TimeoutError:
                yield "", None
                continue
            if isinstance(message, Ended):
                open_.discard(source)
                self._note(message)
                await self._ended(source, message)
            else:
                yield source, self._placed(source, message)

    async def _next(self, pause: float | None) -> tuple[str, Message]:
        if pause is None or not self.links.inbox.empty():  # a timeout for nothing takes longer than all the rest
            return await self.links.inbox.get()
        async with asyncio.timeout(pause):
            return await self.links.inbox.get()

    def _placed(self, source: str, message: Message) -> Message:
        """Where several phases give the same place, theirs decides, not who was first."""
        if len(self.links.sources) < 2 or not isinstance(message, Flow | Parted):
            return message
        return replace(message, order=(*message.order, self.links.sources.index(source)))

    async def _is_second(self, source: str, flow: Flow) -> bool:
        """Whether an item of the same id has come before, of another phase or from the input; it has failed then, for
        what would come of it could not be told apart."""
        if source and len(self.links.sources) == 1:
            return False
        self._came[flow.item.id] += 1
        times = self._came[flow.item.id]
        if times == 1:
            return False
        what = f"phase {self.name} takes the id {flow.item.id!r} twice, the second time from {source or 'the input'}"
        unit = replace(self._unit(flow), id=f"{flow.item.id} ({times})")
        await self._give(flow, await self._runner.refuse(unit, f"{what}: an id must be of one item only"))
        return True

    async def _ended(self, source: str, end: Ended) -> None:  # noqa: B027  # most kinds need not know
        """A source has ended."""

    def _note(self, message: Message) -> None:
        """The latest of what came is what the end of this phase hangs on."""
        if message.at >= self._last.at:
            self._last = Ended("", message.at, message.span)

    def _note_end(self, given: Given) -> None:
        if given.at >= self._last.at:
            self._last = Ended("", given.at, given.span)

    async def _tell(self, message: Message) -> None:
        for inbox in self.links.feeds:
            await inbox.put((self.name, message))

    async def _pass_on(self, parted: Parted) -> None:
        """What was lost before is lost here as well."""
        self._runner.books.skipped(self.name)
        self._note(parted)
        await self._tell(parted)

    async def _give(self, flow: Flow, given: Given) -> None:
        """Give on what came of a unit of one record that makes one."""
        self._note_end(given)
        result = given.result
        if result.status == "failed":
            await self._tell(self._parted(flow, Lost(flow.item.id, self.name, result.reason, flow.item.data), given))
            return
        for item in result.items:
            await self._tell(self._flow(flow, item, given))

    def _flow(self, flow: Flow, item: Item, given: Given) -> Flow | Parted:
        """One of a phase's items: a second one under an id that was given before is lost, for nobody could tell them
        apart."""
        if item.id in self._ids:
            reason = f"phase {self.name} gives the id {item.id!r} twice"
            return self._parted(flow, Lost(item.id, self.name, reason, item.data), given)
        self._ids.add(item.id)
        self._runner.books.gave(self.name)
        if self.links.kept is not None:
            self.links.kept.append((flow.order, item))
        return Flow(item, flow.order, given.at, flow.origins, given.span)

    def _parted(self, flow: Flow, lost: Lost, given: Given) -> Parted:
        return Parted(lost, flow.order, given.at, flow.origins, given.span)

    def _unit(self, flow: Flow) -> Unit:
        return Unit(self.name, flow.item.id, flow.order, basis_of(flow.item), flow.at, flow.span)


class OneByOne(Node):
    """A phase that works on each item by itself, some at once."""

    async def _take_all(self) -> None:
        async with asyncio.TaskGroup() as units:
            async for source, message in self._messages():
                if isinstance(message, Flow):
                    self._runner.expect()
                    if await self._is_second(source, message):
                        continue
                    await self._places.acquire()
                    units.create_task(self._one(message))
                elif isinstance(message, Parted):
                    await self._pass_on(message)

    async def _one(self, flow: Flow) -> None:
        try:
            unit = self._unit(flow)
            given = self._runner.known(unit, lambda outcome: self._restore(flow, outcome))
            if given is not None:
                await self._give_again(flow, given)
                return
            partial = self._partial(unit)
            given = await self._runner.run(unit, self._gate, lambda: self._work(flow, unit), partial)
            if given is not None:
                await self._give(flow, given)
        finally:
            self._places.release()

    async def _give_again(self, flow: Flow, given: Given) -> None:
        """Give on what came of it in an earlier session."""
        await self._give(flow, given)

    def _partial(self, unit: Unit) -> Callable[[], Result]:
        """Tells what there is of a unit's result when its work fails."""
        return Result

    @abstractmethod
    async def _work(self, flow: Flow, unit: Unit) -> Result:
        """What comes of one item."""

    @abstractmethod
    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        """What came of it in an earlier session, from what the journal kept."""
