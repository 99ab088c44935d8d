"""A queue for what there is not always room for: first come, first served, and nobody waits for an empty room."""

from __future__ import annotations

__all__ = ["Line"]

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from igent.clock import Clock

T = TypeVar("T")

# Shorter waits cost more in timers than they are worth.
_SHORTEST_WAIT = 0.001


class Line(Generic[T]):
    """Waiters in the order of their arrival. `enter` lets the first of them in, or tells how long it must wait.

    `enter(item)` returns 0 when it has let the item in (and has noted that it has), else the seconds after which to ask
    again, infinity for "not before a `nudge`"; what it raises, the waiter gets. Only the first in line is asked. A
    waiter that is cancelled leaves no trace: it was not let in.
    """

    def __init__(self, clock: Clock, enter: Callable[[T], float]) -> None:
        self._clock = clock
        self._enter = enter
        self._places: OrderedDict[_Place, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._places)

    def nudge(self) -> None:
        """There may be room: the first in line asks again."""
        for place in self._places:
            place.nudge()
            return

    async def wait(self, item: T) -> bool:
        """Return once `enter` has let the item in: whether that took any waiting. Raises what `enter` raises."""
        if not self._places and self._enter(item) <= 0.0:
            return False
        place = _Place()
        self._places[place] = None
        try:
            while True:
                left = self._enter(item) if next(iter(self._places)) is place else math.inf
                if left <= 0.0:
                    return True
                await self._rest(place, left)
        finally:
            del self._places[place]
            self.nudge()

    async def _rest(self, place: _Place, seconds: float) -> None:
        """Until the nudge, or so many seconds."""
        nudged = place.renew()
        if math.isinf(seconds):
            await nudged
            return
        async with asyncio.TaskGroup() as group:
            timer = group.create_task(self._ring(place, seconds))
            await nudged
            timer.cancel()

    async def _ring(self, place: _Place, seconds: float) -> None:
        await self._clock.sleep(max(seconds, _SHORTEST_WAIT))
        place.nudge()


class _Place:
    """One waiter's place in the line."""

    __slots__ = ("_nudged",)

    def __init__(self) -> None:
        self._nudged: asyncio.Future[None] | None = None

    def renew(self) -> asyncio.Future[None]:
        self._nudged = asyncio.get_running_loop().create_future()
        return self._nudged

    def nudge(self) -> None:
        if self._nudged is not None and not self._nudged.done():
            self._nudged.set_result(None)
