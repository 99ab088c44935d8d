"""How many records are in flight at once: a number that may change while they are."""

from __future__ import annotations

__all__ = ["Slots"]

import asyncio
from collections.abc import Callable


class Slots:
    """Places for records; `limit` of them, `taken` so many. For one task that takes them, and any number that give them
    back.

    With a lower limit nobody is sent away: fewer are let in until it holds. `room` is asked whether there is room for
    one more beside so many, whatever the limit; where nobody is in, one is always let in.
    """

    def __init__(self, limit: int, room: Callable[[int], bool] = lambda taken: True) -> None:
        self.limit = limit
        self.taken = 0
        self._room = room
        self._changed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether more records would be in flight if they were let in."""
        return self.taken >= self.limit or (self.taken > 0 and not self._room(self.taken))

    def resize(self, limit: int) -> None:
        """From now on so many."""
        self.limit = limit
        self._changed.set()

    async def acquire(self) -> None:
        """Wait for a place and take it."""
        while self.full:
            self._changed.clear()
            await self._changed.wait()
        self.taken += 1

    def release(self) -> None:
        """Give a place back."""
        self.taken -= 1
        self._changed.set()
