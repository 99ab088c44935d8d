"""Phases of which one piece of work is about several items: each still has its own outcome."""

from __future__ import annotations

__all__ = ["Batch", "Tell", "Together"]

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence

from igent.clock import Clock
from igent.errors import InternalError
from igent.outcome import Outcome
from igent.workflows.graph.flows import Flow, Parted
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.units import Result, Unit, UnitRunner

_LINGER_SECONDS = 0.25
"""How long a batch that is not full waits for more while there is a place free to work on it."""

Batch = Sequence[tuple[Flow, Unit]]
Tell = Callable[[int, Result], None]
"""Is told of the result of one of a batch as soon as it is there, once for each."""


class Together(Node):
    """A phase whose items are worked on `size` at a time, at most. Whoever comes first is not kept waiting long for the
    batch to fill, unless all places are taken anyway."""

    def __init__(self, name: str, links: Links, runner: UnitRunner, gate: Gate, size: int, clock: Clock) -> None:
        super().__init__(name, links, runner, gate)
        self._size, self._clock = size, clock
        self._tasks: asyncio.TaskGroup

    async def _take_all(self) -> None:
        waiting: list[tuple[Flow, Unit]] = []
        async with asyncio.TaskGroup() as self._tasks:
            async for source, message in self._messages(_LINGER_SECONDS):
                if isinstance(message, Flow):
                    self._runner.expect()
                    if not await self._is_second(source, message):
                        await self._take(message, waiting)
                elif isinstance(message, Parted):
                    await self._pass_on(message)
                if len(waiting) >= self._size or (message is None and waiting and not self._gate.full):
                    await self._begin(waiting)
            if waiting:
                await self._begin(waiting)

    async def _take(self, flow: Flow, waiting: list[tuple[Flow, Unit]]) -> None:
        unit = self._unit(flow)
        given = self._runner.known(unit, lambda outcome: self._restore(flow, outcome))
        if given is not None:
            await self._give(flow, given)
            return
        found, started = await self._runner.attempt(unit.record_id, lambda: self._found(flow, unit)), self._clock.now()
        if found is None:
            waiting.append((flow, unit))
        else:
            await self._finish(flow, unit, found, started)

    async def _begin(self, waiting: list[tuple[Flow, Unit]]) -> None:
        batch = tuple(waiting)
        waiting.clear()
        await self._places.acquire()
        self._tasks.create_task(self._one(batch))

    async def _one(self, batch: Batch) -> None:
        left = dict(enumerate(batch))
        started = self._clock.now()

        def began(at: float) -> None:
            nonlocal started
            started = at

        def tell(place: int, result: Result) -> None:
            finishing.create_task(self._finish(*left.pop(place), result, started))

        async def work() -> Result:
            await self._work_on(batch, tell)
            if left:
                raise InternalError(f"phase {self.name}: nothing is told of {len(left)} items of a batch")
            return Result()

        try:
            async with asyncio.TaskGroup() as finishing:  # its place is free once all have been given on
                result = await self._runner.hold(batch[0][1].record_id, self._gate, work, self._spent(batch), began)
                if result is not None:
                    for place in list(left):
                        tell(place, result)
                        result = Result(status=result.status, reason=result.reason, cause=result.cause)
        finally:
            self._places.release()

    async def _finish(self, flow: Flow, unit: Unit, result: Result, started: float) -> None:
        await self._give(flow, await self._runner.settle(unit, result, started))

    async def _found(self, flow: Flow, unit: Unit) -> Result | None:
        """The result of an item that needs no work; None where it does."""
        return None

    def _spent(self, batch: Batch) -> Callable[[], Result]:
        """Tells what was spent on a batch whose work failed, beyond what was told of."""
        return Result

    @abstractmethod
    async def _work_on(self, batch: Batch, tell: Tell) -> None:
        """Work on all of them, and tell each result."""

    @abstractmethod
    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        """As in OneByOne."""
