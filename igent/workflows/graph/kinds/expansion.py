"""expand: a step in Python, one item to many, given on as they are found."""

from __future__ import annotations

__all__ = ["ExpandNode"]

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from igent.clock import Clock
from igent.flow import ExpandStep, Item, Lost, StepContext
from igent.outcome import Outcome
from igent.types import JsonObject
from igent.workflows.graph.flows import Flow, Message, Opened, Parted
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.given import as_item, as_lost
from igent.workflows.graph.node import Links, OneByOne
from igent.workflows.graph.units import Given, Result, Unit, UnitRunner, failed

_MOST_REASONS = 5
_PART = "part"


class ExpandNode(OneByOne):
    """A phase of kind expand. A unit of which parts are lost has failed; what it gave all the same stays given."""

    def __init__(
        self,
        name: str,
        links: Links,
        runner: UnitRunner,
        gate: Gate,
        step: ExpandStep,
        context: StepContext,
        clock: Clock,
    ) -> None:
        super().__init__(name, links, runner, gate)
        self._step, self._context, self._clock = step, context, clock
        self._found: dict[str, list[Item | Lost]] = {}

    def _partial(self, unit: Unit) -> Callable[[], Result]:
        found = self._found[unit.id] = []
        return lambda: self._result(found)

    async def _work(self, flow: Flow, unit: Unit) -> Result:
        found = self._found.pop(unit.id)
        span = self._runner.books.begun(unit, self._clock.now())
        async with _closing(self._step.run(flow.item, self._context)) as given:
            async for one in given:
                now = Given(Result(), self._clock.now(), span)
                part = as_lost(self.name, one) if isinstance(one, Lost) else as_item(self.name, one)
                message = self._message(flow, part, len(found), now)
                found.append(message.item if isinstance(message, Flow) else message.lost)
                await self._hand_on(message)
        return self._result(found)

    async def _hand_on(self, message: Message) -> None:
        """While it waits for room, others may need the place that it holds to make some."""
        if any(inbox.full() for inbox in self.links.feeds):
            async with self._gate.lent():
                await self._tell(message)
        else:
            await self._tell(message)

    def _message(self, flow: Flow, found: Item | Lost, place: int, given: Given) -> Flow | Parted:
        inner = replace(flow, order=(*flow.order, place), origins={**flow.origins, self.name: flow.item.id})
        if isinstance(found, Item):
            return self._flow(inner, found, given)
        return self._parted(inner, found, given)

    async def _give(self, flow: Flow, given: Given) -> None:
        result = given.result
        self._note_end(given)
        many = len(result.items) + len(result.lost)
        if result.status == "failed" and result.cause != _PART:
            lost = Lost(flow.item.id, self.name, result.reason, flow.item.data)
            if not many:  # nothing has come of it, so there is nothing to gather
                await self._tell(self._parted(flow, lost, given))
                return
            await self._tell(self._message(flow, lost, many, given))  # what came is not all of it
            many += 1
        for inbox in self.links.watchers:
            await inbox.put((self.name, Opened(self.name, flow, many, given.at, given.span)))

    async def _give_again(self, flow: Flow, given: Given) -> None:
        for place, kept in enumerate(given.result.outputs.get(self.name, ())):
            await self._tell(self._message(flow, self._read(kept), place, given))
        await self._give(flow, given)

    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        return self._result([self._read(kept) for kept in outcome.outputs[self.name]])

    def _read(self, kept: Any) -> Item | Lost:
        if "reason" in kept:
            return Lost(kept["id"], self.name, kept["reason"], kept["data"])
        return Item(kept["id"], kept["data"])

    def _result(self, found: Sequence[Item | Lost]) -> Result:
        items = [one for one in found if isinstance(one, Item)]
        lost = [one for one in found if isinstance(one, Lost)]
        result = Result(items, lost, {self.name: [_kept(one) for one in found]})
        return failed(result, _reasons(lost, len(found)), _PART) if lost else result


@asynccontextmanager
async def _closing(given: AsyncIterator[Item | Lost]) -> AsyncIterator[AsyncIterator[Item | Lost]]:
    """What a step holds (a file, a child process) is given back at once, whatever ends it."""
    try:
        yield given
    finally:
        if isinstance(given, AsyncGenerator):
            await given.aclose()


def _kept(one: Item | Lost) -> JsonObject:
    if isinstance(one, Item):
        return {"id": one.id, "data": one.data}
    return {"id": one.id, "reason": one.reason, "data": one.data}


def _reasons(lost: Sequence[Lost], many: int) -> str:
    told = "; ".join(f"{one.id}: {one.reason}" for one in lost[:_MOST_REASONS])
    more = f"; and {len(lost) - _MOST_REASONS} more" if len(lost) > _MOST_REASONS else ""
    return f"{len(lost)} of its {many} parts could not be used: {told}{more}"
