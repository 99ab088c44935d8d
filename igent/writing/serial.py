"""Blocking work in a thread, one piece at a time, whole: a cancelled caller leaves its piece to finish undisturbed."""

from __future__ import annotations

__all__ = ["SerialThread"]

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from igent.errors import InternalError

_T = TypeVar("_T")


class SerialThread:
    """Where the writers do their fsyncs. `asyncio.to_thread` alone would let a second piece start on the same file
    while that of a cancelled caller still runs."""

    def __init__(self) -> None:
        self._piece: asyncio.Future[Any] | None = None

    def start(self, function: Callable[[], _T]) -> asyncio.Future[_T]:
        """Begin a piece; the caller has waited for `idle`. The future is not to be cancelled."""
        if self.busy:
            raise InternalError("a second piece of blocking work was started before the first had ended")
        piece = asyncio.get_running_loop().run_in_executor(None, function)
        self._piece = piece
        return piece

    async def run(self, function: Callable[[], _T]) -> _T:
        """Wait for the piece before, run this one, return or raise what it does."""
        await self.idle()
        return await asyncio.shield(self.start(function))

    @property
    def busy(self) -> bool:
        """Whether a piece is running."""
        return self._piece is not None and not self._piece.done()

    async def idle(self) -> None:
        """Wait until no piece is running, however it ends."""
        while self._piece is not None and not self._piece.done():
            await asyncio.wait([self._piece])

    def when_idle(self, function: Callable[[], object]) -> None:
        """Call the function now, or as soon as the running piece has ended."""
        if self._piece is None or self._piece.done():
            function()
        else:
            self._piece.add_done_callback(lambda _: function())
