"""One connection to an endpoint: a request goes out, and what comes back is handed on as it comes, without a task."""

from __future__ import annotations

__all__ = ["Connection", "Exchange", "Want"]

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Protocol, cast

from igent.models.reply import Reply, ReplyError

# How long what is left of a reply may take when nobody needs it any more, for the connection's sake.
_REST_SECONDS = 0.25


class Want(Enum):
    """What an Exchange still wants of its reply: MORE; its REST only for the connection's sake; or NOTHING: the
    connection is to be closed, so that the server stops."""

    MORE = 0
    REST = 1
    NOTHING = 2


class Exchange(Protocol):
    """Is told of one reply while it comes, from callbacks of the event loop: nothing here may raise."""

    def on_head(self, reply: Reply) -> None:
        """The status and the headers have come."""
        ...

    def on_body(self, data: bytes) -> Want:
        """Some of the body has come."""
        ...

    def on_end(self) -> None:
        """The reply is complete."""
        ...

    def on_lost(self, error: Exception) -> None:
        """The reply breaks off, or is not one."""
        ...


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. `freed` is told each time that it may carry the next one, `lost` at its end."""

    def __init__(self, freed: Callable[[Connection], None], lost: Callable[[Connection], None]) -> None:
        self._freed, self._lost = freed, lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None
        self._exchange: Exchange | None = None
        self._tunnel = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether it is made, and not being closed."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def usable(self) -> bool:
        """Whether it is open and carries nothing."""
        return self._reply is None and self.open

    @property
    def transport(self) -> asyncio.Transport:
        """What is under it; only once it is made."""
        assert self._transport is not None  # asked for after connection_made  # noqa: S101
        return self._transport

    def send(self, request: bytes, exchange: Exchange, *, tunnel: bool = False) -> None:
        """Send a request; the exchange is told of the reply. `tunnel` is for CONNECT: nobody else is to use it then."""
        self._reply, self._exchange, self._tunnel = Reply(without_body=tunnel), exchange, tunnel
        self.transport.write(request)

    def drop(self, exchange: Exchange) -> None:
        """Close it at once if this exchange is still being carried."""
        if self._exchange is exchange:
            self.abort()

    def abort(self) -> None:
        """Close it at once; whatever it carries is told no more."""
        self._reply = self._exchange = None
        self._stop_timer()
        self.close()

    def close(self) -> None:
        """Close it at once; what it carries is lost, and told so."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        reply, exchange = self._reply, self._exchange
        if reply is None:  # nobody has asked
            self.abort()
            return
        headed = reply.status
        try:
            body = reply.feed(data)
        except ReplyError as error:
            self.abort()
            if exchange is not None:
                exchange.on_lost(error)
            return
        if exchange is not None:
            if not headed and reply.status:
                exchange.on_head(reply)
                reply.headers = ()
            want = exchange.on_body(body) if body else Want.MORE
            if want is not Want.MORE:
                self._exchange = None
                if want is Want.NOTHING and not reply.done:
                    self.abort()
                    return
                if not reply.done:
                    self._timer = self._loop.call_later(_REST_SECONDS, self.abort)
        if reply.done:
            self._over(reply)

    def _over(self, reply: Reply) -> None:
        exchange = self._exchange
        self._reply = self._exchange = None
        self._stop_timer()
        if exchange is not None:
            exchange.on_end()
        if not reply.reusable:
            self.abort()
        elif not self._tunnel:
            self._freed(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        reply, exchange = self._reply, self._exchange
        self._reply = self._exchange = None
        self._stop_timer()
        self._lost(self)
        if reply is None or exchange is None:
            return
        if reply.close():
            exchange.on_end()
        else:
            exchange.on_lost(error or ConnectionResetError("the connection was closed"))
