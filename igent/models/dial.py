"""Opening connections: names, addresses, the proxy, TLS."""

from __future__ import annotations

__all__ = ["Address", "Dialer"]

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from igent.models.connection import Connection, Want
from igent.models.proxy import Proxy, ProxyError
from igent.models.reply import Reply, ReplyError

# How long the addresses of a name are trusted, and an address has before the next one is tried beside it (RFC 8305).
_NAME_SECONDS = 10.0
_HEAD_START_SECONDS = 0.25

_Info = tuple[Any, Any, int, str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is: `host` is a name in ASCII, or an IP address without brackets."""

    secure: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them; without a port that goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class Dialer:
    """Opens connections to one endpoint, through the proxy if there is one. `context` is for TLS, there or to the
    proxy."""

    def __init__(self, address: Address, proxy: Proxy | None, context: ssl.SSLContext | None) -> None:
        self._address, self._proxy, self._context = address, proxy, context
        self._names = _Names()

    async def open(self, make: Callable[[], Connection]) -> Connection:
        """A new connection, ready to send on. Raises OSError (ssl.SSLError is one) or UnicodeError."""
        to, proxy = self._address, self._proxy
        host, port = (proxy.host, proxy.port) if proxy else (to.host, to.port)
        connection = make()
        secure = proxy.secure if proxy else to.secure
        await self._connect(connection, host, port, secure=secure)
        if proxy and to.secure:
            try:
                await self._tunnel(connection, proxy)
            except BaseException:
                connection.abort()
                raise
        return connection

    async def _connect(self, connection: Connection, host: str, port: int, *, secure: bool) -> None:
        loop = asyncio.get_running_loop()
        infos = await self._names.find(host, port)
        sock = await _reach(infos)
        context = self._context if secure else None
        # From here on the socket is the transport's: the loop closes it if this fails.
        await loop.create_connection(
            lambda: connection, sock=sock, ssl=context, server_hostname=host if context else None
        )

    async def _tunnel(self, connection: Connection, proxy: Proxy) -> None:
        to = self._address
        host = f"[{to.host}]" if ":" in to.host else to.host
        lines = [f"CONNECT {host}:{to.port} HTTP/1.1", f"Host: {host}:{to.port}"]
        if proxy.authorization:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        asked = _Tunnel()
        connection.send("\r\n".join([*lines, "", ""]).encode("ascii"), asked, tunnel=True)
        await asked.opened
        loop = asyncio.get_running_loop()
        assert self._context is not None  # the endpoint is secure  # noqa: S101
        transport = await loop.start_tls(connection.transport, connection, self._context, server_hostname=to.host)
        if transport is None:
            raise ConnectionResetError("the connection was closed during the handshake")
        connection.connection_made(transport)


class _Tunnel:
    """Waits for the proxy's answer to CONNECT."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_head(self, reply: Reply) -> None:
        if not 200 <= reply.status < 300 and not self.opened.done():
            login = ": it asks for a login" if reply.status == 407 else ""
            self.opened.set_exception(ProxyError(f"the proxy answered {reply.status}{login}", login=bool(login)))

    def on_body(self, data: bytes) -> Want:
        return Want.NOTHING

    def on_end(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def on_lost(self, error: Exception) -> None:
        if not self.opened.done():
            what = "the proxy's answer is not HTTP" if isinstance(error, ReplyError) else "the proxy closed it"
            self.opened.set_exception(ProxyError(what))


class _Names:
    """Addresses by name. Many calls that begin at once ask for a name only once."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._found: dict[tuple[str, int], tuple[float, Sequence[_Info]]] = {}

    async def find(self, host: str, port: int) -> Sequence[_Info]:
        loop = asyncio.get_running_loop()
        async with self._lock:
            until, infos = self._found.get((host, port), (0.0, ()))
            if loop.time() >= until:
                infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                self._found[host, port] = loop.time() + _NAME_SECONDS, infos
        return infos


async def _reach(infos: Sequence[_Info]) -> socket.socket:
    """A socket that is connected to one of these addresses, the first that answers."""
    won: list[socket.socket] = []
    errors: list[OSError] = [OSError("the name has no address")]
    try:
        if len(infos) == 1:
            await _attempt(infos[0], won, errors)
        else:
            await _race(infos, won, errors)
    except BaseException:
        for extra in won:
            extra.close()
        raise
    for extra in won[1:]:
        extra.close()
    if not won:
        raise errors[-1]
    return won[0]


async def _race(infos: Sequence[_Info], won: list[socket.socket], errors: list[OSError]) -> None:
    async with asyncio.TaskGroup() as group:
        running: set[asyncio.Task[None]] = set()
        for info in infos:
            running.add(group.create_task(_attempt(info, won, errors)))
            _, running = await asyncio.wait(running, timeout=_HEAD_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if won:
                break
        while running and not won:
            _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for late in running:
            late.cancel()


async def _attempt(info: _Info, won: list[socket.socket], errors: list[OSError]) -> None:
    family, kind, protocol, _, address = info
    try:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        errors.append(error)
    else:
        won.append(sock)
