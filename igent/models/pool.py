"""The connections of one client: kept while they may be used again, and a few opened before they are needed."""

from __future__ import annotations

__all__ = ["Pool"]

import asyncio
import contextlib

from igent.models.connection import Connection
from igent.models.dial import Dialer

# Shorter than what servers keep an idle connection for.
_KEEP_SECONDS = 15.0
_CLOSE_SECONDS = 1.0


class Pool:
    """Hands out connections and takes them back by itself. It bounds only how many are opened in advance: `spares`."""

    def __init__(self, dialer: Dialer, spares: int) -> None:
        self._dialer, self._spares = dialer, spares
        self._idle: dict[Connection, float] = {}  # since when, the oldest first
        self._open: set[Connection] = set()
        self._warming = 0
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    def idle(self) -> Connection | None:
        """A connection that is at hand: the one that was used last; None when there is none."""
        self._drop_old()
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable:
                return connection
        return None

    async def open(self) -> Connection:
        """A new connection. Raises OSError or UnicodeError."""
        connection = await self._dialer.open(self._make)
        self._open.add(connection)
        return connection

    def _make(self) -> Connection:
        return Connection(self._free, self._lost)

    @property
    def short(self) -> bool:
        """Whether another spare connection may be opened."""
        return len(self._idle) + self._warming < self._spares

    async def warm(self, seconds: float) -> None:
        """Open a spare connection, if it takes no longer; where it fails, the next call will say why."""
        self._warming += 1
        try:
            with contextlib.suppress(OSError, UnicodeError):
                async with asyncio.timeout(seconds):
                    self._free(await self.open())
        finally:
            self._warming -= 1

    def _free(self, connection: Connection) -> None:
        if self._closed:
            connection.abort()
            return
        self._drop_old()
        self._idle[connection] = asyncio.get_running_loop().time()

    def _drop_old(self) -> None:
        oldest = asyncio.get_running_loop().time() - _KEEP_SECONDS
        while self._idle:
            connection = next(iter(self._idle))
            if self._idle[connection] >= oldest:
                break
            del self._idle[connection]
            connection.abort()

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)

    async def close(self) -> None:
        """Close every connection, and see them closed."""
        self._closed = True
        self._idle.clear()
        for connection in tuple(self._open):
            connection.close()
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._emptied
