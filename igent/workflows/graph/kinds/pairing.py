"""pair: for each item of the first phase, the nearest of the second, once that is complete."""

from __future__ import annotations

__all__ = ["Index", "MakeIndex", "PairNode"]

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from igent.errors import InternalError
from igent.flow import Item
from igent.workflows.graph.flows import NO_SPAN, Ended, Flow, Message, Opened, Order, Parted
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.units import Given, Result, Unit, UnitRunner, basis_of

_MANY = 20_000
"""From so many on the right, a search takes long enough to be done beside the event loop."""


class Index(Protocol):
    """The items of the second phase, to be searched; see igent.embedding."""

    def nearest(self, item: Item) -> Sequence[tuple[int, float]]:
        """The nearest to it that may be its partners: their places and similarities, the nearest first."""
        ...


MakeIndex = Callable[[Sequence[Item]], Index]


class PairNode(Node):
    """A phase of kind pair. It holds all that it takes: the second phase to search it, the first until it can."""

    def __init__(self, name: str, links: Links, runner: UnitRunner, gate: Gate, make_index: MakeIndex) -> None:
        super().__init__(name, links, runner, gate)
        self._make_index = make_index
        self._left, self._right = links.sources
        self._gathered: list[Flow] = []
        self._items: Sequence[Item] = ()
        self._digest = ""
        self._index: Index | None = None
        self._broken = ""
        self._is_complete = False
        self._waiting: list[Flow] = []
        self._complete = Ended("", 0.0, NO_SPAN)
        self._tasks: asyncio.TaskGroup

    async def _take_all(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            async for source, message in self._messages():
                if source == self._right:
                    if isinstance(message, Flow):
                        self._gathered.append(message)
                elif isinstance(message, Flow):
                    await self._take(message)
                elif isinstance(message, Parted):
                    await self._pass_on(message)

    async def _take(self, flow: Flow) -> None:
        if self._is_complete:
            self._runner.expect()
            await self._places.acquire()
            self._tasks.create_task(self._one(flow))
        else:
            self._waiting.append(flow)

    async def _ended(self, source: str, end: Ended) -> None:
        if source != self._right:
            return
        self._complete = end
        self._items = [flow.item for flow in sorted(self._gathered, key=_order_of)]
        self._digest = basis_of(self._items)
        self._gathered.clear()
        failure = await self._runner.attempt(self.name, self._make)
        self._broken = failure.reason if failure is not None else ""
        self._is_complete = True
        for flow in self._waiting:
            await self._take(flow)
        self._waiting.clear()

    async def _make(self) -> None:
        self._index = await asyncio.to_thread(self._make_index, self._items)

    async def _one(self, flow: Flow) -> None:
        try:
            given = await self._runner.run(self._unit(flow), self._gate, lambda: self._pairs(flow))
            if given is not None:
                await self._give(flow, given)
        finally:
            self._places.release()

    def _unit(self, flow: Flow) -> Unit:
        last: Message = flow if flow.at >= self._complete.at else self._complete
        basis = basis_of(flow.item, self._digest)
        return Unit(self.name, flow.item.id, flow.order, basis, last.at, last.span)

    async def _pairs(self, flow: Flow) -> Result:
        if self._index is None:
            raise InternalError(f"what phase {self._right} gave cannot be searched: {self._broken}")
        many = len(self._items) >= _MANY
        nearest = self._index.nearest
        found = await asyncio.to_thread(nearest, flow.item) if many else nearest(flow.item)
        partners = [(self._items[place], similarity) for place, similarity in found]
        items = [_pair(flow.item, partner, similarity) for partner, similarity in partners]
        return Result(items, outputs={self.name: [[partner.id, similarity] for partner, similarity in partners]})

    async def _give(self, flow: Flow, given: Given) -> None:
        many = len(given.result.items)
        inner = replace(flow, origins={**flow.origins, self.name: flow.item.id})
        if given.result.status == "failed":
            await super()._give(flow, given)
            return
        self._note_end(given)
        for inbox in self.links.watchers:
            await inbox.put((self.name, Opened(self.name, flow, many, given.at, given.span)))
        for place, item in enumerate(given.result.items):
            await self._tell(self._flow(replace(inner, order=(*flow.order, place)), item, given))


def _pair(source: Item, target: Item, similarity: float) -> Item:
    data = {"source": source.data, "target": target.data, "similarity": similarity}
    return Item(f"{source.id}~{target.id}", data)


def _order_of(flow: Flow) -> Order:
    return flow.order
