"""How bytes travel: aiohttp below, the httpx2 interface that `openai` speaks above.

`openai` ships such a transport (DefaultAioHttpClient). Over TLS it closes an unfinished stream politely: it says
goodbye and goes on reading for up to 30 s, and a server that only writes goes on being paid for. This one aborts the
connection.
"""

from __future__ import annotations

__all__ = ["AiohttpTransport"]

from collections.abc import AsyncIterator

import aiohttp
import httpx2


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends requests through one aiohttp session, opened with the first of them.

    `connect_seconds` bounds TCP and TLS; all other waiting is the caller's to bound. `secure` loads the certificates
    that https needs. The number of connections has no bound of its own: the records in flight bound it. Raises
    aiohttp's errors as they are.
    """

    def __init__(self, connect_seconds: float, *, secure: bool) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._secure = secure
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        # trust_env: the proxies that the environment names (HTTPS_PROXY, NO_PROXY) are honoured.
        connector = aiohttp.TCPConnector(limit=0, ssl=httpx2.create_ssl_context() if self._secure else True)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            trust_env=True,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; returns when the headers of the reply are there."""
        if self._session is None:
            self._session = self._open()
        response = await self._session.request(
            request.method,
            str(request.url),
            headers=request.headers.multi_items(),
            data=await request.aread(),
            allow_redirects=False,
        )
        return httpx2.Response(
            response.status, headers=list(response.raw_headers), stream=_Body(response), request=request
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        # A body read to its end has given its connection back already; one that was not must stop the server now.
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self._response.close()
