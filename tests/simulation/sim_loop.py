"""An event loop without a clock of its own: time jumps to the next timer, the ready callbacks run in a seeded order,
and blocking work takes a seeded while."""

from __future__ import annotations

__all__ = ["DeadlockError", "SimClock", "SimLoop"]

import asyncio
import selectors
from collections import deque
from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

START = 1_000.0
MOST_STEPS = 200_000


class DeadlockError(Exception):
    """Nothing is ready, and nothing ever will be."""


class _Selector(selectors.SelectSelector):
    """Waits for nothing: it moves the time on."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: SimLoop | None = None

    def select(self, timeout: float | None = None) -> list[Any]:
        assert self.loop is not None
        self.loop.advance(timeout)
        return []


class SimLoop(asyncio.SelectorEventLoop):
    """`at_step` is called before each turn of the loop with its number: it may kill."""

    def __init__(self, random: Random, at_step: Callable[[int], None]) -> None:
        self.virtual = START
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self
        self._random, self._at_step = random, at_step
        self.steps = 0

    def time(self) -> float:
        return self.virtual

    def advance(self, timeout: float | None) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise DeadlockError(f"no end after {MOST_STEPS} turns")
        self._at_step(self.steps)
        ready: deque[Any] = self._ready  # type: ignore[attr-defined]
        if timeout is None and not ready:
            raise DeadlockError("nothing is ready, and there is no timer")
        if timeout:
            self.virtual += timeout
        if len(ready) > 1:
            order = list(ready)
            self._random.shuffle(order)
            ready.clear()
            ready.extend(order)

    def run_in_executor(self, executor: Any, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        """What would run in a thread runs between two turns, at some time."""
        future = self.create_future()

        def run() -> None:
            if future.cancelled():
                return
            try:
                result = function(*arguments)
            except BaseException as error:  # noqa: BLE001  # as an executor does
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(self._random.choice((0.0, 0.001, 0.004, 0.03)), run)
        return future


class SimClock:
    """igent's clock on the loop's time."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.virtual

    def today(self) -> date:
        return date(2026, 7, 1)

    def timestamp(self) -> str:
        return "2026-07-01T12:00:00+00:00"

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
