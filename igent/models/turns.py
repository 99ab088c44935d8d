"""Lets tasks go on a few at a time, so that the event loop sees to everything else in between."""

from __future__ import annotations

__all__ = ["Turns"]

import asyncio
from collections import deque

_AT_ONCE = 8


class Turns:
    """Whoever awaits `take` goes on at once, or in one of the next rounds of the event loop: `at_once` in each, first
    come, first served.

    After an answer a task works for about a millisecond (checks, the next prompt). A thousand answers that come in one
    round would keep timers, signals and sockets waiting for a second. Where fewer come, nobody waits.
    """

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._at_once = at_once
        self._passed = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for the next turn that is free."""
        if self._passed < self._at_once and not self._waiting:
            self._count()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _count(self) -> None:
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._next_round)
        self._passed += 1

    def _next_round(self) -> None:
        """Whoever waits has made it sure that this comes: somebody has passed before."""
        self._passed = 0
        while self._waiting and self._passed < self._at_once:
            turn = self._waiting.popleft()
            if not turn.done():  # cancelled
                turn.set_result(None)
                self._count()
